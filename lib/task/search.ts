import type { Database } from "../store/database.ts";
import { firstIdAt } from "../store/id.ts";
import { findTasks, type Task, type TaskStatus } from "./task.ts";

/** What to look for among the tasks; what is left out does not matter. */
export interface TaskSearch {
  /** "open" is whatever has not ended. */
  status?: TaskStatus | "open";
  /** Only tasks of replays made together: the first and the last message's id. */
  batch?: [from: string, to: string];
  source?: string;
  assigned_to?: string;
  /** Only tasks made after this. */
  since?: Date;
  /** In the title and the description, or the beginning of an id. */
  text?: string;
  /** Only tasks older than this id. */
  before?: string;
}

/** One search looks through as many tasks, and says so. */
export const WINDOW = 20_000;

/** Tasks that match, newest first; `next` is where to go on. */
export async function searchTasks(
  database: Database,
  { status, batch, source, assigned_to, since, text, before }: TaskSearch,
  limit: number,
): Promise<{ items: Task[]; next?: string; stopped: boolean }> {
  const like = text && `%${text.replace(/[\\%_]/g, "\\$&")}%`;
  const begins = text && /^[0-9a-f]{8}[0-9a-f-]{0,28}$/.test(text) && `${text}%`;
  const rows = await database.query("search tasks", (sql) => {
    const bounds = sql`true
      ${
      status === "open"
        ? sql`and status in ('pending', 'running', 'waiting_input')`
        : status
        ? sql`and status = ${sql.unsafe(`'${status}'`)}`
        : sql``
    }
      ${batch ? sql`and message_id between ${batch[0]} and ${batch[1]}` : sql``}
      ${since ? sql`and id >= ${firstIdAt(since)}` : sql``}
      ${before ? sql`and id < ${before}` : sql``}`;
    return sql<{ id: string; last: boolean }[]>`
      with found as (
        select id from (
          select id, source, assigned_to, title, description from tasks
          where ${bounds} order by id desc limit ${WINDOW}) recent
        where true
          ${source ? sql`and source = ${source}` : sql``}
          ${assigned_to ? sql`and assigned_to = ${assigned_to}` : sql``}
          ${
      like
        ? sql`and (title ilike ${like} or description ilike ${like}
              ${begins ? sql`or id::text like ${begins}` : sql``})`
        : sql``
    }
        order by id desc limit ${limit + 1}
      )
      select id, false as last from found
      union all
      (select id, true from tasks where ${bounds} and (select count(*) from found) <= ${limit}
        order by id desc offset ${WINDOW - 1} limit 1)`;
  });
  const ids = rows.filter(({ last }) => !last).map(({ id }) => id);
  const end = rows.find(({ last }) => last)?.id;
  const shown = ids.slice(0, limit);
  const tasks = shown.length > 0 ? await findTasks(database, shown) : [];
  return {
    items: tasks.sort((one, other) => one.id < other.id ? 1 : -1),
    next: ids.length > limit ? shown.at(-1) : end,
    stopped: ids.length <= limit && end !== undefined,
  };
}
