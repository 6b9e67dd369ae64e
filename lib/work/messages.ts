import { threadOf } from "../../sources/slack/command.ts";
import { addToGroup, type GroupedMessage } from "../message/group.ts";
import { completeGroups } from "../message/group_complete.ts";
import { type GuardEntry, rememberSigned } from "../message/replay_guard.ts";
import { handleSlackMessage } from "./slack_obey.ts";
import { completeMessages, type MessageOutcome } from "../message/complete.ts";
import { errorText } from "../process/log.ts";
import { readBody } from "../message/message.ts";
import {
  type ClaimedMessage,
  claimMessages,
  claimSuspect,
  putOffMessages,
  releaseMessages,
} from "../message/claim.ts";
import { isRowError, writeEach } from "../store/row_error.ts";
import type { Services } from "../services.ts";
import { ensureWebhookUser } from "../people/user.ts";
import { readClaimed, type Reading } from "./reading.ts";

const MESSAGES_AT_ONCE = 64;
/** How often rows are looked for without a bell. */
export const POLL_MS = 500;
const NEWS_MS = 1_000;
const PUT_OFF_SECONDS = 30;

/** The first third of a worker: message → description → task. */
export interface MessageStep {
  /** Settles what waits, and says how much; waits at most `waitMs` for the first of it. */
  takeMessages(waitMs: number, signal: AbortSignal): Promise<number>;
  /** Makes the tasks of bursts that are over, and says how many. */
  takeBursts(): Promise<number>;
}

/** What one message is to become. */
interface OutcomeInHand {
  intake: MessageOutcome;
  /** What nobody can have changed in it, where it is verified. */
  captures?: readonly GuardEntry[];
  /** It waits for others which are about the same. */
  joining?: GroupedMessage;
}

/** `done` hears how many messages were settled. */
export function createMessageStep(
  services: Services,
  { worker, done }: { worker: string; done(messages: number): void },
): MessageStep {
  const { database, queue, log, sources, slack, bells } = services;
  let polledAt = 0;
  /** Whether the last look at the table found something. */
  let more = false;
  let assignee: string | undefined;
  /** Messages claimed and not settled because the store failed. */
  let owed: string[] = [];

  async function takeMessages(waitMs: number, signal: AbortSignal): Promise<number> {
    await giveBack();
    const ids = await queue.receive(MESSAGES_AT_ONCE, more ? 0 : waitMs, signal);
    if (signal.aborted) return 0;
    let taken = ids.length > 0 ? await settle(await claim({ ids })) : 0;
    if (waitMs === 0 || more || performance.now() - polledAt >= POLL_MS) {
      // News is given a second to arrive, so that workers do not get in each other's way.
      const unheard = await settle(await claim({ waitedMs: waitMs === 0 ? 0 : NEWS_MS }));
      // Where there was something there may be more: look again at once.
      more = unheard > 0;
      polledAt = performance.now();
      taken += unheard + await takeSuspects(signal);
    }
    return taken;
  }

  /** Each alone, but all that a dead worker held, so that the last of them does not wait either. */
  async function takeSuspects(signal: AbortSignal): Promise<number> {
    let taken = 0;
    while (taken < MESSAGES_AT_ONCE && !signal.aborted) {
      const settled = await settle(await claimSuspect(database, worker));
      if (settled === 0) break;
      taken += settled;
    }
    return taken;
  }

  const claim = (which: { ids: readonly string[] } | { waitedMs: number }) =>
    claimMessages(database, { worker, max: MESSAGES_AT_ONCE, ...which });

  async function settle(messages: readonly ClaimedMessage[]): Promise<number> {
    if (messages.length === 0) return 0;
    try {
      assignee ??= await ensureWebhookUser(database);
      const found: OutcomeInHand[] = [];
      const putOff: string[] = [];
      for (const message of messages) {
        const settling = await settleOne(message);
        if (settling === "later") putOff.push(message.id);
        else found.push(settling);
      }
      if (putOff.length > 0) {
        await putOffMessages(database, { worker, ids: putOff, seconds: PUT_OFF_SECONDS });
      }
      const joining = await withoutRepeats(found.filter(({ joining }) => joining));
      const refused = [
        ...await keepEach(joining.filter(({ joining }) => joining), join),
        ...await keepEach(joining.filter(({ joining }) => !joining), keep),
        ...await keepEach(found.filter(({ joining }) => !joining), keep),
      ];
      if (refused.length > 0) await keep(refused);
      done(found.length);
      return messages.length;
    } catch (error) {
      // The store failed, not the message: its attempt does not count.
      owed.push(...messages.map((message) => message.id));
      await giveBack().catch(() => {});
      throw error;
    }
  }

  /** Writes what messages are to become; what the store refuses comes back as failed. */
  async function keepEach(
    settlings: readonly OutcomeInHand[],
    write: (some: readonly OutcomeInHand[]) => Promise<unknown[]>,
  ): Promise<OutcomeInHand[]> {
    if (settlings.length === 0) return [];
    const written = await writeEach(settlings, write);
    return written.flatMap((result, at): OutcomeInHand[] => {
      if (!(result instanceof Error)) return [];
      const { intake } = settlings[at];
      log.warn("message.failed", { message_id: intake.messageId, error: errorText(result) });
      const error = `what it says cannot be stored: ${errorText(result)}`;
      return [{ intake: { messageId: intake.messageId, epoch: intake.epoch, error } }];
    });
  }

  async function join(settlings: readonly OutcomeInHand[]): Promise<unknown[]> {
    await addToGroup(database, settlings.map(({ joining }) => joining!));
    return [...settlings];
  }

  /** Whoever has captured a signed request may send it again under another delivery id. */
  async function withoutRepeats(
    settlings: readonly OutcomeInHand[],
  ): Promise<readonly OutcomeInHand[]> {
    const captures = settlings.flatMap(({ captures }) => captures ?? []);
    if (captures.length === 0) return settlings;
    const firsts = await rememberSigned(database, captures);
    return settlings.map((settling): OutcomeInHand => {
      const { intake } = settling;
      const first = firsts.get(intake.messageId);
      if (first === undefined || !("description" in intake)) return settling;
      const { messageId, epoch, event, title } = intake;
      const reason = `The same signed bytes came before, as message ${first}: the sender told it ` +
        "twice, or somebody has captured it. One task is enough";
      return {
        intake: { messageId, epoch, event, title, state: "filtered", reason, taskId: null },
      };
    });
  }

  async function keep(settlings: readonly OutcomeInHand[]): Promise<unknown[]> {
    const intakes = settlings.map(({ intake }) => intake);
    const captures = settlings.flatMap(({ captures }) => captures ?? []);
    const { made, repeated } = await completeMessages(database, intakes, {
      assignee: assignee!,
      guard: captures,
    });
    if (made.length > 0) bells.tasks.ring();
    if (made.length < intakes.length) bells.notifications.ring();
    if (repeated.length > 0) {
      // Seldom, so that only these are asked about a second time, and who came first.
      const again = await withoutRepeats(
        settlings.filter(({ intake }) => repeated.includes(intake.messageId)),
      );
      await keep(again.map(({ intake }) => ({ intake })));
    }
    return [...settlings];
  }

  /** Gives back what the store failed on: now, or before the next claim when it cannot take that either. */
  async function giveBack(): Promise<void> {
    if (owed.length === 0) return;
    await releaseMessages(database, worker, owed);
    owed = [];
  }

  /** Message → description, or a word on a task that is there already, or a reason for none. */
  async function settleOne(message: ClaimedMessage): Promise<OutcomeInHand | "later"> {
    const { id: messageId, epoch, webhookType, verification, claimedAt } = message;
    const body = message.body ?? await readBody(database, messageId) ?? new Uint8Array();
    const reading = read(message, body);
    if (reading instanceof Error) return { intake: failed(message, errorText(reading)) };
    const { payload, told, filtered, captures, merge } = reading;
    const begun = { messageId, epoch, event: told.event ?? null, title: told.title };
    const { name: source } = sources.find(webhookType);
    const fromSlack = source === "slack" && verification === "verified";
    try {
      const heard = fromSlack &&
        await handleSlackMessage(services, { messageId, payload, claimedAt });
      if (heard === "later") return heard;
      if (heard) return { intake: { ...begun, ...heard } };
    } catch (error) {
      // Any other failure is the store's: all of them come again.
      if (!isRowError(error)) throw error;
      return { intake: failed(message, errorText(error)) };
    }
    if (filtered !== undefined) {
      return { intake: { ...begun, state: "filtered", reason: filtered, taskId: null } };
    }
    const thread = fromSlack ? threadOf(payload) : undefined;
    const task = {
      ...begun,
      description: told.description,
      slack: slack?.routeOf({ source, webhookType, thread }),
    };
    return { intake: task, captures, joining: merge && { ...task, ...merge } };
  }

  function read(message: ClaimedMessage, body: Uint8Array): Reading | Error {
    try {
      return readClaimed(services, message, body);
    } catch (error) {
      log.warn("message.failed", { message_id: message.id, error: errorText(error) });
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  async function takeBursts(): Promise<number> {
    assignee ??= await ensureWebhookUser(database);
    const settled = await completeGroups(database, assignee);
    if (settled > 0) bells.tasks.ring();
    return settled;
  }

  return { takeMessages, takeBursts };
}

function failed({ id: messageId, epoch }: ClaimedMessage, error: string): MessageOutcome {
  return { messageId, epoch, error: error.slice(0, 1_000) };
}
