import type { Database } from "../../store/database.ts";
import type { SlackAnswer, SlackClient } from "./client.ts";

/** A direct message's channel, or why there is none. */
export type Direct =
  | { ok: true; channel: string }
  | (SlackAnswer & { ok: false }) & { nobody?: boolean };

/** Finds people in Slack, and the channels to them. */
export interface SlackPeople {
  open(person: { id: string; email: string; slack_id: string | null }): Promise<Direct>;
}

/** How long somebody whom Slack does not know is not asked for again; people join now and then. */
const UNKNOWN_MS = 10 * 60_000;
/** More than most workspaces have people, and about a megabyte. */
const MOST_REMEMBERED = 10_000;

/** What is found is kept: ids with the user, channels in this process. */
export function createSlackPeople(database: Database, client: SlackClient): SlackPeople {
  const channels = new Map<string, string>();
  const unknown = new Map<string, { until: number; answer: SlackAnswer & { ok: false } }>();

  async function find(
    { id, email }: { id: string; email: string },
  ): Promise<string | (SlackAnswer & { ok: false })> {
    const known = unknown.get(email);
    if (known && known.until > Date.now()) return known.answer;
    const answer = await client("users.lookupByEmail", { email });
    if (!answer.ok) {
      if (answer.code === "users_not_found") {
        if (unknown.size >= MOST_REMEMBERED) unknown.clear();
        unknown.set(email, { until: Date.now() + UNKNOWN_MS, answer });
      }
      return answer;
    }
    const slackId = (answer.body.user as { id?: unknown } | undefined)?.id;
    if (typeof slackId !== "string") return unreadable("users.lookupByEmail");
    await database.query(
      "keep a user's Slack id",
      (sql) => sql`update users set slack_id = ${slackId} where id = ${id} and slack_id is null`,
    );
    return slackId;
  }

  return {
    async open(person) {
      const slackId = person.slack_id ?? await find(person);
      if (typeof slackId !== "string") {
        return { ...onlyHere(slackId), nobody: slackId.code === "users_not_found" };
      }
      const open = channels.get(slackId);
      if (open) return { ok: true, channel: open };
      const answer = await client("conversations.open", { users: slackId });
      if (!answer.ok) return onlyHere(answer);
      const channel = (answer.body.channel as { id?: unknown } | undefined)?.id;
      if (typeof channel !== "string") return unreadable("conversations.open");
      if (channels.size >= MOST_REMEMBERED) channels.clear();
      channels.set(slackId, channel);
      return { ok: true, channel };
    },
  };
}

/** An app that may not look people up can still post in channels. */
function onlyHere(answer: SlackAnswer & { ok: false }): SlackAnswer & { ok: false } {
  return answer.code === "missing_scope" ? { ...answer, kind: "destination" } : answer;
}

function unreadable(method: string): SlackAnswer & { ok: false } {
  const error = `Slack's answer to ${method} has no id`;
  return { ok: false, kind: "later", code: "unreadable", error, unsure: false };
}
