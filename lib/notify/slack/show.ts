import type { Database } from "../../store/database.ts";
import type { Redact } from "../../redaction/redact.ts";
import { showTask } from "./blocks.ts";
import type { SlackAnswer, SlackClient } from "./client.ts";
import { findPost, METADATA_TYPE, MOST_UNSURE } from "./find.ts";
import { beginCall, DIRECT, readWanted, type SlackMessage, type Wanted } from "./message.ts";
import type { SlackPeople } from "./people.ts";
import { recordPost, type SlackUpdate } from "./record.ts";

/** What showing a message needs. */
export interface SlackDisplay {
  database: Database;
  client: SlackClient;
  people: SlackPeople;
  publicUrl?: string;
  answerable: boolean;
  redact: Redact;
}

/** What came of it; undefined when the lease was lost: another worker shows the message. */
type ShowOutcome = SlackUpdate | undefined;

/**
 * Brings a task's message in Slack up to date: updates it, or posts it where
 * there is none yet.
 *
 * @returns what came of it, and of which outcomes; undefined when the task is
 * gone or the lease was lost.
 */
export async function showMessage(
  display: SlackDisplay,
  message: SlackMessage,
): Promise<{ shown: SlackUpdate; outcomes: string[] } | undefined> {
  const wanted = await readWanted(display.database, message.task_id);
  if (!wanted) return undefined;
  const shown = await show(display, message, wanted);
  return shown && { shown, outcomes: wanted.outcomes };
}

async function show(
  display: SlackDisplay,
  message: SlackMessage,
  wanted: Wanted,
): Promise<ShowOutcome> {
  const { assignee } = wanted;
  const direct = message.place === DIRECT;
  // Given to somebody else: they get a message of their own.
  const moved = direct && message.user_id !== null && message.user_id !== assignee.id;
  if (message.ts && message.channel && !moved) {
    const at = { channel: message.channel, ts: message.ts, userId: message.user_id };
    const updated = await update(display, message, wanted, at);
    if (updated !== "gone") return updated;
  }
  if (!direct) {
    return await post(display, message, wanted, { channel: message.place, userId: null });
  }
  if (assignee.kind === "system") return { ok: false, nobody: true };
  const opened = await display.people.open(assignee);
  if (!opened.ok) {
    return opened.nobody ? { ok: false, nobody: true } : failed(opened, message.unsure);
  }
  return await post(display, message, wanted, { channel: opened.channel, userId: assignee.id });
}

/** Where a post is, or goes. */
interface Place {
  channel: string;
  userId: string | null;
}

async function update(
  display: SlackDisplay,
  message: SlackMessage,
  wanted: Wanted,
  at: Place & { ts: string },
): Promise<ShowOutcome | "gone"> {
  const { database } = display;
  const { channel, ts } = at;
  const answer = await callWith(display, "chat.update", { channel, ts }, {
    message,
    wanted,
    begin: () => beginCall(database, message, { post: false }),
  });
  if (!answer) return undefined;
  if (answer.ok) return { ok: true, ...at };
  return answer.kind === "gone" ? "gone" : failed(answer, message.unsure);
}

async function post(
  display: SlackDisplay,
  message: SlackMessage,
  wanted: Wanted,
  place: Place,
): Promise<ShowOutcome> {
  const earlier = message.unsure > 0
    ? await lookForPost(display, message, wanted, place)
    : { unsure: 0 };
  // Nothing is to be posted now.
  if (!earlier || "ok" in earlier) return earlier;
  const { unsure } = earlier;
  const { channel, userId } = place;
  const answer = await callWith(display, "chat.postMessage", {
    channel,
    ...(message.thread_ts && { thread_ts: message.thread_ts }),
    metadata: { event_type: METADATA_TYPE, event_payload: { task_id: message.task_id } },
    unfurl_links: false,
    unfurl_media: false,
  }, { message, wanted, begin: () => beginCall(display.database, message, { post: true }) });
  if (!answer) return undefined;
  if (!answer.ok) return failed(answer, answer.unsure ? unsure + 1 : unsure);
  const { ts, channel: posted } = answer.body;
  if (typeof ts !== "string") {
    return { ok: false, error: "Slack's answer has no ts", permanent: false, unsure: unsure + 1 };
  }
  const at = { channel: typeof posted === "string" ? posted : channel, ts, userId };
  await recordPost(display.database, message, at);
  return { ok: true, ...at };
}

/**
 * Looks whether Slack has taken an earlier post, and if so brings that up to date.
 *
 * @returns how many posts there may be now, when another one is to be made; else
 * what came of it.
 */
async function lookForPost(
  display: SlackDisplay,
  message: SlackMessage,
  wanted: Wanted,
  { channel, userId }: Place,
): Promise<ShowOutcome | { unsure: number }> {
  const { unsure } = message;
  const found = await findPost(display.client, {
    channel,
    threadTs: message.thread_ts,
    key: { task_id: message.task_id },
    since: wanted.task.created_at,
  });
  if (found === "absent") return { unsure: 0 };
  if (found === "later") {
    const error = "Slack cannot say yet whether it took the message";
    return { ok: false, error, permanent: false, unsure };
  }
  if (found === "unknown") {
    if (unsure < MOST_UNSURE) return { unsure };
    const error = `Slack took ${unsure} posts without an answer; there may be that many`;
    return { ok: false, error, permanent: true, unsure: 0 };
  }
  const at = { channel, ts: found.ts, userId };
  await recordPost(display.database, message, at);
  const updated = await update(display, { ...message, unsure: 0 }, wanted, at);
  return updated === "gone" ? { unsure: 0 } : updated;
}

/** Calls with blocks, and once more without when it is them that Slack refuses. */
async function callWith(
  { client, publicUrl, answerable, redact }: SlackDisplay,
  method: string,
  args: Record<string, unknown>,
  { message, wanted, begin }: {
    message: SlackMessage;
    wanted: Wanted;
    begin: () => Promise<boolean>;
  },
): Promise<SlackAnswer | undefined> {
  const { task, approvals, later } = wanted;
  const content = showTask({ task, approvals, later, version: message.version }, {
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
    outage: kind === "integration" ? answer.code : undefined,
  };
}
