import { at, first, text } from "../kit/json_path.ts";
import { exactNumber } from "../kit/reply/exact_number.ts";
import { withoutMentions } from "../kit/reply/harmless.ts";
import type { ReplyApi, ReplyCall, ReplyOptions, SentReply } from "../reply.ts";

/** core.telegram.org/bots/api#sendmessage. It has no idempotency key, and a bot cannot list messages. */
export const replyApi: ReplyApi = {
  url: "https://api.telegram.org",
  urlVariable: "TELEGRAM_API_URL",
  credential: "path",
  tokenVariable: "REPLY_TOKEN_TELEGRAM",
  most: 4_096,
  probe: { method: "GET", path: "/getMe" },
  accountOf: (answer) => text(answer, "result", "username"),
  idOf: (answer) => idOf(at(answer, "result")),
  refusesInBody: true,
  refusalOf(answer) {
    if (at(answer, "ok") !== false) return undefined;
    const seconds = Number(text(answer, "parameters", "retry_after") ?? NaN);
    return {
      error: text(answer, "description") ?? "refused without a word",
      ...(seconds >= 0 && { retryAfterSeconds: seconds }),
    };
  },
};

/** A message in the chat, as an answer to the one that came. */
export function reply(
  payload: unknown,
  said: string,
  { mentions = false }: ReplyOptions = {},
): ReplyCall | undefined {
  const message = messageOf(payload);
  const chat = chatOf(message);
  const id = exactNumber(text(message, "message_id"));
  if (!chat || !id) return undefined;
  const topic = at(message, "is_topic_message") === true
    ? exactNumber(text(message, "message_thread_id"))
    : undefined;
  const person = personOf(message);
  if (isToChannel(message) && !person) return undefined;
  return {
    to: placeOf(message)!,
    path: "/sendMessage",
    body: {
      chat_id: Number(chat),
      text: mentions ? said : withoutMentions(said),
      reply_parameters: { message_id: Number(id), allow_sending_without_reply: true },
      ...(topic && { message_thread_id: Number(topic) }),
      ...(person && { direct_messages_topic_id: Number(person) }),
      link_preview_options: { is_disabled: true },
    },
  };
}

/**
 * A message of a chat, perhaps ours: a bot hears of its own in channels, and again where Telegram
 * forwards it by itself into the group that discusses the channel.
 */
export function sentReply(payload: unknown): SentReply | undefined {
  const heard = messageOf(payload);
  const message = at(heard, "is_automatic_forward") === true ? originalOf(heard) : heard;
  const to = placeOf(message);
  return to === undefined ? undefined : { id: idOf(message), to, text: text(message, "text") };
}

/** What was forwarded, with the fields of a message (Bot API 7.0; before). */
function originalOf(message: unknown): unknown {
  return {
    chat: first(at(message, "forward_origin", "chat"), at(message, "forward_from_chat")),
    message_id: first(
      text(message, "forward_origin", "message_id"),
      text(message, "forward_from_message_id"),
    ),
    text: text(message, "text"),
  };
}

function placeOf(message: unknown): string | undefined {
  const chat = chatOf(message);
  const person = personOf(message);
  return chat && (person ? `chat ${chat}/${person}` : `chat ${chat}`);
}

/** Where people write to a channel each of them is a topic of one chat (Bot API 9.2). */
function isToChannel(message: unknown): boolean {
  return at(message, "chat", "is_direct_messages") === true;
}

function personOf(message: unknown): string | undefined {
  return isToChannel(message)
    ? exactNumber(text(message, "direct_messages_topic", "topic_id"))
    : undefined;
}

function messageOf(payload: unknown): unknown {
  return first(
    at(payload, "message"),
    at(payload, "edited_message"),
    at(payload, "channel_post"),
    at(payload, "edited_channel_post"),
    at(payload, "callback_query", "message"),
  );
}

/** At most 52 bits (core.telegram.org/bots/api#chat). */
function chatOf(message: unknown): string | undefined {
  const chat = text(message, "chat", "id");
  return exactNumber(chat?.replace(/^-/, "")) && chat;
}

function idOf(message: unknown): string | undefined {
  const chat = chatOf(message);
  const id = exactNumber(text(message, "message_id"));
  return chat && id ? `${chat}:${id}` : undefined;
}
