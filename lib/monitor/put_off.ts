import type { Database } from "../store/database.ts";
import type { Check } from "./check.ts";

/** Tasks that wait for room in a budget, or for their model's provider. */
export interface PutOff {
  /** How many, up to {@link MOST_COUNTED}. */
  count: number;
  /** How many of them for longer than a hitch. */
  long: number;
  /** Of the one that was put off last. */
  reason: string | null;
}

/** More are not counted one by one: somebody has to look all the same. */
const MOST_COUNTED = 100;
/** What is tried again within a minute is a hitch, such as one answer 503. */
const LONG_SECONDS = 60;

export async function readPutOff(database: Database, timeoutMs?: number): Promise<PutOff> {
  const [row] = await database.query(
    "count tasks that were put off",
    (sql) =>
      sql<PutOff[]>`
      with waiting as (
        select id from tasks where open and not_before > now() and status = 'pending'
        limit ${MOST_COUNTED}
      )
      select count(*)::int as count,
        (count(*) filter (where (p.data->>'after_seconds')::float8 >= ${LONG_SECONDS}))::int
          as long,
        (array_agg(p.data->>'reason' order by p.at desc nulls last))[1] as reason
      from waiting w left join lateral (
        select e.data, e.at from task_events e where e.task_id = w.id and e.kind = 'put_off'
        order by e.at desc, e.id desc limit 1) p on true`,
    timeoutMs,
  );
  return row;
}

/** The name of the check. */
export const PUT_OFF = "tasks";

/** Nothing as long as tasks go on. Why they do not is not for anyone: the words may be a provider's. */
export async function checkPutOff(database: Database, timeoutMs: number): Promise<Check[]> {
  // A database that does not answer is another check's.
  const { long } = await readPutOff(database, timeoutMs).catch(() => ({ long: 0 }));
  if (long === 0) return [];
  return [{
    name: PUT_OFF,
    status: "degraded",
    detail: `${countOf(long)} put off: a budget is used up, or the model's provider is away`,
    hint: "/system says why; a task's page says until when, and lets it try at once",
  }];
}

/** So many tasks, and the verb that they need. */
export function countOf(tasks: number): string {
  if (tasks === 1) return "1 task is";
  return `${tasks}${tasks === MOST_COUNTED ? " or more" : ""} tasks are`;
}
