import { inUnits } from "../kit/amount.ts";
import { changed, firstFew, quoted, words } from "../kit/line.ts";
import { at, first, line, list, text } from "../kit/json_path.ts";

/** Who did it. */
export function actorOf(update: unknown): string | undefined {
  return first(
    nameOf(at(update, "from")),
    nameOf(at(update, "user")),
    line(update, "author_signature"),
    line(update, "sender_chat", "title"),
  );
}

function nameOf(user: unknown): string | undefined {
  return first(
    line(user, "username"),
    words(line(user, "first_name"), line(user, "last_name")) || undefined,
  );
}

/** `Telegram message from ada in Phone team: "Hello"`, and the like for all kinds of update. */
export function titleOf(kind: string, update: unknown): string {
  const chat = first(line(update, "chat", "title"), line(update, "chat", "username"));
  const actor = actorOf(update);
  const where = ["in", chat !== actor ? chat : undefined] as const;
  const served = serviceTitle(update, actor ?? "Somebody", where);
  if (served) return served;
  switch (kind) {
    case "my_chat_member":
    case "chat_member": {
      const isOurs = kind === "my_chat_member";
      const who = isOurs ? "the bot" : nameOf(at(update, "new_chat_member", "user"));
      const change = changed(
        undefined,
        line(update, "old_chat_member", "status"),
        line(update, "new_chat_member", "status"),
      );
      return words(actor ?? "Somebody", "changed the membership of", who, where) +
        (change ? `: ${change}` : "");
    }
    case "chat_join_request":
      return words(actor ?? "Somebody", "asks to join", chat ?? "the chat");
    case "message_reaction": {
      const emoji = first(
        line(update, "new_reaction", 0, "emoji"),
        line(update, "new_reaction", 0, "type"),
      );
      return emoji
        ? words(actor ?? "Somebody", "reacted with", emoji, where)
        : words(actor ?? "Somebody", "took a reaction back", where);
    }
    case "pre_checkout_query":
      return words(actor ?? "Somebody", "is about to pay", amountOf(update));
    case "poll_answer":
      return words(
        actor ?? "Somebody",
        list(update, "option_ids").length > 0 ? "voted in a poll" : "took a vote back",
      );
  }
  const [media, detail] = mediaOf(update);
  const said = first(
    line(update, "text"),
    line(update, "caption"),
    line(update, "data"),
    line(update, "query"),
    line(update, "question"),
    detail,
  );
  const title = words(
    "Telegram",
    kind.replaceAll("_", " "),
    media && `with ${media.replaceAll("_", " ")}`,
    ["from", actor],
    where,
  );
  return said ? `${title}: ${quoted(said)}` : title;
}

/** What happens in a chat is a message, too: people come and go, pay, pin and rename. */
function serviceTitle(
  message: unknown,
  actor: string,
  where: readonly ["in", string | undefined],
): string | undefined {
  const came = list(message, "new_chat_members").slice(0, 20).map(nameOf);
  const chat = where[1] ?? "the chat";
  if (came.length > 0) {
    return came.length === 1 && came[0] === actor
      ? words(actor, "joined", chat)
      : words(actor, "added", firstFew(came), "to", chat);
  }
  const left = at(message, "left_chat_member");
  if (left !== undefined) {
    const name = nameOf(left);
    return name === actor
      ? words(actor, "left", chat)
      : words(actor, "removed", name, "from", chat);
  }
  const payment = at(message, "successful_payment");
  if (payment !== undefined) return words(actor, "paid", amountOf(payment), where);
  const refund = at(message, "refunded_payment");
  if (refund !== undefined) return words(actor, "was given back", amountOf(refund), where);
  const pinned = at(message, "pinned_message");
  if (pinned !== undefined) {
    return words(actor, "pinned a message", where) +
      (line(pinned, "text") ? `: ${quoted(line(pinned, "text"))}` : "");
  }
  const title = line(message, "new_chat_title");
  return title && words(actor, "renamed the chat to", quoted(title));
}

/** What came with a message, and what of it can be said in words. */
function mediaOf(message: unknown): [kind?: string, detail?: string] {
  const kinds = [
    "photo",
    "document",
    "voice",
    "video",
    "video_note",
    "audio",
    "animation",
    "sticker",
    "contact",
    "venue",
    "location",
    "poll",
    "dice",
    "story",
  ];
  const kind = kinds.find((each) => at(message, each) !== undefined);
  if (!kind || kind === "poll" && line(message, "poll") !== undefined) return [];
  const thing = at(message, kind);
  const detail = kind === "contact"
    ? words(line(thing, "first_name"), line(thing, "last_name"), line(thing, "phone_number"))
    : kind === "venue"
    ? words(line(thing, "title"), line(thing, "address"))
    : first(
      line(thing, "file_name"),
      line(thing, "title"),
      line(thing, "question"),
      line(thing, "emoji"),
    );
  return [kind, detail || undefined];
}

/** Minor units, as Stripe counts them but for two currencies; Telegram's stars have none. */
function amountOf(payment: unknown): string | undefined {
  const currency = line(payment, "currency");
  const amount = text(payment, "total_amount");
  if (currency === "XTR") return amount && `${amount} XTR`;
  return currency === "ISK" || currency === "UGX" ? undefined : inUnits(amount, currency);
}
