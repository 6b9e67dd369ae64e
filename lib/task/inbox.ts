import type { SubjectRole } from "../../sources/subject.ts";
import type { Database } from "../store/database.ts";

/** A message that came for a task after it was made, and that nobody has read. */
export interface UnreadMessage {
  id: string;
  webhookType: string;
  /** Of its body, in bytes. */
  size: number;
  role: SubjectRole;
  event: string | null;
  title: string | null;
  receivedAt: Date;
}

/** What a task's agent has not read. */
export interface Unread {
  /** How far it has read when it has read these. */
  news: number;
  /** In the order in which they came. */
  messages: UnreadMessage[];
  /** Whether what the task is about was closed. */
  isClosed: boolean;
}

/** The most that one look finds: a task takes no more. */
const MOST_UNREAD = 100;

/** What has come for a task and was not delivered to its agent. */
export async function readUnread(database: Database, taskId: string): Promise<Unread> {
  const rows = await database.query(
    "look for later messages",
    (sql) =>
      sql<(Omit<UnreadMessage, "id"> & { id: string | null; news: number; is_closed: boolean })[]>`
      select t.news, t.closed_by is not null as is_closed, m.id, m.webhook_type as "webhookType",
        m.size, i.role, m.event, m.title, m.received_at as "receivedAt"
      from tasks t
        left join task_inbox i on t.news > t.read_news and i.task_id = t.id
          and i.delivered_at is null
        left join messages m on m.id = i.message_id
      where t.id = ${taskId} order by m.id limit ${MOST_UNREAD}`,
  );
  return {
    news: rows[0]?.news ?? 0,
    isClosed: rows[0]?.is_closed ?? false,
    messages: rows.flatMap(({ news: _, is_closed: __, id, ...rest }) =>
      id === null ? [] : [{ id, ...rest }]
    ),
  };
}
