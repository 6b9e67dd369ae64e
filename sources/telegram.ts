import type { Description } from "./description.ts";
import { at, first, line, text, whole } from "./kit/json_path.ts";
import { payloadOf, usableId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import type { DescribeContext, HandshakeReply, Incoming } from "./source.ts";
import { actorOf, titleOf } from "./telegram/title.ts";
import { toDescription } from "./kit/to_description.ts";
import { provenBy } from "./kit/token.ts";
import { idAt, keyOf, roleIn, timeAt, toSubject } from "./kit/subject/subject_key.ts";
import type { Subject } from "./subject.ts";
import { quoted, words } from "./kit/line.ts";

export { reply, replyApi, sentReply } from "./telegram/reply.ts";
export const label = "Telegram";
export const secretVariable = "TELEGRAM_WEBHOOK_SECRET";
export const setup = "The bot API's setWebhook: url and secret_token (A–Z a–z 0–9 _ -)";

export const troubles = [
  "The Bot API's getWebhookInfo says what Telegram was answered last (last_error_message).",
];

/** core.telegram.org/bots/api#setwebhook. */
export const { verify, sign, proof, secretNames } = provenBy(
  { header: "X-Telegram-Bot-Api-Secret-Token" },
  { variable: secretVariable, is: "the secret_token given to setWebhook" },
);

/** The update's number, with the chat it is of: every bot counts for itself. */
export function deliveryId(request: Incoming): string | undefined {
  const payload = payloadOf(request);
  const id = text(payload, "update_id");
  const kind = kindOf(payload) ?? "";
  const chat = first(text(payload, kind, "chat", "id"), text(payload, kind, "from", "id"));
  return id && usableId([id, chat].filter((part) => part).join(":"));
}

/** An empty answer, because Telegram reads JSON as a call of its API. */
export function answer(): HandshakeReply {
  return { status: 200 };
}

/** Says who wrote what; the one key beside `update_id` names the kind. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const kind = kindOf(payload);
  const update = kind === undefined ? undefined : at(payload, kind);
  const actor = actorOf(update);
  const chat = first(line(update, "chat", "title"), line(update, "chat", "username"));
  return toDescription({ name: "telegram", label }, payload, context, {
    event: kind,
    title: kind && update !== undefined ? titleOf(kind, update) : undefined,
    links: [messageLink(update)],
    actor,
    fields: { chat, kind, chat_id: line(update, "chat", "id") },
    text: first(whole(update, "text"), whole(update, "caption"), whole(update, "data")),
  });
}

export const about = "a chat, or a topic of it";

/** What an update is about: the chat, or its topic; what a reply answers is not told. */
export function subject(payload: unknown): Subject | undefined {
  const kind = kindOf(payload);
  if (kind === undefined) return undefined;
  const update = at(payload, kind);
  const message = kind === "callback_query" ? at(update, "message") : update;
  const topic = topicOf(message);
  const title = line(message, "chat", "title");
  return toSubject(keyOf`${idAt(message, "chat", "id")}:${topic}`, {
    role: roleIn({
      opens: ["message", "channel_post", "business_message"],
      continues: ["callback_query"],
    }, kind),
    name: words("Chat", title ? quoted(title) : ["with", actorOf(message)]),
    link: messageLink(message),
    at: timeAt(message, "date"),
  });
}

/** Of a forum; or of one person among those who write to a channel (Bot API 9.2). Undefined: nobody can tell which. */
function topicOf(message: unknown): string | undefined {
  if (at(message, "chat", "is_direct_messages") === true) {
    return keyOf`direct/${idAt(message, "direct_messages_topic", "topic_id")}`;
  }
  return at(message, "message_thread_id") === undefined ? "" : idAt(message, "message_thread_id");
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("message", {
    update_id: "SAMPLE",
    message: {
      message_id: 5,
      from: { username: "ada", first_name: "Ada" },
      chat: { id: -100, title: "Phone team", type: "supergroup" },
      text: "Why did last night's backup take so long?",
    },
  }),
];

/** The one key beside the number. */
function kindOf(payload: unknown): string | undefined {
  return typeof payload === "object" && payload !== null
    ? Object.keys(payload).find((key) => key !== "update_id")
    : undefined;
}

/** A message of a public chat can be opened by anyone. */
function messageLink(update: unknown): string | undefined {
  const chat = text(update, "chat", "username");
  const id = text(update, "message_id");
  return chat && id && /^\w{1,64}\/\d+$/.test(`${chat}/${id}`)
    ? `https://t.me/${chat}/${id}`
    : undefined;
}
