import { isAwaited } from "../../../sources/rules/glob.ts";
import { readClock } from "../../store/clock.ts";
import { isPersonsWord, readUnread, type Unread } from "../../task/inbox.ts";
import { LATER_APART, NO_SUBJECT, whyNotOnceMore } from "../../task/wait.ts";
import type { Outcome } from "../agent.ts";
import type { WaitArguments } from "../tools/wait.ts";
import type { CheckedCall } from "./approval_check.ts";
import { type CallCompletion, recordDenial, recordResult } from "./record_call.ts";
import { beginRound, mayGoOn } from "./rounds.ts";
import type { LoggedEvent } from "./run.ts";

const MINUTE_MS = 60_000;

/**
 * The call of `wait_for_event`: what has come before counts, so the inbox is looked into first.
 * Whether something comes between this look and the park is asked where the task is parked.
 *
 * @returns an outcome when the task waits.
 */
export async function completeWait(
  completion: CallCompletion,
  { tool, args: { events, minutes } }: CheckedCall<WaitArguments>,
  begun: LoggedEvent,
): Promise<Outcome | undefined> {
  const { run, state, save, answer } = completion;
  const { verified, inbox, webhookType } = run.assignment;
  const [call] = state.pending;
  const tell = async (text: string) => {
    if (call.until !== undefined) beginRound(state);
    return await recordResult(completion, tool, { text, ms: 0 });
  };
  if (!inbox || !verified) {
    const reason = inbox
      ? "no signature vouches for this message, so nothing is waited for"
      : run.assignment.subjectId
      ? LATER_APART
      : NO_SUBJECT;
    return await recordDenial(completion, { action: "deny", rule: "no_inbox", reason });
  }
  const unread = await readUnread(run.database, run.assignment);
  const came = matching(unread, { events, webhookType });
  if (came > 0 || unread.isClosed) {
    return await tell(`${unread.messages.length} came in. What it says follows.`);
  }
  if (state.isAged) {
    return await tell("The task has been open for too long: nothing is waited for.");
  }
  if (answer !== null) return await tell("A person of the team woke you: nothing has come yet.");
  const { now } = await readClock(run.database);
  if (call.until !== undefined && Date.parse(call.until) <= now.getTime()) {
    return await tell(`Nothing came until ${call.until}.`);
  }
  if (call.until === undefined) {
    const reason = await whyNot(completion, minutes);
    if (reason !== undefined) {
      return await recordDenial(completion, { action: "deny", rule: "budget_waits", reason });
    }
    call.until = new Date(now.getTime() + minutes * MINUTE_MS).toISOString();
    state.waits = (state.waits ?? 0) + 1;
    await save([begun]);
  }
  return {
    status: "waiting_event",
    events,
    until: call.until,
    news: unread.news,
    waitKey: call.key,
  };
}

/** What a person says to the task ends every wait. */
function matching(
  { messages }: Unread,
  { events, webhookType }: { events: readonly string[]; webhookType: string },
): number {
  return messages.filter((message) =>
    isPersonsWord(message, { webhookType }) || isAwaited(events, message.event)
  ).length;
}

async function whyNot(
  { run, state }: CallCompletion,
  minutes: number,
): Promise<string | undefined> {
  const { waits = 0 } = state;
  return await whyNotOnceMore(run.database, { waits, minutes }, run.rules.budgets) ??
    (mayGoOn(run, state) ? undefined : "the task has gone on as often as one may");
}
