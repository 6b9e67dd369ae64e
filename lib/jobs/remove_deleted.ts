import { removeJob } from "../arq/inspect_job.ts";
import { DELETED_JOB } from "../message/delete.ts";
import { type JobStores, unlessRedisAway } from "./job_stores.ts";

/** Jobs in one go: whoever deletes more waits for the next. */
const AT_ONCE = 200;

/**
 * Takes the jobs of deleted tasks out of the queue, as those of cancelled ones are.
 * Who works on one is asked to abort until it has: another would start it again.
 */
export async function removeDeleted({ redis, database, log, queue }: JobStores): Promise<void> {
  const rows = await database.query(
    "find jobs of deleted tasks",
    (sql) =>
      sql<{ name: string }[]>`
      select name from settings where name like ${`${DELETED_JOB}%`} limit ${AT_ONCE}`,
  );
  const removed = await Promise.all(rows.map(async ({ name }) => {
    const id = name.slice(DELETED_JOB.length);
    return await unlessRedisAway(log, removeJob(redis, queue, id)) ? [name] : [];
  }));
  const names = removed.flat();
  if (names.length === 0) return;
  await database.query(
    "note that deleted tasks' jobs are gone",
    (sql) =>
      sql`delete from settings
        where name in (select jsonb_array_elements_text(${JSON.stringify(names)}::text::jsonb))`,
  );
}
