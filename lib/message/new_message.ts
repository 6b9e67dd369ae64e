import type { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { Envelope } from "./contents.ts";
import type { Verification } from "./message.ts";

/** A message that is to be kept. */
export interface NewMessage {
  id: string;
  webhookType: string;
  source: string;
  verification: Verification;
  envelope: Envelope;
  body: Uint8Array;
  receivedAt: Date;
}

/** Where a message was kept. */
export interface Receipt {
  /** The id the sender gets: of the first message with this delivery id. */
  messageId: string;
  repeat: boolean;
  /** Whether there is now something for a worker to do. */
  waiting: boolean;
}

/** The key of what came under an id that another content has already: whatever is the same again is its repeat. */
export function variantKey(
  deliveryId: string,
  { content, body }: { content?: string; body: Uint8Array },
): Buffer {
  return createHash("sha256").update(deliveryId).update("\0").update(content ?? plainKey(body))
    .digest();
}

/** The content that a body has which nobody has encoded: see `contentKey`. */
function plainKey(body: Uint8Array): string {
  return `plain:${createHash("sha256").update(body).digest("hex")}`;
}

/** SHA-256 of the delivery id: ids may be longer than an index takes. */
export function deliveryKey(deliveryId: string): Buffer {
  return createHash("sha256").update(deliveryId).digest();
}
