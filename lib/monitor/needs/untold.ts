import type { Database } from "../../store/database.ts";
import { nameIn } from "./needs.ts";

/** The open questions of one source that no message of their own has told. */
export interface Untold {
  source: string;
  count: number;
  /** Of the oldest. */
  title: string;
  since: Date;
}

/** Beyond these nobody counts. */
export const MOST_UNTOLD = 1_000;

/**
 * Counts the open questions that nobody was told of: a task's own message in Slack, sent or about
 * to be, has told its own.
 */
export async function listUntold(database: Database): Promise<Untold[]> {
  return await database.query("count questions that nobody was told of", (sql) =>
    sql<Untold[]>`
      with asking as (
        select t.id, ${nameIn(sql)} as source
        from tasks t join messages m on m.id = t.message_id
        where t.open and t.question is not null and t.status = 'waiting_input'
          and not exists (select from notifications n where n.task_id = t.id
            and n.channel = 'slack' and n.kind = 'waiting_input' and n.state <> 'dead')
          and not exists (select from slack_messages s
            where s.task_id = t.id and s.wanted > s.noted)
        order by t.id limit ${MOST_UNTOLD}
      ), grouped as (
        select source, count(*)::int as count, (array_agg(id order by id))[1] as oldest
        from asking group by 1
      )
      select g.source, g.count, t.title,
        coalesce((select max(at) from task_events e
          where e.task_id = t.id and e.kind = 'waiting_input'), t.created_at) as since
      from grouped g join tasks t on t.id = g.oldest order by t.id`);
}
