import type { WholeMessage } from "../lib/message/message.ts";
import { parseContent } from "../sources/kit/body/content.ts";
import type { Parsed } from "../sources/kit/payload.ts";
import { redactParsed } from "../sources/rules/redaction.ts";
import type { Registry } from "../sources/rules/registry.ts";

/** Parsing more than this would keep senders waiting meanwhile: nothing of it is shown. */
const MOST_PARSED_BYTES = 1024 * 1024;

/**
 * A message as it may be shown: of a source whose file says `redact`, its body is what is left of
 * it, written anew as JSON. All others are as they came.
 */
export function shownMessage(sources: Registry, message: WholeMessage): WholeMessage {
  const { redact } = sources.settingsOf(sources.find(message.webhook_type).name);
  if (!redact) return message;
  const { payload } = redactParsed(tryParse(message), redact);
  const headers = new Headers(message.headers);
  headers.delete("content-encoding");
  headers.set("content-type", "application/json");
  const body = new TextEncoder().encode(JSON.stringify(payload));
  const isWhole = message.body.byteLength === message.size;
  // Of a refused one it is told that its body was too large to keep.
  return isWhole ? { ...message, headers, body, size: body.byteLength } : { ...message, headers };
}

function tryParse({ body, headers }: WholeMessage): Parsed {
  try {
    if (body.byteLength <= MOST_PARSED_BYTES) return parseContent(body, headers, MOST_PARSED_BYTES);
  } catch {
    // What cannot be read cannot be shown in part.
  }
  return { kind: "raw", payload: undefined };
}
