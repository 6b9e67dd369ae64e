import { type Config, secretsIn } from "../../config/config.ts";
import type { Database } from "../../store/database.ts";
import { errorText, type Log } from "../../process/log.ts";
import { text } from "../../../sources/kit/json_path.ts";
import { createRedactor } from "../../redaction/redact.ts";
import { clearOutage, readOutage, writeOutage } from "./outage.ts";
import { createSlackClient } from "./client.ts";
import { claimSlackMessages, noteChanges, type SlackMessage } from "./message.ts";
import { claimNotes, type SlackNote, tellNote } from "./note.ts";
import { createSlackPeople } from "./people.ts";
import { holdPlaces } from "./place.ts";
import { routeOf, type SlackRoute } from "./route.ts";
import { recordSlackUpdate, type SlackUpdate } from "./record.ts";
import { showMessage } from "./show.ts";

/** Who we are in Slack. */
export interface SlackIdentity {
  userId?: string;
  botId?: string;
}

/** Notifications in Slack: one message about each task, kept up to date. */
export interface Slack {
  readonly approvers: readonly string[];
  routeOf(task: Parameters<typeof routeOf>[0]): SlackRoute;
  /**
   * Puts outcomes into the outbox and starts to bring messages up to date.
   *
   * @returns how much there was to do.
   */
  tell(signal: AbortSignal): Promise<number>;
  /** Resolves when what was started has ended. */
  idle(): Promise<void>;
  /** Who we are, as far as Slack has said so yet. */
  identity(): Promise<SlackIdentity | undefined>;
  /** Says something to one person alone; whether it arrives is not promised. */
  whisper(to: { channel: string; user: string; threadTs?: string }, said: string): void;
}

const AT_ONCE = 16;
/** How long an obstacle is left alone before another try. */
const OBSTACLE_SECONDS = 60;
const ASK_AGAIN_MS = 60_000;

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
  const { botToken, apiUrl, approvers } = config.slack;
  if (botToken === undefined) return undefined;
  const client = createSlackClient({ token: botToken, url: apiUrl });
  const showers = {
    database,
    client,
    people: createSlackPeople(database, client),
    publicUrl: config.publicUrl,
    answerable: approvers.length > 0,
    redact: createRedactor(secretsIn(config)),
  };
  const running = new Set<Promise<void>>();
  let blockedUntil = 0;
  let blockedBy: string | undefined;
  let asked: Promise<SlackIdentity | undefined> | undefined;
  let askedAt = -Infinity;
  let identity: SlackIdentity | undefined;

  /** Asks Slack who we are: once, or again a while after it could not say. */
  function identify(): Promise<SlackIdentity | undefined> {
    if (identity || (asked && performance.now() - askedAt < ASK_AGAIN_MS)) {
      return asked ?? Promise.resolve(identity);
    }
    askedAt = performance.now();
    asked = ask().catch((error) => {
      log.warn("slack.identify_failed", { error: errorText(error) });
      return undefined;
    });
    return asked;
  }

  async function ask(): Promise<SlackIdentity | undefined> {
    const answer = await client("auth.test", {});
    if (answer.ok) {
      identity = { userId: text(answer.body, "user_id"), botId: text(answer.body, "bot_id") };
      // A scope that is missing shows only when it is needed.
      const obstacle = await readOutage(database);
      if (obstacle?.code === "missing_scope") blockedBy = obstacle.code;
      else if (obstacle) await mended();
    } else if (answer.kind === "integration") await block(answer.code, answer.error);
    return identity;
  }

  async function block(code: string, error: string): Promise<void> {
    blockedUntil = performance.now() + OBSTACLE_SECONDS * 1_000;
    if (blockedBy === code) return;
    log.error("slack.blocked", { code, error });
    await writeOutage(database, { code, error });
    blockedBy = code;
  }

  async function mended(): Promise<void> {
    blockedBy = undefined;
    blockedUntil = 0;
    await clearOutage(database);
    log.info("slack.mended");
  }

  async function show(message: SlackMessage): Promise<void> {
    try {
      const done = await showMessage(showers, message);
      if (!done) return;
      const { shown, outcomes } = done;
      await recordSlackUpdate(database, message, outcomes, putOff(shown));
      await heed(message, shown);
    } catch (error) {
      // The store failed: the lease runs out and it is done again.
      log.warn("slack.show_failed", { task_id: message.task_id, error: errorText(error) });
    }
  }

  /** What one message met may concern all of them. */
  async function heed({ task_id, place }: SlackMessage, shown: SlackUpdate): Promise<void> {
    if (shown.ok) {
      if (blockedBy !== undefined) await mended();
      return;
    }
    if (shown.nobody) return;
    const { error, obstacle, permanent, uncounted, retryAfterSeconds } = shown;
    log.warn("slack.not_told", { task_id, place, error, permanent });
    if (obstacle) await block(obstacle, error);
    else if (uncounted && retryAfterSeconds) await holdPlaces(database, retryAfterSeconds);
  }

  async function note(note: SlackNote): Promise<void> {
    try {
      const answer = await tellNote(showers, note);
      if (!answer || answer.ok) return;
      const { kind, code, error, retryAfterSeconds } = answer;
      log.warn("slack.not_told", { notification_id: note.id, error });
      if (kind === "integration") await block(code, error);
      else if (retryAfterSeconds) await holdPlaces(database, retryAfterSeconds);
    } catch (error) {
      log.warn("slack.note_failed", { notification_id: note.id, error: errorText(error) });
    }
  }

  function start(work: Promise<void>): void {
    const started = work.finally(() => running.delete(started));
    running.add(started);
  }

  return {
    approvers,
    routeOf: (task) => routeOf(task, channels),
    async tell(signal) {
      const noted = await noteChanges(database);
      if (signal.aborted || performance.now() < blockedUntil) return noted;
      // Known before the first post, so that its echo is recognised.
      await identify();
      if (signal.aborted || performance.now() < blockedUntil) return noted;
      const free = AT_ONCE - running.size;
      if (free <= 0) return noted;
      const messages = await claimSlackMessages(database, free);
      for (const message of messages) start(show(message));
      const notes = await claimNotes(database, free);
      for (const each of notes) start(note(each));
      return noted + messages.length + notes.length;
    },
    async idle() {
      await Promise.all(running);
    },
    identity: identify,
    whisper({ channel, user, threadTs }, said) {
      const args = { channel, user, text: said, ...(threadTs && { thread_ts: threadTs }) };
      client("chat.postEphemeral", args).then((answer) => {
        if (!answer.ok) log.warn("slack.whisper_failed", { channel, error: answer.error });
      });
    },
  };
}

function putOff(shown: SlackUpdate): SlackUpdate {
  return shown.ok || shown.nobody || !shown.obstacle
    ? shown
    : { ...shown, retryAfterSeconds: OBSTACLE_SECONDS };
}
