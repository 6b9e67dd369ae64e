import type { Database } from "../../store/database.ts";
import { isId } from "../../store/id.ts";
import { type FoundItems, likePattern, loadFound, WINDOW } from "../../store/walk.ts";
import { findSubjects, type ToldSubject } from "./subject.ts";

export const SUBJECT_STATES = ["open", "closed", "stopped"] as const;

/** What to look for among the subjects; what is left out does not matter. */
export interface SubjectSearch {
  source?: string;
  state?: typeof SUBJECT_STATES[number];
  /** In the name and the key. */
  text?: string;
  /** Only those that come after this one. */
  after?: string;
}

/**
 * Subjects that match, the open ones first, each with the newest message first. One search looks
 * at {@link WINDOW} of them, and says so.
 */
export async function searchSubjects(
  database: Database,
  { source, state, text, after }: SubjectSearch,
  limit: number,
): Promise<FoundItems<ToldSubject>> {
  const like = text && likePattern(text);
  const rows = await database.query(
    "search subjects",
    (sql) =>
      sql<{ id: string; last_at: Date; is_stop: boolean }[]>`
      with looked as materialized (
        select s.*, row_number() over (order by s.closed_at is null desc, s.last_at desc, s.id desc)
          as place
        from (
          select * from subjects
          where ${
        after && isId(after)
          ? sql`((closed_at is null), last_at, id) < (
              select (closed_at is null), last_at, id from subjects where id = ${after})`
          : sql`true`
      }
          order by (closed_at is null) desc, last_at desc, id desc limit ${WINDOW}) s
      )
      (select id, last_at, false as is_stop from looked where true
        ${source ? sql`and source = ${source}` : sql``}
        ${state === "stopped" ? sql`and stopped_at is not null` : sql``}
        ${state === "open" ? sql`and closed_at is null and stopped_at is null` : sql``}
        ${state === "closed" ? sql`and closed_at is not null` : sql``}
        ${like ? sql`and (name ilike ${like} or key ilike ${like})` : sql``}
        order by place limit ${limit + 1})
      union all select id, last_at, true from looked where place = ${WINDOW}`,
  );
  const stop = rows.find(({ is_stop }) => is_stop);
  const ids = rows.filter(({ is_stop }) => !is_stop).map(({ id }) => id);
  const found = ids.length > limit
    ? { ids: ids.slice(0, limit), next: ids[limit - 1] }
    : stop
    ? { ids, next: stop.id, stopped: { looked: WINDOW, to: stop.last_at } }
    : { ids };
  return await loadFound(found, (some) => findSubjects(database, some), ({ id }) => id);
}
