import {
  type ClaimedMessage,
  claimMessages,
  putOffMessages,
  releaseMessages,
} from "../message/claim.ts";
import { continueLeftovers } from "../message/subject/leftover.ts";
import { ensureWebhookUser } from "../people/user.ts";
import { LARGE_BYTES } from "../reading/reader.ts";
import type { Services } from "../services.ts";
import { wakeTasks } from "../task/wait.ts";
import { settleGroups } from "./groups.ts";
import { type DecidedMessage, decideMessage } from "./message_outcome.ts";
import { writeDecided } from "./message_writer.ts";

/** One claim and one statement: more share their costs, but all must be done within their lease. */
const MESSAGES_AT_ONCE = 64;
/** How often rows are looked for without a bell. */
export const POLL_MS = 500;
/** News is given a second to arrive, so that workers do not get in each other's way. */
const NEWS_MS = 1_000;
/** What cannot be decided yet waits for Slack to answer, which is not soon once it has not. */
const PUT_OFF_SECONDS = 30;

/** The first third of a worker: message → description → task. */
export interface MessageStep {
  /** Works off what waits, and says how much; waits at most `waitMs` for the first of it. */
  takeMessages(waitMs: number, signal: AbortSignal): Promise<number>;
  /** Makes the tasks of debounce groups that are due and of what tasks left unread, and wakes tasks; says how many. */
  takeGroups(): Promise<number>;
}

/** The messages side of one worker. */
interface MessageHands {
  services: Services;
  worker: string;
  done(messages: number, withoutTask: number): void;
  /** When the table was last looked at without a bell. */
  polledAt: number;
  /** Whether that look found something. */
  foundMore: boolean;
  /** The user who gets the tasks, once it is known. */
  assignee?: string;
  /** Messages that the store failed on, still in our hands. */
  owed: string[];
}

/** `done` hears how many messages were completed, and how many of them made no task. */
export function createMessageStep(
  services: Services,
  { worker, done }: { worker: string; done(messages: number, withoutTask: number): void },
): MessageStep {
  const hands: MessageHands = {
    services,
    worker,
    done,
    polledAt: 0,
    foundMore: false,
    owed: [],
  };
  return {
    takeMessages: (waitMs, signal) => takeMessages(hands, waitMs, signal),
    takeGroups: () => takeGroups(hands),
  };
}

async function takeMessages(
  hands: MessageHands,
  waitMs: number,
  signal: AbortSignal,
): Promise<number> {
  await giveBack(hands);
  const { queue } = hands.services;
  const ids = await queue.receive(MESSAGES_AT_ONCE, hands.foundMore ? 0 : waitMs, signal);
  if (signal.aborted) return 0;
  let taken = ids.length > 0 ? await workOff(hands, await claim(hands, { ids })) : 0;
  if (waitMs === 0 || hands.foundMore || performance.now() - hands.polledAt >= POLL_MS) {
    const waitedMs = waitMs === 0 ? 0 : NEWS_MS;
    const unheard = await workOff(hands, await claim(hands, { waitedMs }));
    // Where there was something there may be more: look again at once.
    hands.foundMore = unheard > 0;
    hands.polledAt = performance.now();
    taken += unheard;
  }
  return taken;
}

function claim(
  { services: { database }, worker }: MessageHands,
  which: { ids: readonly string[] } | { waitedMs: number },
): Promise<ClaimedMessage[]> {
  return claimMessages(database, { worker, max: MESSAGES_AT_ONCE, ...which });
}

/** @returns how many: those that are put off count, too. */
async function workOff(
  hands: MessageHands,
  messages: readonly ClaimedMessage[],
): Promise<number> {
  const isSmall = ({ size }: ClaimedMessage) => size <= LARGE_BYTES;
  let done = await workOffTogether(hands, messages.filter(isSmall));
  // No lease of another message should run out while one of these is read.
  for (const large of messages.filter((each) => !isSmall(each))) {
    done += await workOffTogether(hands, [large]);
  }
  return done;
}

async function workOffTogether(
  hands: MessageHands,
  messages: readonly ClaimedMessage[],
): Promise<number> {
  if (messages.length === 0) return 0;
  const { services, worker } = hands;
  try {
    const assignee = await webhookUser(hands);
    const { decided, later } = await decideEach(services, messages);
    if (later.length > 0) {
      await putOffMessages(services.database, { worker, ids: later, seconds: PUT_OFF_SECONDS });
    }
    await writeDecided({ ...services, assignee }, decided);
    hands.done(
      decided.length,
      decided.filter(({ outcome }) => !("description" in outcome)).length,
    );
    return messages.length;
  } catch (error) {
    // The store failed, not the message: its attempt does not count.
    hands.owed.push(...messages.map((message) => message.id));
    await giveBack(hands).catch(() => {});
    throw error;
  }
}

/** `later` are the ids of those that nobody can decide yet. */
async function decideEach(
  services: Services,
  messages: readonly ClaimedMessage[],
): Promise<{ decided: DecidedMessage[]; later: string[] }> {
  const decided: DecidedMessage[] = [];
  const later: string[] = [];
  for (const message of messages) {
    const each = await decideMessage(services, message);
    if (each === "later") later.push(message.id);
    else decided.push(each);
  }
  return { decided, later };
}

/** Gives back what the store failed on: now, or before the next claim when it cannot take that either. */
async function giveBack(hands: MessageHands): Promise<void> {
  if (hands.owed.length === 0) return;
  await releaseMessages(hands.services.database, hands.worker, hands.owed);
  hands.owed = [];
}

async function takeGroups(hands: MessageHands): Promise<number> {
  const { database, bells } = hands.services;
  const assignee = await webhookUser(hands);
  const completed = await settleGroups({ ...hands.services, assignee }) +
    await continueLeftovers(database, assignee) + await wakeTasks(database);
  if (completed > 0) bells.tasks.ring();
  return completed;
}

async function webhookUser(hands: MessageHands): Promise<string> {
  return hands.assignee ??= await ensureWebhookUser(hands.services.database);
}
