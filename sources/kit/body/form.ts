import { Buffer } from "node:buffer";
import { decodeText } from "./charset.ts";
import { requireFewFields } from "./payload_error.ts";

const AMPERSAND = 0x26;
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

/** Names and values as they were written, one character for each byte. */
function pairsIn(body: Uint8Array): [name: string, value: string][] {
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("latin1").split("&")
    .filter((pair) => pair !== "")
    .map((pair) => {
      const at = pair.indexOf("=");
      return at < 0 ? [pair, ""] : [pair.slice(0, at), pair.slice(at + 1)];
    });
}

function percentDecode(text: string): Uint8Array {
  const bytes = text.replaceAll("+", " ").replace(
    /%([0-9A-Fa-f]{2})/g,
    (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(bytes, "latin1");
}
