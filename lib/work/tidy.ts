import { forgetUsage } from "../agent/run/usage.ts";
import { expireApprovals } from "../task/approval.ts";
import { forgetChanges } from "../live/change.ts";
import { forgetWorkers } from "../monitor/heartbeat.ts";
import { failCrashedMessages } from "../message/complete.ts";
import { forgetMessages } from "../message/delete.ts";
import { forgetUnverified } from "../message/forget_unverified.ts";
import { trimQuarantine } from "../message/quarantine.ts";
import type { Services } from "../services.ts";

/** Small batches, so that nobody waits long for a lock. */
const FORGET_AT_ONCE = 500;
/** So 10,000 rows at a time: the other steps are not kept waiting by a large rest. */
const MOST_ROUNDS = 20;

/**
 * Ends what nobody can end any more, and forgets what is old. Each step is tried,
 * whatever became of the others.
 *
 * @throws the first step's error, at the end.
 */
export async function tidy({ database, bells, config }: Services): Promise<void> {
  const before = new Date(Date.now() - config.retentionDays * 24 * 60 * 60 * 1_000);
  const steps: (() => Promise<unknown>)[] = [
    () => failCrashedMessages(database),
    async () => {
      if (await expireApprovals(database) > 0) bells.tasks.ring();
    },
    () => forgetUsage(database),
    () => untilFewer(FORGET_AT_ONCE, () => forgetMessages(database, before, FORGET_AT_ONCE)),
    () => forgetUnverified(database, config),
    () => trimQuarantine(database),
    () => untilFewer(FORGET_AT_ONCE, () => forgetChanges(database, FORGET_AT_ONCE)),
    () => forgetWorkers(database),
  ];
  const errors: unknown[] = [];
  for (const step of steps) await step().catch((error) => errors.push(error));
  if (errors.length > 0) throw errors[0];
}

/** Repeats a step while it has as much to do as it can, within reason: the rest comes next time. */
async function untilFewer(full: number, step: () => Promise<number>): Promise<void> {
  for (let round = 0; round < MOST_ROUNDS && await step() === full; round++);
}
