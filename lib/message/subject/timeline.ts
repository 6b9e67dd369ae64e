import type { SubjectRole } from "../../../sources/subject.ts";
import type { Database } from "../../store/database.ts";
import { PHASE, type Phase, type TaskPhase, taskPhase } from "../search/phase.ts";

/** What was told of a subject, or was done about it. */
export type SubjectEntry =
  | {
    kind: "message";
    id: string;
    at: Date;
    title: string | null;
    phase: Phase;
    role: SubjectRole | null;
    event: string | null;
    webhook_type: string;
    task_id: string | null;
    /** In which step of its task's agent it was read; null where it was not, or its task is its own. */
    read_in_step: number | null;
    /** Whether it waits in a task's inbox. */
    unread: boolean;
  }
  | {
    kind: "task";
    id: string;
    at: Date;
    title: string;
    phase: TaskPhase;
    /** The message that it was made of. */
    message_id: string;
    finished_at: Date | null;
  };

interface EntryRow {
  is_task: boolean;
  id: string;
  at: Date;
  title: string | null;
  phase: Phase;
  role: SubjectRole | null;
  event: string | null;
  webhook_type: string;
  task_id: string | null;
  read_in_step: number | null;
  unread: boolean;
  message_id: string;
  finished_at: Date | null;
}

/** A subject's messages and tasks, newest first. */
export async function listSubjectEntries(
  database: Database,
  { subjectId, before, limit }: { subjectId: string; before?: string; limit: number },
): Promise<{ items: SubjectEntry[]; next?: string }> {
  const rows = await database.query("list what was told of a subject", (sql) => {
    const older = before ? sql`and id < ${before}` : sql``;
    return sql<EntryRow[]>`
      select * from (
        (select false as is_task, id, received_at as at, title, ${sql.unsafe(PHASE)} as phase, role,
          event, webhook_type, task_id,
          (select i.delivered_step from task_inbox i
            where i.message_id = m.id and i.task_id = m.task_id) as read_in_step,
          exists (select from task_inbox i where i.message_id = m.id and i.task_id = m.task_id
            and i.delivered_at is null) as unread,
          null::uuid as message_id, null::timestamptz as finished_at
        from messages m where subject_id = ${subjectId} and subject_id is not null ${older}
        order by id desc limit ${limit + 1})
        union all
        (select true, id, created_at, title, ${sql.unsafe(taskPhase(""))}, null, null, null, null,
          null, false, message_id, finished_at
        from tasks where subject_id = ${subjectId} and subject_id is not null ${older}
        order by id desc limit ${limit + 1})
      ) e order by id desc limit ${limit + 1}`;
  });
  const items = rows.slice(0, limit).map(toEntry);
  return rows.length > limit ? { items, next: items.at(-1)!.id } : { items };
}

function toEntry(row: EntryRow): SubjectEntry {
  const { id, at, title, role, event, webhook_type, task_id, read_in_step, unread } = row;
  if (row.is_task) {
    const { message_id, finished_at } = row;
    const phase = row.phase as TaskPhase;
    return { kind: "task", id, at, title: title ?? "", phase, message_id, finished_at };
  }
  const { phase } = row;
  return {
    kind: "message",
    id,
    at,
    title,
    phase,
    role,
    event,
    webhook_type,
    task_id,
    read_in_step,
    unread,
  };
}
