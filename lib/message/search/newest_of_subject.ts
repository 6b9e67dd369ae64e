import type { Fragment, Sql } from "../../store/database.ts";
import { idBefore, type IdRange } from "../../store/id.ts";
import { idBounds, type WalkGroup } from "../../store/walk.ts";

/**
 * One row for each subject: the newest that matches, on whichever page that is. A later page asks
 * the index on (subject_id, id) once for each subject that it has come across.
 *
 * @param matches is asked of the newer rows; its columns have no table's name before them.
 * @param before where this page begins; undefined for the first.
 * @param range what is searched, wherever this page of it begins.
 */
export function newestOfSubject(
  sql: Sql,
  { from, matches, before, range }: {
    from: "messages" | "tasks";
    matches: Fragment;
    before: string | undefined;
    range: IdRange;
  },
): WalkGroup {
  if (before === undefined) return { column: "subject_id", isNew: sql`true` };
  // A value and no "exists", of which a server may make a join with the whole table. What is asked
  // of the newer rows stands outside: with it a server would rather read the table than this index.
  const isNew = sql`(
    select true from (
      select * from ${sql.unsafe(from)}
      where subject_id is not null and (subject_id, id) > (looked.subject_id, ${
    idBefore(before)
  }::uuid)
        and (subject_id, id) <= (looked.subject_id, ${LAST_ID}::uuid)
      order by subject_id, id offset 0) newer
    where ${idBounds(sql, range)} and ${matches} limit 1) is null`;
  return { column: "subject_id", isNew };
}

/** No id comes after it. */
const LAST_ID = "ffffffff-ffff-ffff-ffff-ffffffffffff";
