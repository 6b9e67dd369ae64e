import * as zlib from "node:zlib";
import { readUtf8 } from "./charset.ts";
import { MAX_SIZE, parseBody, type Parsed, PayloadError } from "../payload.ts";

/** What a body says, once the content encodings of its header (RFC 9110, 8.4) are undone. */
export interface Content {
  /** As they came, where there is nothing to undo or it cannot be undone. */
  bytes: Uint8Array;
  /** Those that were undone, as the header has them: `gzip`. */
  encoding?: string;
  /** Why they could not be undone, in one line. */
  undecoded?: string;
}

type Decode = (body: Uint8Array, options: { maxOutputLength: number }) => Uint8Array;

/**
 * Those that the runtime has. They end as soon as they have made more than they may, which
 * `DecompressionStream` does not on Deno: it makes all that a chunk says at once, and in Brotli
 * 800 bytes say half a gigabyte.
 */
const DECODERS: Record<string, Decode | undefined> = {
  gzip: zlib.gunzipSync,
  "x-gzip": zlib.gunzipSync,
  deflate: inflate,
  br: zlib.brotliDecompressSync,
  zstd: zlib.zstdDecompressSync,
};
/** More than a sender and two proxies on its way would add. */
const MOST_ENCODINGS = 4;

/**
 * Undoes the encodings of a body. One that has been undone on its way, under a header that was
 * left as it was, is what it is; gzip is known without its header, too.
 *
 * @param most the most bytes that it may say.
 * @throws {PayloadError} when it says more.
 */
export function decodeContent(
  body: Uint8Array,
  header: string | null | undefined,
  most = MAX_SIZE,
): Content {
  const encodings = encodingsIn(header, body);
  if (encodings.length === 0 || body.length === 0) return { bytes: body };
  const encoding = encodings.join(", ");
  if (encodings.length > MOST_ENCODINGS) {
    return undecoded(body, encoding, `more than ${MOST_ENCODINGS} encodings are not undone`);
  }
  let bytes = body;
  // The first of them was done first.
  for (const name of encodings.toReversed()) {
    const decode = Object.hasOwn(DECODERS, name) ? DECODERS[name] : undefined;
    const found = decode && tryToDecode(decode, bytes, { name, most });
    if (found) {
      bytes = found;
      continue;
    }
    if (readUtf8(bytes) !== undefined && !bytes.includes(0)) return { bytes };
    return undecoded(body, encoding, decode ? `it is no ${name}` : `nothing here reads ${name}`);
  }
  return { bytes, encoding };
}

/** Whether a body is encoded, by its header or its first bytes; nothing of it is undone to see that. */
export function isEncoded(body: Uint8Array, header: string | null | undefined): boolean {
  return encodingsIn(header, body).length > 0;
}

/**
 * Reads a body that may be encoded: see `parseBody`. What cannot be decoded is told in its place.
 *
 * @throws {PayloadError} when it exceeds the budget.
 */
export function parseContent(body: Uint8Array, headers: Headers, most?: number): Parsed {
  const { bytes, undecoded } = decodeContent(body, headers.get("content-encoding"), most);
  return undecoded === undefined
    ? parseBody(bytes, headers.get("content-type") ?? undefined)
    : { kind: "raw", payload: { raw_body: undecoded } };
}

/** The encodings that a header names, in order; `identity` is none. */
function encodingsIn(header: string | null | undefined, body: Uint8Array): string[] {
  const named = (header ?? "").toLowerCase().split(",", MOST_ENCODINGS + 1)
    .map((name) => name.trim().slice(0, 40)).filter((name) => name !== "" && name !== "identity");
  return named.length === 0 && isGzip(body) ? ["gzip"] : named;
}

/** Its first bytes are no text in UTF-8. */
function isGzip([one, two, method]: Uint8Array): boolean {
  return one === 0x1f && two === 0x8b && method === 8;
}

function tryToDecode(
  decode: Decode,
  body: Uint8Array,
  { name, most }: { name: string; most: number },
): Uint8Array | undefined {
  try {
    const bytes = decode(body, { maxOutputLength: most });
    // Deno's Brotli makes nothing of what is none.
    return bytes.length > 0 ? bytes : undefined;
  } catch (error) {
    if ((error as { code?: unknown }).code !== "ERR_BUFFER_TOO_LARGE") return undefined;
    throw new PayloadError(
      "payload_too_large",
      `Reading the body failed: decoded from ${name} it has more than the ${most} bytes that are read`,
    );
  }
}

/** `deflate` is zlib's format; some senders mean the bare one (RFC 9110, 8.4.1.2). */
function inflate(body: Uint8Array, options: { maxOutputLength: number }): Uint8Array {
  const isZlib = (body[0] & 0x0f) === 8 && (body[0] * 256 + body[1]) % 31 === 0;
  return isZlib ? zlib.inflateSync(body, options) : zlib.inflateRawSync(body, options);
}

function undecoded(bytes: Uint8Array, encoding: string, why: string): Content {
  const size = bytes.length.toLocaleString("en");
  return {
    bytes,
    undecoded: `A body of ${size} bytes that is kept as it came, undecoded: its Content-Encoding ` +
      `is ${encoding}, and ${why}`,
  };
}
