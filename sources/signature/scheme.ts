import {
  bytesOf,
  decodeBase64,
  decodeBase64Url,
  decodeHex,
  encodeBase64,
  encodeBase64Url,
  encodeHex,
} from "./bytes.ts";
import { hmac, verifyHmac } from "./hmac.ts";
import { type PublicKeyAlgorithm, verifyPublicKey } from "./public_key.ts";
import { hashOf, keysOf, type SchemeKey, wantedKey } from "./scheme_key.ts";
import {
  FIVE_MINUTES,
  isWithin,
  parseTime,
  type TimeUnit,
  type TimeWindow,
  writeTime,
} from "./time.ts";

/**
 * How a vendor signs its requests, as data. What is not said is the commonest:
 * one HMAC-SHA-256 of the body, keyed with the secret's own text.
 */
export interface Scheme extends SchemeKey {
  /** The header that holds the signature. */
  header: string;
  /** What stands before each signature: `sha256=`, `v1,`. */
  prefix?: string;
  /** What stands between the header's entries, where it has several: `,` `;` or a space. */
  separator?: string;
  encoding: "hex" | "base64" | "base64url";
  /** What is signed, of `{body}` `{time}` `{id}` `{method}` and `{url}`. */
  signed?: string;
  /** The signed time: in a header of its own, or in the signature's header behind a prefix. */
  time?: {
    header?: string;
    prefix?: string;
    unit?: TimeUnit;
    /** Five minutes both ways, unless the vendor says otherwise; `null` where its retries may keep the old time. */
    window?: TimeWindow | null;
  };
  /** The header with the signed id. */
  id?: string;
}

/** What a scheme looks at. */
interface SignedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  readonly body: Uint8Array;
  /** In milliseconds since 1970. */
  readonly receivedAt: number;
}

/** What a check found; only `match` is good. */
export type Finding =
  | { kind: "match" }
  | { kind: "missing"; header: string }
  | { kind: "malformed"; header: string; wanted: string }
  | { kind: "mismatch"; header: string }
  | { kind: "unusable"; wanted: string }
  | { kind: "late"; seconds: number; allowed: number };

/**
 * Standard Webhooks (its spec, "Signature scheme"): neither id nor time may include a dot. With one,
 * the end of an id and the beginning of a body could change places under the same signature.
 */
const STANDARD_WEBHOOKS = "{id}.{time}.{body}";

/** The most entries of a header that are read: a key rotation has two or three, more only cost time. */
const MAX_ITEMS = 32;
/** The most signatures that are checked with a public key, because each one costs a check for every key. */
const MOST_BY_KEY = 5;

const LENGTHS: Record<string, number> = {
  "HMAC-SHA-256": 32,
  "HMAC-SHA-1": 20,
  "HMAC-SHA-512": 64,
  "Ed25519": 64,
};
const DECODE = { hex: decodeHex, base64: decodeBase64, base64url: decodeBase64Url };
const ENCODE = { hex: encodeHex, base64: encodeBase64, base64url: encodeBase64Url };
const TIMES = {
  seconds: "{ten digits}",
  milliseconds: "{thirteen digits}",
  date: "{a date and time such as 2026-01-31T12:00:00Z}",
};
/** Checks a request's signature with each of the secrets, and then its time. */
export async function checkScheme(
  scheme: Scheme,
  request: SignedRequest,
  secrets: readonly string[],
): Promise<Finding> {
  const { headers } = request;
  const value = headers.get(scheme.header);
  if (!value) return { kind: "missing", header: scheme.header };
  const items = itemsOf(scheme, value);
  const signatures = signaturesIn(scheme, items);
  if (signatures.length === 0) return malformedSignature(scheme);
  let time: string | undefined;
  let seconds: number | undefined;
  if (scheme.time) {
    const { header, unit = "seconds" } = scheme.time;
    time = header ? headers.get(header) ?? undefined : timeIn(scheme, items);
    if (header && !time) return { kind: "missing", header };
    seconds = parseTime(time, unit);
    if (seconds === undefined) {
      return header
        ? { kind: "malformed", header, wanted: TIMES[unit] }
        : malformedSignature(scheme);
    }
  }
  const id = scheme.id && headers.get(scheme.id);
  if (scheme.id && !id) return { kind: "missing", header: scheme.id };
  if (scheme.id && id?.includes(".") && scheme.signed === STANDARD_WEBHOOKS) {
    return { kind: "malformed", header: scheme.id, wanted: "{an id without dots}" };
  }
  const keys = keysOf(scheme, secrets);
  if (keys.length === 0) return { kind: "unusable", wanted: wantedKey(scheme) };
  const message = signedBytes(scheme, request, time, id);
  if (!await verifies(scheme, keys, message, signatures)) {
    return { kind: "mismatch", header: scheme.header };
  }
  const window = scheme.time?.window === undefined ? FIVE_MINUTES : scheme.time.window;
  if (seconds !== undefined && window && !isWithin(window, seconds, request.receivedAt)) {
    return {
      kind: "late",
      seconds,
      allowed: seconds * 1000 > request.receivedAt ? window.future : window.past,
    };
  }
  return { kind: "match" };
}

/** What the sender of a request has signed; parts that are missing are left empty. */
export function signedText(scheme: Scheme, request: SignedRequest): Uint8Array {
  const { headers } = request;
  const items = itemsOf(scheme, headers.get(scheme.header) ?? "");
  const { header } = scheme.time ?? {};
  const time = header ? headers.get(header) ?? undefined : scheme.time && timeIn(scheme, items);
  return signedBytes(scheme, request, time, scheme.id && headers.get(scheme.id));
}

/**
 * Signs a request as the vendor does: the headers to add. A request without
 * the id that is signed gets one.
 *
 * @throws {TypeError} when the secret is none for this scheme, or the vendor
 * alone can sign because the secret is a public key.
 */
export async function signScheme(
  scheme: Scheme,
  request: SignedRequest,
  secret: string,
): Promise<Record<string, string>> {
  const [key] = keysOf(scheme, [secret]);
  const hash = hashOf(scheme);
  if (!key || !hash) {
    throw new TypeError(
      `Signing for ${scheme.header} failed: ` +
        (hash ? `the secret is not ${wantedKey(scheme)}` : "only the vendor has the key"),
    );
  }
  const added: Record<string, string> = {};
  const time = scheme.time && writeTime(request.receivedAt, scheme.time.unit);
  if (scheme.time?.header) added[scheme.time.header.toLowerCase()] = time!;
  let id = scheme.id && request.headers.get(scheme.id);
  if (scheme.id && !id) added[scheme.id.toLowerCase()] = id = `msg_${crypto.randomUUID()}`;
  const signature = await hmac(hash, key, signedBytes(scheme, request, time, id));
  const written = ENCODE[scheme.encoding](signature);
  added[scheme.header.toLowerCase()] =
    (scheme.time?.prefix ? `${scheme.time.prefix}${time}${scheme.separator}` : "") +
    (scheme.prefix ?? "") + written;
  return added;
}

/** A scheme in one line for people: `HMAC-SHA-256 of {time}.{body} in Stripe-Signature, ± 5 min`. */
export function formatScheme({ algorithm, signed = "{body}", header, time }: Scheme): string {
  const window = time?.window === undefined ? FIVE_MINUTES : time.window;
  const minutes = window && window.past / 60;
  return `${algorithm ?? "HMAC-SHA-256"} of \`${signed}\` in \`${header}\`` +
    (time && minutes ? `, ± ${minutes} min` : "");
}

/** The header's entries. A header that came twice is joined by commas, even where spaces separate its entries. */
function itemsOf({ separator }: Scheme, value: string): string[] {
  return separator
    ? value.split(separator, MAX_ITEMS).map((item) => item.trim().replace(/,$/, ""))
    : [value];
}

function signaturesIn(scheme: Scheme, items: readonly string[]): Uint8Array[] {
  const { prefix = "", encoding, algorithm = "HMAC-SHA-256" } = scheme;
  const length = LENGTHS[algorithm];
  const decode = DECODE[encoding];
  return items.filter((item) => item.startsWith(prefix))
    .map((item) => decode(item.slice(prefix.length)))
    .filter((signature) => signature !== undefined)
    .filter((signature) => length === undefined || signature.length === length)
    // A public key needs one check for each; an HMAC is made once and compared with all.
    .slice(0, hashOf(scheme) ? MAX_ITEMS : MOST_BY_KEY);
}

/** The time among the header's entries; undefined where there is none, or there are several that differ. */
function timeIn({ time }: Scheme, items: readonly string[]): string | undefined {
  const prefix = time!.prefix!;
  const found = new Set(items.filter((item) => item.startsWith(prefix)));
  return found.size === 1 ? [...found][0].slice(prefix.length) : undefined;
}

function malformedSignature(scheme: Scheme): Finding {
  const { header, time, prefix = "", separator = "", encoding, algorithm } = scheme;
  const bytes = LENGTHS[algorithm ?? "HMAC-SHA-256"];
  const signature = encoding === "hex"
    ? `{${bytes ? bytes * 2 : "a signature in"} hexadecimal digits}`
    : `{${bytes ? `${bytes} bytes` : "a signature"} in ${encoding}}`;
  const start = time?.prefix ? `${time.prefix}${TIMES[time.unit ?? "seconds"]}${separator}` : "";
  return { kind: "malformed", header, wanted: start + prefix + signature };
}

/** The signed text, with the body's bytes as they came. */
function signedBytes(
  { signed = "{body}" }: Scheme,
  { method, url, body }: SignedRequest,
  time: string | undefined,
  id: string | null | undefined,
): Uint8Array {
  const values: Record<string, string> = { time: time ?? "", id: id ?? "", method, url };
  const fill = (text: string) => bytesOf(text.replace(/\{(\w+)\}/g, (_, name) => values[name]));
  const [before, after = ""] = signed.split("{body}");
  const [start, end] = [fill(before), fill(after)];
  const message = new Uint8Array(start.length + body.length + end.length);
  message.set(start);
  message.set(body, start.length);
  message.set(end, start.length + body.length);
  return message;
}

function verifies(
  scheme: Scheme,
  keys: readonly Uint8Array[],
  message: Uint8Array,
  signatures: readonly Uint8Array[],
): Promise<boolean> {
  const hash = hashOf(scheme);
  return hash
    ? verifyHmac(hash, keys, message, signatures)
    : verifyPublicKey(scheme.algorithm as PublicKeyAlgorithm, keys, message, signatures);
}
