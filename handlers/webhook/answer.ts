import type { HandshakeReply } from "../../sources/source.ts";

/** What a sender hears when its message was kept, unless its source has an answer of its own. */
export function answerReceived(messageId: string, type: string): Response {
  // Both texts are plain: an id of ours and a checked type.
  return new Response(
    `{"status":"received","message_id":"${messageId}","webhook_type":"${type}"}`,
    { headers: { "content-type": "application/json", "x-message-id": messageId } },
  );
}

/** The answer that a source has for its sender; with the id of the message that was kept, if one was. */
export function toResponse(
  { status, contentType, body, headers }: HandshakeReply,
  messageId?: string,
): Response {
  return new Response(body ?? (status === 204 ? null : ""), {
    status,
    headers: {
      // A sender chose some of these words: no browser may guess that they are a page.
      "x-content-type-options": "nosniff",
      ...headers,
      ...(contentType ? { "content-type": contentType } : {}),
      ...(messageId ? { "x-message-id": messageId } : {}),
    },
  });
}
