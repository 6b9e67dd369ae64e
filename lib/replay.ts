import type { Database } from "./database.ts";
import { findMessages, type Message } from "./message.ts";

/** One look for replays goes through as many messages. */
const WINDOW = 20_000;

/** The replays of a message, newest first. */
export async function findReplays(database: Database, id: string): Promise<Message[]> {
  const rows = await database.query(
    "find a message's replays",
    (sql) =>
      sql<{ id: string }[]>`
      select id from (select id, replay_of from messages where id > ${id}
        order by id desc limit ${WINDOW}) later
      where replay_of = ${id} order by id desc limit 20`,
  );
  const found = rows.length > 0 ? await findMessages(database, rows.map(({ id }) => id)) : [];
  return found.sort((one, other) => one.message_id < other.message_id ? 1 : -1);
}

/** How far a replay of many messages has come, from the messages themselves. */
export interface ReplayProgress {
  made: number;
  waiting: number;
  working: number;
  done: number;
  failed: number;
}

/** Counts the replays made between two ids, both included. */
export async function countReplays(
  database: Database,
  { from, to }: { from: string; to: string },
): Promise<ReplayProgress> {
  const [row] = await database.query("count replays", (sql) =>
    sql<ReplayProgress[]>`
      select count(*)::int as made,
        count(*) filter (where m.state = 'new')::int as waiting,
        count(*) filter (where t.status in ('pending', 'running', 'waiting_input'))::int as working,
        count(*) filter (where m.state = 'filtered'
          or t.status in ('completed', 'cancelled'))::int as done,
        count(*) filter (where m.state = 'failed' or t.status = 'failed')::int as failed
      from messages m left join tasks t on t.id = m.task_id
      where m.id between ${from} and ${to} and m.replay_of is not null`);
  return row;
}
