import type { Config } from "../../config/config.ts";
import { redactorOf } from "../../config/secrets_in.ts";
import { errorText, type Log } from "../../process/log.ts";
import type { Database } from "../../store/database.ts";
import type { Channel } from "../channel.ts";
import { createSlackClient } from "./client.ts";
import { createIdentify, type SlackIdentity } from "./identity.ts";
import {
  claimSlackMessages,
  noteChanges,
  SLACK_CHANNEL,
  type SlackMessage,
  slackMessagesWait,
} from "./message.ts";
import { claimNotes, type SlackNote, slackNotesWait, tellNote } from "./note.ts";
import { createOutageWatch, OUTAGE_SECONDS, type OutageWatch } from "./outage.ts";
import { createSlackPeople } from "./people.ts";
import { holdPlaces } from "./place.ts";
import { recordSlackUpdate, type SlackUpdate } from "./record.ts";
import { routeOf, type SlackRoute } from "./route.ts";
import { showMessage, type SlackDisplay } from "./show.ts";

/**
 * Slack: one message about each task, kept up to date. An outcome is put into the outbox when the
 * change is seen that brought it, and told by showing its task.
 */
export interface Slack extends Channel {
  readonly approvers: readonly string[];
  routeOf(task: Parameters<typeof routeOf>[0]): SlackRoute | undefined;
  /** Who we are, as far as Slack has said so yet. */
  identity(): Promise<SlackIdentity | undefined>;
  /** Says something to one person alone; whether it arrives is not promised. */
  whisper(to: { channel: string; user: string; threadTs?: string }, said: string): void;
}

/** Well below the pace in one place. */
const REST_MS = 250;
/** Each place takes one call a second, so this is for as many places at once. */
const AT_ONCE = 16;

/** What telling somebody in Slack needs. */
interface SlackTeller {
  display: SlackDisplay;
  outage: OutageWatch;
  log: Log;
}

/** Slack as it is configured; undefined without a token. Connects when first used. */
export function createSlack(
  { config, channels, database, log }: {
    config: Config;
    /** The channel that outcomes are told in, by source or `webhook_type`; `*` is all others. */
    channels: ReadonlyMap<string, string>;
    database: Database;
    log: Log;
  },
): Slack | undefined {
  const { botToken, apiUrl, approvers, unverifiedTypes } = config.slack;
  if (botToken === undefined) return undefined;
  const client = createSlackClient({ token: botToken, url: apiUrl });
  const outage = createOutageWatch(database, log);
  const identify = createIdentify(client, { outage, log });
  const display = {
    database,
    client,
    people: createSlackPeople(database, client),
    publicUrl: config.publicUrl,
    answerable: approvers.length > 0,
    redact: redactorOf(config),
  };
  const teller = { display, outage, log };
  const running = new Set<Promise<void>>();

  function start(work: Promise<void>): void {
    const started = work.finally(() => running.delete(started));
    running.add(started);
  }

  return {
    name: SLACK_CHANNEL,
    restMs: REST_MS,
    destinations: () => [],
    approvers,
    routeOf: (task) => routeOf(task, { channels, unverifiedTypes }),
    async tell(signal) {
      const noted = await noteChanges(database);
      if (signal.aborted || outage.leavesAlone()) return noted;
      // Known before the first post, so that its echo is recognised.
      await identify();
      if (signal.aborted || outage.leavesAlone()) return noted;
      const free = AT_ONCE - running.size;
      if (free <= 0) return noted;
      const messages = await claimSlackMessages(database, free);
      for (const message of messages) start(tellMessage(teller, message));
      const notes = await claimNotes(database, free);
      for (const note of notes) start(tellOneNote(teller, note));
      return noted + messages.length + notes.length;
    },
    waits: (sql) => sql`${slackMessagesWait(sql)} or ${slackNotesWait(sql)}`,
    async idle() {
      await Promise.all(running);
    },
    identity: identify,
    whisper({ channel, user, threadTs }, said) {
      const args = { channel, user, text: said, ...(threadTs && { thread_ts: threadTs }) };
      start(
        client("chat.postEphemeral", args).then((answer) => {
          if (!answer.ok) log.warn("slack.whisper_failed", { channel, error: answer.error });
        }),
      );
    },
  };
}

/** Brings a message up to date and records what came of it. Never rejects. */
async function tellMessage(teller: SlackTeller, message: SlackMessage): Promise<void> {
  const { display, log } = teller;
  try {
    const done = await showMessage(display, message);
    if (!done) return;
    const { shown, outcomes } = done;
    await recordSlackUpdate(display.database, message, outcomes, withPause(shown));
    await heed(teller, message, shown);
  } catch (error) {
    // The store failed: the lease runs out and it is done again.
    log.warn("slack.show_failed", { task_id: message.task_id, error: errorText(error) });
  }
}

/** A message that has met an outage is not tried again while that lasts. */
function withPause(shown: SlackUpdate): SlackUpdate {
  return shown.ok || shown.nobody || !shown.outage
    ? shown
    : { ...shown, retryAfterSeconds: OUTAGE_SECONDS };
}

/** What one message met may concern all of them. */
async function heed(
  { display, outage, log }: SlackTeller,
  { task_id, place }: SlackMessage,
  shown: SlackUpdate,
): Promise<void> {
  if (shown.ok) return await outage.end();
  if (shown.nobody) return;
  const { error, permanent, uncounted, retryAfterSeconds } = shown;
  log.warn("slack.not_told", { task_id, place, error, permanent });
  if (shown.outage) await outage.begin(shown.outage, error);
  else if (uncounted && retryAfterSeconds) await holdPlaces(display.database, retryAfterSeconds);
}

/** Posts a note and records what came of it. Never rejects. */
async function tellOneNote(
  { display, outage, log }: SlackTeller,
  note: SlackNote,
): Promise<void> {
  try {
    const answer = await tellNote(display, note);
    if (!answer || answer.ok) return;
    const { kind, code, error, retryAfterSeconds } = answer;
    log.warn("slack.not_told", { notification_id: note.id, error });
    if (kind === "integration") await outage.begin(code, error);
    else if (retryAfterSeconds) await holdPlaces(display.database, retryAfterSeconds);
  } catch (error) {
    // As above.
    log.warn("slack.note_failed", { notification_id: note.id, error: errorText(error) });
  }
}
