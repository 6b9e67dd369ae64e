import { decodeContent, isEncoded, parseContent } from "./body/content.ts";
import { mediaType, parseBody, type Parsed } from "./payload.ts";
import { digest } from "../signature/signature.ts";
import type { HandshakeReply, Incoming, Source, SourceSecrets } from "../source.ts";

/** The longest delivery id, in characters: vendors' are UUIDs and digests, a few of them joined at most. */
const MAX_ID_LENGTH = 1_000;

/** What is kept of a request: its body as it was sent, or its query where that is the event. */
export function contentOf({ body, queryForm }: Incoming): Uint8Array {
  return queryForm ?? body;
}

const parsed = new WeakMap<Incoming, Parsed | undefined>();

/** The request's payload, decoded and parsed once; `undefined` when it exceeds the budget. */
export function payloadOf(request: Incoming): unknown {
  return parsedOf(request)?.payload;
}

/**
 * Whether the sender posted a form, as `application/x-www-form-urlencoded`, and its body as it came
 * is read as one. JSON is told as JSON whatever its content type says, so that a signature of a
 * form's fields must not prove it.
 */
export function isForm(request: Incoming): boolean {
  return mediaType(request.headers.get("content-type")) === "application/x-www-form-urlencoded" &&
    plainRequest(request) === undefined && parsedOf(request)?.kind !== "json";
}

function parsedOf(request: Incoming): Parsed | undefined {
  if (!parsed.has(request)) parsed.set(request, tryParse(request));
  return parsed.get(request);
}

/** An id that can tell deliveries apart: not blank, not absurdly long. */
export function usableId(id: string | null | undefined): string | undefined {
  const trimmed = id?.trim();
  return trimmed && trimmed.length <= MAX_ID_LENGTH ? trimmed : undefined;
}

/**
 * What a delivery says, in short, for a sender whose retries have other bytes than the first
 * attempt, and for an encoded body, which anybody can encode anew: then `plain:` and the digest of
 * what was encoded. `undefined` for all others, whose bytes say it.
 */
export function contentKey(
  { changesOnRetry }: Pick<Source, "changesOnRetry">,
  request: Incoming,
): string | undefined {
  if (changesOnRetry === "anything") return "anything";
  const payload = changesOnRetry && payloadOf(request);
  if (typeof payload !== "object" || payload === null) {
    const plain = plainRequest(request);
    return plain && `plain:${digest(plain.body)}`;
  }
  const left = new Set(changesOnRetry);
  const kept = (value: unknown) =>
    JSON.stringify(value, (key, each) => left.has(key) ? undefined : each) ?? "";
  const lists = (value: unknown) => Array.isArray(value) ? value.map(kept).sort() : kept(value);
  const parts = Array.isArray(payload) ? lists(payload) : Object.entries(payload)
    .filter(([key]) => !left.has(key)).map(([key, value]) => [key, lists(value)]);
  return digest(JSON.stringify(parts));
}

/**
 * What a message is known by whose sender gives it no id: all that it says. It fits where every
 * event has a time or an id of its own in its body, so that the same bytes are a repeat.
 */
export function contentId(request: Incoming): string | undefined {
  const content = contentOf(plainRequest(request) ?? request);
  return content.length > 0 ? digest(content) : undefined;
}

/** What a batch is known by: the ids of all its events; `undefined` where one has none. */
export function batchId(keys: readonly (string | undefined)[]): string | undefined {
  return keys.length > 0 && keys.every((key) => key !== undefined)
    ? digest(JSON.stringify([...new Set(keys)].sort()))
    : undefined;
}

/**
 * An id for a sender whose own says too little: with all that was sent. A vendor that sends the same
 * again sends the same bytes; news have another time or number in them, and are never taken for it.
 */
export function idWithContent(request: Incoming, id: string | undefined): string | undefined {
  return id === undefined
    ? undefined
    : usableId(`${id}|${digest(contentOf(plainRequest(request) ?? request))}`);
}

/** A request of an object in JSON, with other fields in it. */
export function withFields(request: Incoming, fields: Record<string, unknown>): Incoming {
  const payload = { ...payloadOf(request) as object, ...fields };
  return { ...request, body: new TextEncoder().encode(JSON.stringify(payload)) };
}

const plains = new WeakMap<Incoming, Incoming | undefined>();

/**
 * A request whose body was encoded on its way, as it was before: what a vendor has signed who
 * signs first and encodes then, or whose body a proxy has encoded. Undefined where nothing was
 * encoded, or it cannot be undone.
 */
export function plainRequest(request: Incoming): Incoming | undefined {
  if (!plains.has(request)) plains.set(request, tryToDecode(request));
  return plains.get(request);
}

/** The most that an encoded body may say before its signature is right, in bytes: 800 bytes of Brotli say half a gigabyte. */
const MOST_BEFORE_PROOF = 4 * 1024 * 1024;

/**
 * A request as it is looked at before anybody has proven it: of an encoded body no more than 4 MiB
 * is decoded, so that a larger one is checked by its bytes as they came alone.
 */
export function beforeProof(request: Incoming): Incoming {
  const { body, headers, bodyLimit = Infinity } = request;
  return bodyLimit > MOST_BEFORE_PROOF && isEncoded(body, headers.get("content-encoding"))
    ? { ...request, bodyLimit: MOST_BEFORE_PROOF }
    : request;
}

/** What a source answers before a signature is checked; nothing to an encoded body, which no greeting has. */
export async function probed(
  { probe }: Pick<Source, "probe">,
  request: Incoming,
  known: SourceSecrets,
): Promise<HandshakeReply | undefined> {
  return probe && !isEncoded(request.body, request.headers.get("content-encoding"))
    ? await probe(request, known)
    : undefined;
}

function tryToDecode(request: Incoming): Incoming | undefined {
  const { body, headers, queryForm, bodyLimit } = request;
  if (queryForm) return undefined;
  try {
    const { bytes, encoding } = decodeContent(body, headers.get("content-encoding"), bodyLimit);
    if (encoding === undefined) return undefined;
    const plain = new Headers(headers);
    plain.delete("content-encoding");
    return { ...request, headers: plain, body: bytes };
  } catch {
    return undefined;
  }
}

/**
 * What a request says, decoded and parsed anew.
 *
 * @throws {PayloadError} when it exceeds the budget.
 */
export function parseRequest({ headers, body, queryForm, bodyLimit }: Incoming): Parsed {
  return queryForm
    ? parseBody(queryForm, headers.get("content-type") ?? undefined)
    : parseContent(body, headers, bodyLimit);
}

function tryParse(request: Incoming): Parsed | undefined {
  try {
    return parseRequest(request);
  } catch {
    return undefined;
  }
}
