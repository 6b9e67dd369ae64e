import { at, list, text } from "../../../sources/kit/json_path.ts";
import type { SlackClient } from "./client.ts";

/** The kind of metadata that our posts carry (docs.slack.dev, "Message metadata"). */
export const METADATA_TYPE = "otto_task";

/**
 * Posts of which nobody knows whether Slack took them, before we stop adding more: the
 * same message three times is a nuisance, and more would be worse than none.
 */
export const MOST_UNSURE = 3;

/** What Slack recommends as the most (docs.slack.dev, "Pagination"). */
const PAGE = 200;
/** A channel with more posts since then is too busy to be searched within a lease. */
const MOST_PAGES = 3;
/** How far Slack's clock and ours may be apart. */
const SKEW_SECONDS = 300;

/**
 * Looks for a post of which Slack never said whether it took it, by its metadata.
 *
 * @returns its `ts`; `absent` when it is surely not there; `unknown` when Slack
 * does not let us look; `later` when Slack cannot say now.
 */
export async function findPost(
  client: SlackClient,
  { channel, threadTs, key, since }: {
    channel: string;
    threadTs: string | null;
    /** One entry of the metadata's payload, which no other post has. */
    key: Record<string, string>;
    since: Date;
  },
): Promise<{ ts: string } | "absent" | "unknown" | "later"> {
  const [[name, id]] = Object.entries(key);
  const args = {
    channel,
    oldest: String(since.getTime() / 1_000 - SKEW_SECONDS),
    limit: PAGE,
    include_all_metadata: true,
  };
  let cursor: string | undefined;
  for (let page = 0; page < MOST_PAGES; page++) {
    const answer = threadTs
      ? await client("conversations.replies", { ...args, ts: threadTs, ...(cursor && { cursor }) })
      : await client("conversations.history", { ...args, ...(cursor && { cursor }) });
    if (!answer.ok) {
      // A page of somebody else's (a proxy, a server that has no such method) will not change.
      const refused = answer.kind !== "later" || /^http_[34]/.test(answer.code);
      return refused ? "unknown" : "later";
    }
    const found = list(answer.body, "messages").find((message) =>
      at(message, "metadata", "event_type") === METADATA_TYPE &&
      at(message, "metadata", "event_payload", name) === id
    );
    const ts = text(found, "ts");
    if (ts) return { ts };
    cursor = text(answer.body, "response_metadata", "next_cursor");
    if (!cursor) return "absent";
  }
  return "unknown";
}
