import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { NewMessage } from "../new_message.ts";

/** A message as the fields of an entry in a Redis Stream. */
export interface SpillFields extends Record<string, string | Buffer> {
  /** All but the body, as JSON. */
  about: string;
  body: Buffer;
  /** Of the body, in hex: what is moved into the inbox must be what was answered for. */
  sha256: string;
  /** Which database it is for; empty while nobody knew. */
  database: string;
}

export function toSpillFields(
  { body, receivedAt, ...about }: NewMessage,
  database = "",
): SpillFields {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  return {
    about: JSON.stringify({ ...about, receivedAt: receivedAt.toISOString() }),
    body: bytes,
    sha256: createHash("sha256").update(bytes).digest("hex"),
    database,
  };
}

/** How much of the spill an entry takes, in bytes. */
export function spilledSize(fields: SpillFields): number {
  return Buffer.byteLength(fields.about) + fields.body.byteLength;
}

/** @throws when the entry is not what was written. */
export function fromSpillFields(fields: Record<string, Uint8Array>): NewMessage {
  const sum = createHash("sha256").update(fields.body).digest("hex");
  if (sum !== Buffer.from(fields.sha256).toString()) throw new Error("its checksum is wrong");
  const about = JSON.parse(Buffer.from(fields.about).toString());
  return { ...about, body: fields.body, receivedAt: new Date(about.receivedAt) };
}
