import { charsetOf, decodeText, readUtf8, toUtf8 } from "./body/charset.ts";
import { formFields } from "./body/form.ts";
import { parseMultipart } from "./body/multipart.ts";
import { PayloadError } from "./body/payload_error.ts";

export { PayloadError };

/** A parsed body, and what it was. */
export interface Parsed {
  kind: "json" | "form" | "raw";
  payload: unknown;
}

/** The deepest nesting of arrays and objects that is parsed: no sender needs it, and whoever walks a payload has a stack for it. */
const MAX_DEPTH = 512;

/** The largest body that is parsed, in bytes: what Postmark, the most generous sender, sends at most. */
export const MAX_SIZE = 35 * 1024 * 1024;

/** The payload of a body; see `parseBody`. */
export function parsePayload(body: Uint8Array, contentType?: string): unknown {
  return parseBody(body, contentType).payload;
}

/**
 * Reads a body. The bytes decide before the content type does, because
 * `curl -d '{…}'` calls its JSON a form: any JSON, else the fields of a form
 * (repeated ones as arrays, a lone `payload` of JSON unwrapped), else the text
 * under `raw_body`. Integers above 2^53 are texts of their digits. Texts are in the
 * charset that the content type names, else in UTF-8.
 *
 * @throws {PayloadError} when the body exceeds the budget.
 */
export function parseBody(body: Uint8Array, contentType?: string): Parsed {
  if (body.length > MAX_SIZE) {
    throw new PayloadError(
      "payload_too_large",
      `Parsing the body failed: it has ${body.length} bytes, at most ${MAX_SIZE} are read`,
    );
  }
  const type = mediaType(contentType);
  const isForm = type === "application/x-www-form-urlencoded" ||
    type === "multipart/form-data";
  const charset = charsetOf(contentType);
  const json = readJson(body, charset);
  if (json !== undefined && !(isForm && isScalar(json))) {
    return { kind: "json", payload: json };
  }
  if (isForm && body.length > 0) {
    const fields = type === "multipart/form-data"
      ? parseMultipart(body, contentType!)
      : formFields(body, charset);
    if (fields) return { kind: "form", payload: unwrap(fields) };
  }
  return { kind: "raw", payload: { raw_body: decodeText(body, charset) } };
}

/** How many fields a payload has: its top-level keys, an array's items, 1 for a lone value, 0 for `null`. */
export function countFields(payload: unknown): number {
  if (payload === null || payload === undefined) return 0;
  if (Array.isArray(payload)) return payload.length;
  return typeof payload === "object" ? Object.keys(payload).length : 1;
}

/** The media type of a content type: lower case, without parameters. */
export function mediaType(contentType: string | null | undefined): string {
  return (contentType ?? "").split(";", 1)[0].trim().toLowerCase();
}

/**
 * JSON in UTF-8 (RFC 8259, 8.1) is that whatever charset the content type names, which nobody has
 * signed.
 */
function readJson(body: Uint8Array, charset: string | undefined): unknown {
  const converted = toUtf8(body, charset);
  const asItIs = converted !== body && readUtf8(body) !== undefined ? parseJson(body) : undefined;
  return asItIs ?? parseJson(converted);
}

function parseJson(body: Uint8Array): unknown {
  if (isTooDeep(body)) {
    throw new PayloadError(
      "payload_too_deep",
      `Parsing the body failed: it nests deeper than ${MAX_DEPTH} levels, which no sender needs`,
    );
  }
  const text = new TextDecoder().decode(body);
  requireFewIndexes(text);
  try {
    return parseWhole(text);
  } catch {
    return undefined;
  }
}

/**
 * The most keys that are whole numbers: V8 gives an object with one, such as `{"34":0}`, an array
 * of up to 36 places, so that a body takes forty times its size in memory. All others take at most
 * thirty times (Deno 2.9, Node 24).
 */
const MOST_INDEXES = 1_000_000;
const INDEX = /"\d+"\s*:/g;
const CONTAINER = /^\s*[[{]/;

/** @throws {PayloadError} when parsing JSON would take much more memory than a body of its size should. */
function requireFewIndexes(text: string): void {
  // Five characters, `"0":,`, are the least that one can have.
  if (text.length < MOST_INDEXES * 5 || !CONTAINER.test(text)) return;
  let indexes = 0;
  for (const _ of text.matchAll(INDEX)) {
    if (++indexes > MOST_INDEXES) {
      throw new PayloadError(
        "payload_too_heavy",
        `Parsing the body failed: it is too large to read, with more than ${MOST_INDEXES} keys ` +
          "that are whole numbers, each of which takes forty times its size in memory",
      );
    }
  }
}

/** A long integer where JSON may have one; within a string it is a text already. */
const LONG = /(?<![^[:,\s])-?\d{16,}(?![^\]},\s])/g;

/**
 * Parses JSON; integers that a number cannot hold (ids above 2^53) become texts,
 * because as numbers they would lose their last digits. A reviver could do the
 * same, but takes 12 s for 25 MB.
 */
function parseWhole(text: string): unknown {
  // First as it is: the added quotes could make JSON of a text that is none.
  let value = JSON.parse(text);
  let whole = "";
  let from = 0;
  let inString = false;
  let i = 0;
  for (const { 0: digits, index } of text.matchAll(LONG)) {
    for (; i < index; i++) {
      const code = text.charCodeAt(i);
      if (code === QUOTE) inString = !inString;
      else if (inString && code === BACKSLASH) i++;
    }
    if (inString || Number.isSafeInteger(Number(digits))) continue;
    whole += `${text.slice(from, index)}"${digits}"`;
    from = index + digits.length;
  }
  if (from === 0) return value;
  // Both at once would take twice the memory.
  value = undefined;
  return JSON.parse(whole + text.slice(from));
}

/**
 * Whether a body that begins as an array or object nests too deep. Counted
 * before parsing: `JSON.parse` takes a million levels, but whoever walks or
 * writes them out again (`JSON.stringify` on Node) overflows the stack.
 */
function isTooDeep(body: Uint8Array): boolean {
  let i = startOfText(body);
  if (body[i] !== OPEN_OBJECT && body[i] !== OPEN_ARRAY) return false;
  for (let depth = 0, inString = false; i < body.length; i++) {
    const byte = body[i];
    if (inString) {
      if (byte === BACKSLASH) i++;
      else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) inString = true;
    else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      if (++depth > MAX_DEPTH) return true;
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) depth--;
  }
  return false;
}

const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_ARRAY, CLOSE_ARRAY, QUOTE, BACKSLASH] = new TextEncoder()
  .encode('{}[]"\\');

/** Where the text begins after a byte order mark and JSON's whitespace. */
function startOfText(body: Uint8Array): number {
  let i = body[0] === 0xEF && body[1] === 0xBB && body[2] === 0xBF ? 3 : 0;
  while (
    body[i] === 0x20 || body[i] === 0x0A || body[i] === 0x0D || body[i] === 0x09
  ) i++;
  return i;
}

function isScalar(value: unknown): boolean {
  return typeof value !== "object" || value === null;
}

/** A form's lone field `payload` that holds JSON (GitHub, Slack) is the payload; else the fields are. */
function unwrap(fields: Map<string, unknown[]>): unknown {
  const lone = fields.size === 1 ? fields.get("payload") : undefined;
  if (lone?.length === 1 && typeof lone[0] === "string") {
    const json = parseJson(new TextEncoder().encode(lone[0]));
    if (json !== undefined && !isScalar(json)) return json;
  }
  // `fromEntries` defines a field named `__proto__` instead of setting the prototype.
  return Object.fromEntries(
    Array.from(
      fields,
      ([name, values]) => [name, values.length === 1 ? values[0] : values],
    ),
  );
}
