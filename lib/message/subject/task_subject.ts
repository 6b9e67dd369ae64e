import type { Database } from "../../store/database.ts";

/** What a task is about, as far as a message of another sender has to know that speaks to it. */
export interface TaskSubject {
  source: string;
  key: string;
  /** Of the message that the task was made of: only such ones join it by themselves. */
  webhookType: string;
  verified: boolean;
  /** Whether a task about it is open that takes later messages. */
  isOpen: boolean;
}

/** What a task is about; undefined where it is about nothing that can be told. */
export async function readTaskSubject(
  database: Database,
  taskId: string,
): Promise<TaskSubject | undefined> {
  const [row] = await database.query(
    "read what a task is about",
    (sql) =>
      sql<TaskSubject[]>`
      select s.source, s.key, coalesce(m.webhook_type, t.source) as "webhookType",
        coalesce(m.verification = 'verified', s.verified) as verified,
        open.id is not null as "isOpen"
      from tasks t join subjects s on s.id = t.subject_id
        left join tasks open on open.id = s.open_task and open.open
        left join messages m on m.id = coalesce(open.message_id, t.message_id)
      where t.id = ${taskId}`,
  );
  return row;
}
