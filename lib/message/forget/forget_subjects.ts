import type { Database } from "../../store/database.ts";
import { createForgetWalk, LOOKED_AT, type WalkStep, walkStep } from "./forget_walk.ts";

/** Whoever tells of a subject just now has not written down its message yet. */
const QUIET = "1 hour";

const walk = createForgetWalk<null>(async (database, { after, atOnce }) => {
  const [row] = await database.query("forget subjects", (sql) =>
    sql<WalkStep[]>`
      with looked as materialized (
        select s.id, true as is_old, s.last_at < now() - ${QUIET}::interval
          and not exists (select from messages where subject_id = s.id)
          and not exists (select from tasks where subject_id = s.id) as goes
        from subjects s where s.id > ${after} order by s.id limit ${LOOKED_AT}
      ), gone as (
        delete from subjects where id in (
          select s.id from subjects s join looked l on l.id = s.id
          where l.goes and s.last_at < now() - ${QUIET}::interval
          order by s.source, s.key limit ${atOnce} for update of s skip locked
        ) returning id, source, key
      ), other_names as (
        delete from subject_aliases a using gone where a.source = gone.source and a.key = gone.key
      )
      ${walkStep(sql)}`);
  return row;
});

/**
 * Removes up to `atOnce` subjects of which nothing is kept any more, with their aliases, whatever
 * took their last message away: their keys may be a person's number or address.
 *
 * @returns how many were removed.
 */
export async function forgetSubjects(database: Database, atOnce: number): Promise<number> {
  return await walk(database, null, atOnce);
}
