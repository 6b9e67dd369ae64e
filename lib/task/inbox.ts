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

/** Whether a person of the team said it to the task, elsewhere than where that came from. */
export function isPersonsWord(message: UnreadMessage, task: { webhookType: string }): boolean {
  return message.webhookType.toLowerCase() !== task.webhookType.toLowerCase();
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

/** Where one of a task's messages is read: what a reader of bodies asks for. */
export interface DeliveredMessage {
  id: string;
  webhookType: string;
  /** Of its body, in bytes. */
  size: number;
}

/**
 * The message that the task's agent was told of by a number: 1 is the task's own, so that the first
 * of the later ones is 2. They keep their numbers for as long as the run that was told of them.
 *
 * @returns the message, or how many there are where it is none of them.
 */
export async function findDelivered(
  database: Database,
  { taskId, number }: { taskId: string; number: number },
): Promise<DeliveredMessage | { most: number }> {
  const rows = await database.query(
    "find a later message by its number",
    (sql) =>
      sql<(DeliveredMessage & { number: number })[]>`
      select m.id, m.webhook_type as "webhookType", m.size,
        (1 + row_number() over (order by i.delivered_step, i.delivered_at, i.message_id))::int
          as number
      from task_inbox i join messages m on m.id = i.message_id
      where i.task_id = ${taskId} and i.delivered_at is not null`,
  );
  const found = rows.find((row) => row.number === number);
  if (!found) return { most: rows.length + 1 };
  const { number: _, ...message } = found;
  return message;
}

/** What stands beside a question or an approval while nobody has read what came meanwhile. */
export function newerSinceAsked(unread: number): string {
  return `${unread} newer ${unread === 1 ? "message" : "messages"} since this was asked`;
}

type UnreadRow = Omit<UnreadMessage, "id"> & {
  id: string | null;
  news: number;
  has_news: boolean;
  is_closed: boolean;
};
