import { settleForgotten } from "../agent/budget/settlement.ts";
import { forgetUsage } from "../agent/run/usage.ts";
import { type SourceAge, wakeAged } from "../task/age.ts";
import { expireApprovals } from "../task/approval.ts";
import { lookAgain } from "../task/look_again.ts";
import { forgetChanges } from "../live/change.ts";
import type { ClockGuard } from "../monitor/clock.ts";
import { forgetWorkers } from "../monitor/heartbeat.ts";
import { failCrashedMessages } from "../message/complete.ts";
import { forgetMessages } from "../message/forget/forget.ts";
import { dropContents } from "../message/forget/drop_contents.ts";
import { forgetEarly } from "../message/forget/forget_early.ts";
import { forgetSubjects } from "../message/forget/forget_subjects.ts";
import { forgetAliases } from "../message/subject/subject.ts";
import { forgetRejected, trimQuarantine } from "../message/quarantine.ts";
import { forgetNeeds } from "../notify/forget_needs.ts";
import { forgetAudit } from "../people/audit.ts";
import type { Registry } from "../../sources/rules/registry.ts";
import type { Services } from "../services.ts";
import { endUnstarted, forgetBulkActions, forgetBulkRows } from "./bulk/forget.ts";
import { foldActivity, foldCounts, FOLDED_AT_ONCE, forgetActivity } from "../store/counts.ts";
import { endAbandonedTrials } from "../task/trial/claim.ts";
import { giveUpUntold } from "./notifications.ts";

/** Small batches, so that nobody waits long for a lock. */
const FORGET_AT_ONCE = 500;
/** So 10,000 rows at a time: the other steps are not kept waiting by a large rest. */
const MOST_ROUNDS = 20;
const DAY_MS = 24 * 60 * 60 * 1_000;

/**
 * Ends what nobody can end any more, and forgets what is old. Each step is tried,
 * whatever became of the others. While the clock is not to be trusted nothing is forgotten: what
 * is gone by a wrong clock does not come back when it is set right.
 *
 * @throws the first step's error, at the end.
 */
export async function tidy(
  services: Services,
  clock: ClockGuard,
): Promise<void> {
  const { database, bells, agent: { terms } } = services;
  const errors: unknown[] = [];
  const now = await clock.trustedNow().catch((error) => void errors.push(error));
  const steps: (() => Promise<unknown>)[] = [
    () => untilFewer(FOLDED_AT_ONCE, () => foldCounts(database)),
    () => untilFewer(FOLDED_AT_ONCE, () => foldActivity(database)),
    () => failCrashedMessages(database),
    async () => {
      // A server's clock ends them all the same: it is only this process's that is wrong.
      if (now === undefined && database.kind === "embedded") return;
      if (await expireApprovals(database) > 0) bells.tasks.ring();
    },
    async () => {
      if (await wakeAged(database, agesOf(services)) > 0) bells.tasks.ring();
    },
    async () => {
      if (terms !== undefined && await lookAgain(database, terms) > 0) bells.tasks.ring();
    },
    () => giveUpUntold(services),
    () => trimQuarantine(database),
    () => endUnstarted(database),
    () => endAbandonedTrials(database),
    () => untilFewer(FORGET_AT_ONCE, () => forgetBulkRows(database, FORGET_AT_ONCE)),
    ...now === undefined ? [] : forgetting(services, now),
  ];
  for (const step of steps) await step().catch((error) => errors.push(error));
  if (errors.length > 0) throw errors[0];
}

/**
 * What goes by its age, counted from the time that was found right: a clock that jumps between
 * that look and these steps takes nothing with it.
 */
function forgetting(
  { database, config, sources }: Pick<Services, "database" | "config" | "sources">,
  now: Date,
): (() => Promise<unknown>)[] {
  const before = new Date(now.getTime() - config.retentionDays * DAY_MS);
  const retention = { ...config, sources: retentionOf(sources) };
  return [
    () => settleForgotten(database, config.agent.price?.currency),
    () => forgetUsage(database),
    () => untilFewer(FOLDED_AT_ONCE, () => forgetActivity(database)),
    () => untilFewer(FORGET_AT_ONCE, () => forgetMessages(database, before, FORGET_AT_ONCE)),
    () => untilFewer(FORGET_AT_ONCE, () => forgetEarly(database, retention, FORGET_AT_ONCE)),
    () => untilFewer(FORGET_AT_ONCE, () => forgetSubjects(database, FORGET_AT_ONCE)),
    () => untilFewer(FORGET_AT_ONCE, () => forgetAliases(database, FORGET_AT_ONCE)),
    () => untilFewer(FORGET_AT_ONCE, () => dropContents(database, config, FORGET_AT_ONCE)),
    () => untilFewer(FORGET_AT_ONCE, () => forgetNeeds(database, before, FORGET_AT_ONCE)),
    () => forgetRejected(database, now),
    () => untilFewer(FORGET_AT_ONCE, () => forgetAudit(database, before, FORGET_AT_ONCE)),
    () => untilFewer(FORGET_AT_ONCE, () => forgetChanges(database, FORGET_AT_ONCE)),
    () => forgetWorkers(database),
    () => forgetBulkActions(database),
  ];
}

/** How many days a task of a source stays open, where its messages continue tasks. */
function agesOf(
  { sources, budgetsOf }: Pick<Services, "sources" | "budgetsOf">,
): SourceAge[] {
  return sources.ruled
    .filter((name) => sources.settingsOf(name).later === "continue")
    .map((name) => ({ source: name, days: budgetsOf(name).days }));
}

/** How many days the messages of a source are kept, where its rules say so. */
function retentionOf({ ruled, settingsOf }: Registry): Map<string, number> {
  return new Map(
    ruled.flatMap((name) => {
      const { retention_days: days } = settingsOf(name);
      return days === undefined ? [] : [[name, days] as const];
    }),
  );
}

/** Repeats a step while it has as much to do as it can, within reason: the rest comes next time. */
async function untilFewer(full: number, step: () => Promise<number>): Promise<void> {
  for (let round = 0; round < MOST_ROUNDS && await step() === full; round++);
}
