import { claimableMessage } from "../message/claim.ts";
import { notHeld } from "../message/group/group.ts";
import { LEAVING } from "../message/subject/leftover.ts";
import type { Services } from "../services.ts";
import { knownChannels } from "./notifications.ts";
import { CLAIMABLE_BULK } from "./bulk/step.ts";
import type { Database } from "../store/database.ts";
import { claimable, crashed } from "../task/claim.ts";
import { claimableTrial } from "../task/trial/claim.ts";
import { isToWake } from "../task/wait.ts";

/** Which steps of a worker would find something to do now. */
export interface Waiting {
  messages: boolean;
  groups: boolean;
  tasks: boolean;
  /** Tasks that have lost too many workers. */
  crashed: boolean;
  told: boolean;
  /** Bulk actions that nobody has in hand. */
  bulk: boolean;
  /** Kept messages that somebody tries. */
  trials: boolean;
}

/** Counting stops here: it is more than one drain does in any case. */
const MOST_COUNTED = 10_000;

/** Looks once, in one statement, what there is to do: a look costs less than each step in vain. */
export async function findWaiting(
  { database, channels, jobs }: Pick<Services, "database" | "channels" | "jobs">,
): Promise<Waiting> {
  const [row] = await database.query("look what waits", (sql) => {
    const told = channels.reduce(
      (any, { waits }) => waits ? sql`${any} or ${waits(sql)}` : any,
      sql`exists (
        select from notifications
        where state = 'pending' and channel not in ${sql(knownChannels({ channels }))})`,
    );
    return sql<Waiting[]>`
      select exists (select from messages where ${claimableMessage(sql)}) as messages,
        exists (select from bursts where closed or due_at <= now())
          or exists (select from tasks where ${sql.unsafe(LEAVING)})
          or exists (select from tasks where ${isToWake(sql)}) as groups,
        exists (select from tasks where ${claimable(sql, jobs.mostAttempts)}) as tasks,
        exists (select from tasks where ${crashed(sql, jobs.mostAttempts)}) as crashed,
        exists (select from trials where ${claimableTrial(sql)}) as trials,
        exists (select from bulk_actions where ${sql.unsafe(CLAIMABLE_BULK)}) as bulk,
        ${told} as told`;
  });
  // A channel that cannot say it in SQL is asked.
  return { ...row, told: row.told || channels.some(({ waits }) => waits === undefined) };
}

/** How many messages and tasks wait or are worked on, each counted up to 10,000. */
export async function countLeft(database: Database): Promise<number> {
  const [{ left }] = await database.query(
    "count what is left",
    (sql) =>
      sql<{ left: number }[]>`
      select (select count(*)::int from (
        select from messages where state = 'new' and ${notHeld(sql)} limit ${MOST_COUNTED}) m)
      + (select count(*)::int from (
        select from tasks where open and question is null and status in ('pending', 'running')
        limit ${MOST_COUNTED}) t) as left`,
  );
  return left;
}
