import type { SubjectRole } from "../../../sources/subject.ts";
import type { Database } from "../../store/database.ts";
import { PHASE, type Phase, taskPhase } from "../search/phase.ts";

/** How far a message was read that came for a task after it was made: `not_read` by its end. */
export const READINGS = ["unread", "read", "not_read"] as const;

/** Where a message stands with the task that it has come for. */
export interface MessageReading {
  task_id: string | null;
  /** Null where it came for none: its task was made of it, or it has none. */
  reading: typeof READINGS[number] | null;
  /** The step of that task's agent in which it was read. */
  read_in_step: number | null;
  /** Its task has gone with the message that it was made of. */
  is_task_forgotten: boolean;
}

/** A message about a subject, or a task; what only messages have is null of a task, and the other way. */
export interface SubjectEntry extends MessageReading {
  kind: "message" | "task";
  id: string;
  at: Date;
  title: string | null;
  phase: Phase;
  role: SubjectRole | null;
  event: string | null;
  webhook_type: string | null;
  /** The message that a task was made of. */
  message_id: string | null;
  finished_at: Date | null;
}

/** Of a row of messages `m`, with those that {@link ITS_TASK} joins. */
const READING = `m.task_id,
  case when i.task_id is null then null when i.delivered_at is not null then 'read'
    when t.open then 'unread' else 'not_read' end as reading,
  i.delivered_step as read_in_step, m.task_id is not null and t.id is null as is_task_forgotten`;
const ITS_TASK = `left join tasks t on t.id = m.task_id
  left join task_inbox i on i.task_id = m.task_id and i.message_id = m.id`;

/** Where a message stands with its task; undefined when there is no such message. */
export async function readReading(
  database: Database,
  messageId: string,
): Promise<MessageReading | undefined> {
  const [row] = await database.query(
    "read how far a message was read",
    (sql) =>
      sql<MessageReading[]>`
      select ${sql.unsafe(READING)} from messages m ${sql.unsafe(ITS_TASK)}
      where m.id = ${messageId}`,
  );
  return row;
}

/** A subject's messages and tasks, newest first. */
export async function listSubjectEntries(
  database: Database,
  { subjectId, before, limit }: { subjectId: string; before?: string; limit: number },
): Promise<{ items: SubjectEntry[]; next?: string }> {
  const rows = await database.query("list what was told of a subject", (sql) => {
    const older = before ? sql`and id < ${before}` : sql``;
    // The page first: only of its rows is asked what became of them.
    return sql<SubjectEntry[]>`
      select * from (
        (select 'message' as kind, m.id, m.received_at as at, m.title, m.phase, m.role, m.event,
          m.webhook_type, null::uuid as message_id, null::timestamptz as finished_at,
          ${sql.unsafe(READING)}
        from (
          select *, ${sql.unsafe(PHASE)} as phase from messages
          where subject_id = ${subjectId} and subject_id is not null ${older}
          order by id desc limit ${limit + 1}) m ${sql.unsafe(ITS_TASK)})
        union all
        (select 'task', id, created_at, title, ${sql.unsafe(taskPhase(""))}, null, null, null,
          message_id, finished_at, null, null, null, false
        from tasks where subject_id = ${subjectId} and subject_id is not null ${older}
        order by id desc limit ${limit + 1})
      ) e order by id desc limit ${limit + 1}`;
  });
  const items = rows.slice(0, limit);
  return rows.length > limit ? { items, next: items.at(-1)!.id } : { items };
}
