import { at, first, list, text } from "../kit/json_path.ts";
import type { ReplyApi, ReplyCall, SentReply } from "../reply.ts";
import { threadOf } from "./command.ts";
import { DOUBTFUL_ERRORS, PASSING_ERRORS } from "./passing_errors.ts";

/** The kind of metadata that our replies carry (docs.slack.dev, "Message metadata"). */
const METADATA_TYPE = "otto_reply";

/**
 * docs.slack.dev/reference/methods/chat.postMessage. It has no idempotency key; our own id stands in
 * the message's metadata, as texts come back with other names for emoji and links.
 */
export const replyApi: ReplyApi = {
  url: "https://slack.com/api",
  urlVariable: "SLACK_API_URL",
  credential: "bearer",
  tokenVariable: "SLACK_BOT_TOKEN",
  most: 4_000,
  probe: { method: "POST", path: "/auth.test" },
  accountOf: (answer) => first(text(answer, "user"), text(answer, "user_id")),
  writes: ["chat:write"],
  idOf: (answer) => idOf(text(answer, "channel"), text(answer, "ts")),
  refusesInBody: true,
  refusalOf(answer) {
    if (at(answer, "ok") !== false) return undefined;
    const error = text(answer, "error") ?? "refused without a word";
    const needed = text(answer, "needed");
    return {
      error: needed === undefined ? error : `${error} (${needed})`,
      later: PASSING_ERRORS.has(error),
      unsure: DOUBTFUL_ERRORS.has(error),
    };
  },
  mark: (body, id) => ({
    ...body,
    metadata: { event_type: METADATA_TYPE, event_payload: { id } },
  }),
  search: {
    path: ({ body }, since) => ({
      path: "/conversations.replies",
      query: new URLSearchParams({
        channel: String(body.channel),
        ts: String(body.thread_ts),
        oldest: String(since.getTime() / 1_000),
        include_all_metadata: "true",
        limit: "200",
      }).toString(),
    }),
    found: (answer, { body }) =>
      list(answer, "messages").map((each) => ({
        id: idOf(String(body.channel), text(each, "ts")),
        mark: text(each, "metadata", "event_type") === METADATA_TYPE
          ? text(each, "metadata", "event_payload", "id")
          : undefined,
        text: text(each, "text"),
      })),
    isCut: (answer) => at(answer, "has_more") === true,
  },
};

/** A message in the thread; `<!channel>` and the like are only text. */
export function reply(payload: unknown, said: string): ReplyCall | undefined {
  const thread = threadOf(payload);
  if (!thread) return undefined;
  const { channel, ts } = thread;
  // A thread's time that cannot be one must not begin another thread.
  const root = at(payload, "event", "thread_ts");
  if (root != null && root !== ts) return undefined;
  return {
    to: `thread ${channel}/${ts}`,
    path: "/chat.postMessage",
    body: {
      channel,
      thread_ts: ts,
      text: said.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;"),
      parse: "none",
      link_names: false,
      unfurl_links: false,
      unfurl_media: false,
    },
  };
}

/** A message of a channel, perhaps ours. */
export function sentReply(payload: unknown): SentReply | undefined {
  const thread = threadOf(payload);
  return thread && {
    id: idOf(thread.channel, text(payload, "event", "ts")),
    to: `thread ${thread.channel}/${thread.ts}`,
    text: text(payload, "event", "text"),
  };
}

function idOf(channel: string | undefined, ts: string | undefined): string | undefined {
  return channel && ts ? `${channel}:${ts}` : undefined;
}
