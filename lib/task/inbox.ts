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
  /** How far it has read when it has read all. */
  news: number;
  /** Whether these are all. */
  isAll: boolean;
  /** In the order in which they came. */
  messages: UnreadMessage[];
  /** Whether what the task is about was closed. */
  isClosed: boolean;
}

/** The most that one look finds; where there are more, the next one finds them. */
const MOST_UNREAD = 1_000;

/**
 * What has come for a task and was not delivered to its agent. Where that was deleted, the task is
 * told that it has read all: its end would wait for ever for somebody to read it.
 */
export async function readUnread(
  database: Database,
  { taskId, epoch }: { taskId: string; epoch: number },
): Promise<Unread> {
  const rows = await database.query(
    "look for later messages",
    (sql) =>
      sql<UnreadRow[]>`
      select t.news, t.news > t.read_news as has_news, t.closed_by is not null as is_closed,
        m.id, m.webhook_type as "webhookType", m.size, i.role, m.event, m.title, m.received_at as "receivedAt"
      from tasks t
        left join task_inbox i on t.news > t.read_news and i.task_id = t.id
          and i.delivered_at is null
        left join messages m on m.id = i.message_id
      where t.id = ${taskId} order by m.id limit ${MOST_UNREAD}`,
  );
  const { news, has_news: hasNews, is_closed: isClosed } = rows[0] ??
    { news: 0, has_news: false, is_closed: false };
  const messages = rows.flatMap(({ news: _, has_news: __, is_closed: ___, id, ...rest }) =>
    id === null ? [] : [{ id, ...rest }]
  );
  if (hasNews && messages.length === 0) {
    await database.query(
      "say that all is read",
      (sql) =>
        sql`update tasks set read_news = greatest(read_news, ${news})
        where id = ${taskId} and epoch = ${epoch}`,
    );
  }
  return { news, isAll: rows.length < MOST_UNREAD, isClosed, messages };
}

type UnreadRow = Omit<UnreadMessage, "id"> & {
  id: string | null;
  news: number;
  has_news: boolean;
  is_closed: boolean;
};
