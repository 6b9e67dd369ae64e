import { digest } from "../signature/signature.ts";
import { mediaType, parsePayload } from "./payload.ts";
import type { Incoming } from "../source.ts";

/** The longest delivery id, in characters: vendors' are UUIDs and digests, a few of them joined at most. */
const MAX_ID_LENGTH = 1_000;

/** What a request says, in bytes: its body, or its query where that is the event. */
export function contentOf({ body, queryForm }: Incoming): Uint8Array {
  return queryForm ?? body;
}

const payloads = new WeakMap<Incoming, unknown>();

/** The request's payload, parsed once; `undefined` when it exceeds the parser's budget. */
export function payloadOf(request: Incoming): unknown {
  if (!payloads.has(request)) payloads.set(request, tryParse(request));
  return payloads.get(request);
}

/** Whether the sender posted a form, as `application/x-www-form-urlencoded`. */
export function isForm(request: Incoming): boolean {
  return mediaType(request.headers.get("content-type")) ===
    "application/x-www-form-urlencoded";
}

/** An id that can tell deliveries apart: not blank, not absurdly long. */
export function usableId(id: string | null | undefined): string | undefined {
  const trimmed = id?.trim();
  return trimmed && trimmed.length <= MAX_ID_LENGTH ? trimmed : undefined;
}

/**
 * An id for a sender whose own says too little: with all that was sent. A vendor that sends the same
 * again sends the same bytes; news have another time or number in them, and are never taken for it.
 */
export function idWithContent(request: Incoming, id: string | undefined): string | undefined {
  return id === undefined ? undefined : usableId(`${id}|${digest(contentOf(request))}`);
}

/** A request of an object in JSON, with other fields in it. */
export function withFields(request: Incoming, fields: Record<string, unknown>): Incoming {
  const payload = { ...payloadOf(request) as object, ...fields };
  return { ...request, body: new TextEncoder().encode(JSON.stringify(payload)) };
}

function tryParse(request: Incoming): unknown {
  try {
    return parsePayload(
      contentOf(request),
      request.headers.get("content-type") ?? undefined,
    );
  } catch {
    return undefined;
  }
}
