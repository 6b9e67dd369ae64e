import { findSource } from "../../sources/mod.ts";
import { threadOf } from "../../sources/slack_command.ts";
import { hear } from "../hear.ts";
import { type Intake, settleMessages } from "../intake.ts";
import { errorText } from "../log.ts";
import { readBody } from "../message.ts";
import {
  type ClaimedMessage,
  claimMessages,
  claimSuspect,
  putOffMessages,
  releaseMessages,
} from "../message_turn.ts";
import { parsePayload } from "../payload.ts";
import { isRowError, writeEach } from "../row_error.ts";
import type { Services } from "../services.ts";
import { ensureWebhookUser } from "../user.ts";

const MESSAGES_AT_ONCE = 64;
/** How often rows are looked for without a bell. */
export const POLL_MS = 500;
const NEWS_MS = 1_000;
const PUT_OFF_SECONDS = 30;

/** The first third of a worker: message → description → task. */
export interface MessageStep {
  /** Settles what waits, and says how much; waits at most `waitMs` for the first of it. */
  takeMessages(waitMs: number, signal: AbortSignal): Promise<number>;
}

/** `done` hears how many messages were settled. */
export function createMessageStep(
  services: Services,
  { worker, done }: { worker: string; done(messages: number): void },
): MessageStep {
  const { database, queue, log, slack, bells } = services;
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
      const intakes: Intake[] = [];
      const putOff: string[] = [];
      for (const message of messages) {
        const intake = await read(message);
        if (intake === "later") putOff.push(message.id);
        else intakes.push(intake);
      }
      if (putOff.length > 0) {
        await putOffMessages(database, { worker, ids: putOff, seconds: PUT_OFF_SECONDS });
      }
      const settled = await writeEach(intakes, keep);
      const refused = settled.flatMap((result, at): Intake[] => {
        if (!(result instanceof Error)) return [];
        const { messageId, epoch } = intakes[at];
        log.warn("message.failed", { message_id: messageId, error: errorText(result) });
        return [{ messageId, epoch, error: `what it says cannot be stored: ${errorText(result)}` }];
      });
      if (refused.length > 0) await keep(refused);
      done(intakes.length);
      return messages.length;
    } catch (error) {
      // The store failed, not the message: its attempt does not count.
      owed.push(...messages.map((message) => message.id));
      await giveBack().catch(() => {});
      throw error;
    }
  }

  /** Whether each became a task. */
  async function keep(intakes: readonly Intake[]): Promise<boolean[]> {
    const made = new Set(await settleMessages(database, intakes, assignee!));
    if (made.size > 0) bells.tasks.ring();
    if (made.size < intakes.length) bells.notifications.ring();
    return intakes.map((intake) => made.has(intake.messageId));
  }

  /** Gives back what the store failed on: now, or before the next claim when it cannot take that either. */
  async function giveBack(): Promise<void> {
    if (owed.length === 0) return;
    await releaseMessages(database, worker, owed);
    owed = [];
  }

  /** Message → description, or a word on a task that is there already. */
  async function read(message: ClaimedMessage): Promise<Intake | "later"> {
    const { id: messageId, epoch, webhookType, verification, claimedAt } = message;
    const body = message.body ?? await readBody(database, messageId) ?? new Uint8Array();
    const described = describeMessage(message, body);
    if (described.error !== undefined) return { messageId, epoch, error: described.error };
    const { payload, told } = described;
    const intake = { messageId, epoch, event: told.event ?? null, title: told.title };
    const { name: source } = findSource(webhookType);
    const fromSlack = source === "slack" && verification === "verified";
    try {
      const heard = fromSlack && await hear(services, { messageId, payload, claimedAt });
      if (heard === "later") return heard;
      if (heard) return { ...intake, ...heard };
    } catch (error) {
      // Any other failure is the store's: all of them come again.
      if (!isRowError(error)) throw error;
      return { messageId, epoch, error: errorText(error).slice(0, 1_000) };
    }
    return {
      ...intake,
      description: told.description,
      slack: slack?.routeOf({
        source,
        webhookType,
        thread: fromSlack ? threadOf(payload) : undefined,
      }),
    };
  }

  /** Whatever a payload does to it, it is the message that fails. */
  function describeMessage(message: ClaimedMessage, body: Uint8Array) {
    const { headers, webhookType: type } = message;
    try {
      const payload = parsePayload(body, headers.get("content-type") ?? undefined);
      return { payload, told: findSource(type).source.describe(payload, { headers, type }) };
    } catch (error) {
      log.warn("message.failed", { message_id: message.id, error: errorText(error) });
      return { error: errorText(error).slice(0, 1_000) };
    }
  }

  return { takeMessages };
}
