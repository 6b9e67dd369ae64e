import { quoted, words } from "../kit/line.ts";
import { at, first, line, list, whole } from "../kit/json_path.ts";
import type { Extracted } from "../kit/to_description.ts";

/** What happens in a conversation on Messenger or Instagram. */
export function extractMessaging(item: unknown): Extracted {
  const from = line(item, "sender", "id");
  const to = line(item, "recipient", "id");
  const { event, did, said } = readMessaging(item);
  const isEcho = at(item, "message", "is_echo") === true;
  const title = words(did, isEcho ? ["to", to] : ["from", from]);
  return {
    event: `messaging.${event}`,
    title: said ? `${title}: ${quoted(said)}` : title,
    actor: from,
    fields: {
      from,
      to,
      payload: first(
        line(item, "postback", "payload"),
        line(item, "message", "quick_reply", "payload"),
      ),
    },
    text: whole(item, "message", "text"),
  };
}

function readMessaging(item: unknown): { event: string; did: string; said?: string } {
  const message = at(item, "message");
  if (at(item, "postback") !== undefined) {
    return { event: "postback", did: "Message", said: line(item, "postback", "title") };
  }
  if (at(item, "reaction") !== undefined) {
    const isGone = line(item, "reaction", "action") === "unreact";
    return {
      event: "reaction",
      did: isGone ? "Reaction taken back" : "Reaction",
      said: first(line(item, "reaction", "emoji"), line(item, "reaction", "reaction")),
    };
  }
  if (at(item, "message_edit") !== undefined) {
    return { event: "edit", did: "Edited message", said: line(item, "message_edit", "text") };
  }
  if (message !== undefined) {
    if (at(message, "is_deleted") === true) return { event: "deleted", did: "Deleted message" };
    const kind = line(message, "attachments", 0, "type");
    const count = list(message, "attachments").length;
    const what = kind && (count > 1 ? `${count} attachments` : kind.replaceAll("_", " "));
    const word = at(message, "is_echo") === true ? "Message of ours" : "Message";
    return {
      event: "message",
      did: words(word, ["with", what]),
      said: line(message, "text"),
    };
  }
  const others = {
    read: "Messages read",
    delivery: "Messages delivered",
    referral: "Referral",
    optin: "Opt-in",
    account_linking: "Account linking",
    pass_thread_control: "Conversation handed over",
    take_thread_control: "Conversation taken over",
    request_thread_control: "Conversation asked for",
    order: "Order",
  };
  const found = Object.entries(others).find(([key]) => at(item, key) !== undefined);
  return found
    ? {
      event: found[0],
      did: found[1],
      said: first(line(item, found[0], "status"), line(item, found[0], "title")),
    }
    : { event: "message", did: "Message" };
}
