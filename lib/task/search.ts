import type { Database, Fragment, Sql } from "../store/database.ts";
import { type IdRange, idsBeginning, rangeWithin } from "../store/id.ts";
import {
  findAlong,
  type FoundIds,
  type FoundItems,
  idBounds,
  keyedWalk,
  likePattern,
  loadFound,
  type Walk,
} from "../store/walk.ts";
import { type TaskPhase, taskPhase } from "../message/search/phase.ts";
import { newestOfSubject } from "../message/search/newest_of_subject.ts";
import { findTasks, type Task, type TaskStatus } from "./task.ts";

/** What to look for among the tasks; what is left out does not matter. */
export interface TaskSearch {
  /** "open" is whatever has not ended. */
  status?: TaskStatus | "open";
  phase?: TaskPhase;
  /** Only tasks of replays made together: the first and the last message's id. */
  batch?: [from: string, to: string];
  source?: string;
  assigned_to?: string;
  /** Only tasks made after this. */
  since?: Date;
  /** Only tasks made before this. */
  until?: Date;
  /** In the title and the description, or the beginning of an id. */
  text?: string;
  /** Of each subject only the newest that matches. */
  group?: "subject";
  /** Only tasks older than this id. */
  before?: string;
}

/** Tasks that match, newest first. */
export async function searchTasks(
  database: Database,
  search: TaskSearch,
  limit: number,
): Promise<FoundItems<Task>> {
  const found = await findTaskIds(database, search, limit);
  return await loadFound(found, (ids) => findTasks(database, ids), ({ id }) => id);
}

/** Their ids, and whether these are all. */
export async function findTaskIds(
  database: Database,
  search: TaskSearch,
  limit: number,
): Promise<FoundIds> {
  const range = rangeWithin({ before: search.before?.toLowerCase() }, search);
  return await findAlong(database, "search tasks", (sql, window) => ({
    key: keyOf(sql, search),
    walks: walksOf(sql, search, { range, window }),
    columns:
      "message_id, source, status, open, not_before, assigned_to, title, description, subject_id",
    matches: matches(sql, search),
    group: search.group && newestOfSubject(sql, {
      from: "tasks",
      matches: matches(sql, search),
      before: search.before?.toLowerCase(),
      range: rangeWithin({}, search),
    }),
  }), { limit });
}

/** Statuses and phases of tasks that have not ended. */
const OPEN: readonly (string | undefined)[] = [
  "open",
  "pending",
  "running",
  "waiting_input",
  "waiting_event",
  "queued",
  "working",
  "waiting",
  "needs_you",
];

function walksOf(
  sql: Sql,
  search: TaskSearch,
  { range, window }: { range: IdRange; window: number },
): Walk[] {
  const { status, phase, assigned_to, batch } = search;
  const tasks = sql`tasks`;
  const along = (where: Fragment): Walk => ({
    from: tasks,
    where: sql`${where} and ${idBounds(sql, range)}`,
    order: "id desc",
  });
  const open = sql`open`;
  const isOpen = OPEN.includes(status) || OPEN.includes(phase);
  const ordered = isOpen && assigned_to
    ? keyedWalk(sql, { from: tasks, column: "assigned_to", value: assigned_to, range, where: open })
    : isOpen
    ? along(open)
    : status === "failed" || phase === "failed"
    ? along(sql`error_code is not null`)
    : along(sql`true`);
  return batch ? [batchWalk(sql, batch, { range, window }), ordered] : [ordered];
}

/** By their messages, of which an index is; nobody replays more than so many together. */
function batchWalk(
  sql: Sql,
  [from, to]: [string, string],
  { range, window }: { range: IdRange; window: number },
): Walk {
  const some = sql`(select * from tasks where message_id between ${from} and ${to}
    order by message_id desc limit ${window})`;
  return {
    from: sql`${some} replayed`,
    where: idBounds(sql, range),
    order: "id desc",
    isCut: sql`(select count(*) from ${some} t) >= ${window}`,
  };
}

function matches(
  sql: Sql,
  { status, phase, batch, source, assigned_to, text }: TaskSearch,
): Fragment {
  const like = text && likePattern(text);
  return sql`true
    ${status === "open" ? sql`and open` : status ? sql`and status = ${status}` : sql``}
    ${phase ? sql`and ${sql.unsafe(taskPhase(""))} = ${phase}` : sql``}
    ${batch ? sql`and message_id between ${batch[0]} and ${batch[1]}` : sql``}
    ${source ? sql`and source = ${source}` : sql``}
    ${assigned_to ? sql`and assigned_to = ${assigned_to}` : sql``}
    ${like ? sql`and (title ilike ${like} or description ilike ${like})` : sql``}`;
}

/** A task is looked up by the beginning of its id, not searched for. */
function keyOf(sql: Sql, { text, before }: TaskSearch): Fragment | undefined {
  const [first, last] = (!before && text && idsBeginning(text)) || [];
  if (!first || !last) return undefined;
  return sql`select id from tasks where id between ${first} and ${last} order by id desc limit 50`;
}
