import type { Database } from "../../store/database.ts";
import type { Redact } from "../../redaction/redact.ts";
import { showTask } from "./blocks.ts";
import type { SlackAnswer, SlackClient } from "./client.ts";
import { findPost, METADATA_TYPE, MOST_UNSURE } from "./find.ts";
import { beginCall, DIRECT, readWanted, type SlackMessage, type Wanted } from "./message.ts";
import type { SlackPeople } from "./people.ts";
import { recordPost, type SlackUpdate } from "./record.ts";

/** What showing a message needs. */
export interface Showers {
  database: Database;
  client: SlackClient;
  people: SlackPeople;
  publicUrl?: string;
  answerable: boolean;
  redact: Redact;
}

/** Neither untold nor told: the lease was lost, and another worker goes on. */
export type ShowOutcome = SlackUpdate | undefined;

/**
 * Brings a task's message in Slack up to date: updates it, or posts it where
 * there is none yet.
 *
 * @returns what came of it, and of which outcomes; undefined when the task is
 * gone or the lease was lost.
 */
export async function showMessage(
  showers: Showers,
  message: SlackMessage,
): Promise<{ shown: SlackUpdate; outcomes: string[] } | undefined> {
  const wanted = await readWanted(showers.database, message.task_id);
  if (!wanted) return undefined;
  const shown = await show(showers, message, wanted);
  return shown && { shown, outcomes: wanted.outcomes };
}

async function show(showers: Showers, message: SlackMessage, wanted: Wanted): Promise<ShowOutcome> {
  const { assignee } = wanted;
  const direct = message.place === DIRECT;
  // Given to somebody else: they get a message of their own.
  const moved = direct && message.user_id !== null && message.user_id !== assignee.id;
  if (message.ts && message.channel && !moved) {
    const at = { channel: message.channel, ts: message.ts, userId: message.user_id };
    const updated = await update(showers, message, wanted, at);
    if (updated !== "gone") return updated;
  }
  if (!direct) {
    return await post(showers, message, wanted, { channel: message.place, userId: null });
  }
  if (assignee.kind === "system") return { ok: false, nobody: true };
  const opened = await showers.people.open(assignee);
  if (!opened.ok) {
    return opened.nobody ? { ok: false, nobody: true } : failed(opened, message.unsure);
  }
  return await post(showers, message, wanted, { channel: opened.channel, userId: assignee.id });
}

interface Place {
  channel: string;
  userId: string | null;
}

async function update(
  showers: Showers,
  message: SlackMessage,
  wanted: Wanted,
  at: Place & { ts: string },
): Promise<ShowOutcome | "gone"> {
  const { database } = showers;
  const { channel, ts } = at;
  const answer = await callWith(showers, "chat.update", { channel, ts }, {
    message,
    wanted,
    begin: () => beginCall(database, message, { post: false }),
  });
  if (!answer) return undefined;
  if (answer.ok) return { ok: true, ...at };
  return answer.kind === "gone" ? "gone" : failed(answer, message.unsure);
}

async function post(
  showers: Showers,
  message: SlackMessage,
  wanted: Wanted,
  place: Place,
): Promise<ShowOutcome> {
  const { database, client } = showers;
  const { channel, userId } = place;
  let { unsure } = message;
  if (unsure > 0) {
    const found = await findPost(client, {
      channel,
      threadTs: message.thread_ts,
      key: { task_id: message.task_id },
      since: wanted.task.created_at,
    });
    if (found === "later") {
      const error = "Slack cannot say yet whether it took the message";
      return { ok: false, error, permanent: false, unsure };
    }
    if (found === "absent") unsure = 0;
    if (found === "unknown" && unsure >= MOST_UNSURE) {
      const error = `Slack took ${unsure} posts without an answer; there may be that many`;
      return { ok: false, error, permanent: true, unsure: 0 };
    }
    if (typeof found === "object") {
      await recordPost(database, message, { channel, ts: found.ts, userId });
      const updated = await update(showers, { ...message, unsure: 0 }, wanted, {
        ...place,
        ts: found.ts,
      });
      if (updated !== "gone") return updated;
      unsure = 0;
    }
  }
  const answer = await callWith(showers, "chat.postMessage", {
    channel,
    ...(message.thread_ts && { thread_ts: message.thread_ts }),
    metadata: { event_type: METADATA_TYPE, event_payload: { task_id: message.task_id } },
    unfurl_links: false,
    unfurl_media: false,
  }, { message, wanted, begin: () => beginCall(database, message, { post: true }) });
  if (!answer) return undefined;
  if (!answer.ok) return failed(answer, answer.unsure ? unsure + 1 : unsure);
  const ts = answer.body.ts;
  if (typeof ts !== "string") {
    return { ok: false, error: "Slack's answer has no ts", permanent: false, unsure: unsure + 1 };
  }
  const at = {
    channel: typeof answer.body.channel === "string" ? answer.body.channel : channel,
    ts,
    userId,
  };
  await recordPost(database, message, at);
  return { ok: true, ...at };
}

/** Calls with blocks, and once more without when it is them that Slack refuses. */
async function callWith(
  { client, publicUrl, answerable, redact }: Showers,
  method: string,
  args: Record<string, unknown>,
  { message, wanted, begin }: {
    message: SlackMessage;
    wanted: Wanted;
    begin: () => Promise<boolean>;
  },
): Promise<SlackAnswer | undefined> {
  const { task, approvals } = wanted;
  const content = showTask({ task, approvals, version: message.version }, {
    publicUrl,
    answerable,
    redact,
  });
  const literal = { parse: "none", link_names: false, mrkdwn: false };
  if (!await begin()) return undefined;
  const { text, blocks } = content;
  const answer = await client(method, { ...args, text, blocks, ...literal });
  if (answer.ok || answer.kind !== "reformat") return answer;
  if (!await begin()) return undefined;
  return await client(method, { ...args, text: content.plain, ...literal });
}

/** What to do about a call that failed. */
function failed(answer: SlackAnswer & { ok: false }, unsure: number): SlackUpdate {
  const { kind, error, retryAfterSeconds } = answer;
  return {
    ok: false,
    error,
    unsure,
    permanent: kind !== "later" && kind !== "integration",
    retryAfterSeconds,
    uncounted: kind === "integration" || answer.code === "ratelimited" ||
      answer.code === "rate_limited",
    obstacle: kind === "integration" ? answer.code : undefined,
  };
}
