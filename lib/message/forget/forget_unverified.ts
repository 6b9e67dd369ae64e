import { createForgetWalk, LOOKED_AT, type WalkStep } from "./forget_walk.ts";
import type { Database } from "../../store/database.ts";

const walk = createForgetWalk(async (database, { after, atOnce, days }) => {
  const [row] = await database.query(
    "forget what nobody vouched for",
    (sql) =>
      sql<WalkStep[]>`
      with looked as materialized (
        select id, verification, state, task_id,
          stored_at < now() - make_interval(secs => ${days * 86_400}) as is_old
        from messages where id > ${after} order by id limit ${LOOKED_AT}
      ), gone as (
        delete from messages where id in (
          select l.id from looked l left join tasks t on t.id = l.task_id
          where l.is_old and l.verification = 'unverified' and l.state <> 'new'
            and (t.id is null or t.status in ('completed', 'failed', 'cancelled'))
          order by l.id limit ${atOnce}
        ) and state <> 'new' returning id
      )
      select (select count(*) from gone)::int as removed,
        -- Where all are young what comes after is young, too, but for clocks that differ.
        (select max(id::text) from looked
          having bool_or(is_old) and count(*) = ${LOOKED_AT}) as last`,
  );
  return row;
});

/**
 * Removes up to `atOnce` of the messages that nobody vouched for and that were stored longer than
 * `unverifiedRetentionDays` ago by the store's clock, with all that hangs on them; none whose task
 * is still open.
 *
 * @returns how many were removed.
 */
export async function forgetUnverified(
  database: Database,
  { unverifiedRetentionDays, retentionDays }: {
    unverifiedRetentionDays: number;
    retentionDays: number;
  },
  atOnce: number,
): Promise<number> {
  // Then they go with all others.
  if (unverifiedRetentionDays >= retentionDays) return 0;
  return await walk(database, unverifiedRetentionDays, atOnce);
}
