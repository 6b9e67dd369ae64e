import type { Database } from "../../store/database.ts";
import type { TaskStatus } from "../../task/task.ts";

/** A task that a thread is about. */
export interface ThreadTask {
  task_id: string;
  status: TaskStatus;
  /** The question that it waits with, and when that was asked. */
  question_id: number | null;
  asked_at: Date | null;
  /** The thread hangs below our own message; otherwise it is somebody else's. */
  ours: boolean;
}

/** The tasks that are shown in a thread, the newest first. */
export async function findThreadTasks(
  database: Database,
  { channel, threadTs }: { channel: string; threadTs: string },
): Promise<ThreadTask[]> {
  return await database.query("find the tasks of a Slack thread", (sql) =>
    sql<ThreadTask[]>`
      select s.task_id, t.status,
        case when t.status = 'waiting_input' then t.epoch end as question_id,
        case when t.status = 'waiting_input' then (
          select max(e.at) from task_events e where e.task_id = t.id and e.kind = 'waiting_input'
        ) end as asked_at,
        coalesce(s.ts = ${threadTs}, false) as ours
      from slack_messages s join tasks t on t.id = s.task_id
      where (s.channel = ${channel} and s.ts = ${threadTs})
        or (s.place = ${channel} and s.thread_ts = ${threadTs})
      order by s.task_id desc limit 100`);
}

/**
 * Claims a reply for the message that brought it: Slack tells of one reply twice
 * when it mentions the app.
 *
 * @returns the id of the message that has it.
 */
export async function claimCommand(
  database: Database,
  key: string,
  messageId: string,
): Promise<string> {
  await database.query("claim a Slack command", (sql) =>
    sql`
      insert into slack_commands (key, message_id) values (${key}, ${messageId})
      on conflict (key) do nothing`);
  const [row] = await database.query(
    "read a Slack command",
    (sql) =>
      sql<{ message_id: string }[]>`
      select message_id from slack_commands where key = ${key}`,
  );
  return row?.message_id ?? messageId;
}
