import { Buffer, isAscii } from "node:buffer";

/** A body as it is kept: clean UTF-8 as text, anything else as bytes. */
export interface BodyColumns {
  body: string | null;
  body_bytes: Uint8Array | null;
}

export function bodyOf(row: BodyColumns): Uint8Array {
  if (row.body_bytes !== null) return row.body_bytes;
  return Buffer.from(row.body ?? "", "utf8");
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Clean UTF-8 travels as text: as bytea each byte would be two on the wire. */
export function bodyColumns(body: Uint8Array): [text: string | null, bytes: Buffer | null] {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (body.includes(0)) return [null, bytes];
  // Most bodies are plain ASCII, and for those this is many times as fast.
  if (isAscii(body)) return [bytes.toString("latin1"), null];
  try {
    return [utf8.decode(body), null];
  } catch {
    return [null, bytes];
  }
}
