import { decodeText } from "./charset.ts";
import { requireFewFields } from "./payload_error.ts";

const [AMPERSAND, EQUALS, PERCENT, PLUS, SPACE] = new TextEncoder().encode("&=%+ ");
/** Fields in which a form says itself what it is written in: PayPal's, and that of the URL Standard. */
const CHARSET_FIELDS = ["charset", "_charset_"];

/**
 * The fields of a form body in order, each name with all its values. They are
 * in the charset that is given, else in the one that the form names, else in UTF-8.
 *
 * @throws {PayloadError} when there are too many.
 */
export function formFields(body: Uint8Array, charset?: string): Map<string, string[]> {
  let separators = 0;
  for (const byte of body) if (byte === AMPERSAND) separators++;
  requireFewFields(separators + 1);
  // The "&" keeps a leading "?", which URLSearchParams would take for a URL's.
  const plain = collect(new URLSearchParams(`&${new TextDecoder().decode(body)}`));
  const named = charset ??
    CHARSET_FIELDS.map((field) => plain.get(field)?.[0]).find((name) => name !== undefined);
  if (named === undefined || /^utf-?8$/i.test(named)) return plain;
  return collect(
    pairsIn(body).map(([name, value]) =>
      [decodeText(percentDecode(name), named), decodeText(percentDecode(value), named)] as const
    ),
  );
}

function collect(pairs: Iterable<readonly [string, string]>): Map<string, string[]> {
  const fields = new Map<string, string[]>();
  for (const [name, value] of pairs) {
    const values = fields.get(name);
    if (values) values.push(value);
    else fields.set(name, [value]);
  }
  return fields;
}

/** Names and values as they were written. */
function pairsIn(body: Uint8Array): [name: Uint8Array, value: Uint8Array][] {
  const pairs: [name: Uint8Array, value: Uint8Array][] = [];
  for (let start = 0; start < body.length;) {
    const next = body.indexOf(AMPERSAND, start);
    const end = next < 0 ? body.length : next;
    const pair = body.subarray(start, end);
    const at = pair.indexOf(EQUALS);
    if (at >= 0) pairs.push([pair.subarray(0, at), pair.subarray(at + 1)]);
    else if (pair.length > 0) pairs.push([pair, new Uint8Array()]);
    start = end + 1;
  }
  return pairs;
}

function percentDecode(written: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(written.length);
  let length = 0;
  for (let i = 0; i < written.length; i++) {
    const [high, low] = [hexDigit(written[i + 1]), hexDigit(written[i + 2])];
    if (written[i] === PERCENT && high >= 0 && low >= 0) {
      bytes[length++] = high * 16 + low;
      i += 2;
    } else bytes[length++] = written[i] === PLUS ? SPACE : written[i];
  }
  return bytes.subarray(0, length);
}

/** What a digit stands for; -1 where it is none. */
function hexDigit(code: number | undefined): number {
  return code === undefined
    ? -1
    : "0123456789abcdef".indexOf(String.fromCharCode(code).toLowerCase());
}
