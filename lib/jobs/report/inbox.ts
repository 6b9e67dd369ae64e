import type { SubjectRole } from "../../../sources/subject.ts";
import type { Database } from "../../store/database.ts";
import { newId } from "../../store/id.ts";
import { idArray } from "../../store/stored.ts";
import type { Held } from "../jobs.ts";
import type { Round } from "../round.ts";

/** A worker elsewhere that has claimed a task, in this round and epoch. */
export interface WorkerClaim extends Round {
  epoch: number;
}

/** A later message, as it is handed to a worker. */
export interface WorkerMessage {
  id: string;
  role: SubjectRole;
  event: string | null;
  title: string | null;
  receivedAt: Date;
  /** Of its body, in bytes. */
  size: number;
  isUnread: boolean;
}

/** What has come for a task, for the worker that has it. */
export interface WorkerNews {
  /** Whether the worker has said that it goes on with what comes later. */
  continues: boolean;
  /** How much has come in all; who has read these messages has read so much. */
  news: number;
  isClosed: boolean;
  /** The newest that was handed out before; the task's own message where none was. */
  newest: string;
  /** In the order in which they were handed out, then unread ones as they came. */
  messages: WorkerMessage[];
  /** Whether these are all. */
  isAll: boolean;
}

/** A task takes 50 messages, and some that close it. */
const MOST_MESSAGES = 100;

/**
 * What a worker is to read: all that nobody has read, and what was handed out after the message
 * `after`, whose answer may have been lost. A message may come with an id below that of one that
 * was handed out before it: so it is the order of handing out that counts.
 *
 * @param after the message up to which it has read; null where it has read none of the later ones.
 *   Left out, only unread ones are found.
 * @returns undefined when the task is not this claim's any more.
 */
export async function readWorkerNews(
  database: Database,
  { id, round, epoch }: WorkerClaim,
  after?: string | null,
): Promise<WorkerNews | undefined> {
  const rows = await database.query(
    "look for later messages for a worker",
    (sql) =>
      sql<NewsRow[]>`
      select t.job_continues as continues, t.news, t.closed_by is not null as "isClosed",
        coalesce((select k.message_id from task_inbox k
          where k.task_id = t.id and k.delivered_at is not null
          order by k.delivered_news desc nulls last, k.message_id desc limit 1), t.message_id) as newest,
        m.id, i.role, m.event, m.title, m.received_at as "receivedAt", m.size,
        i.delivered_at is null as "isUnread"
      from tasks t
        left join task_inbox s on s.task_id = t.id and s.message_id = ${after ?? null}::uuid
          and s.delivered_at is not null
        left join task_inbox i on i.task_id = t.id and (i.delivered_at is null
          or ${after !== undefined} and (s.message_id is null
            or (coalesce(i.delivered_news, 0), i.message_id)
              > (coalesce(s.delivered_news, 0), s.message_id)))
        left join messages m on m.id = i.message_id
      where t.id = ${id} and t.job_round = ${round} and t.epoch = ${epoch}
        and t.status = 'running'
      order by case when i.delivered_at is not null then i.delivered_news end, m.id
      limit ${MOST_MESSAGES}`,
  );
  if (rows.length === 0) return undefined;
  const [{ continues, news, isClosed, newest }] = rows;
  const messages = rows.flatMap(({ id, role, event, title, receivedAt, size, isUnread }) =>
    id === null ? [] : [{ id, role, event, title, receivedAt, size, isUnread }]
  );
  const isAll = rows.length < MOST_MESSAGES;
  return { continues, news, isClosed, newest, messages, isAll };
}

type NewsRow = Omit<WorkerNews, "messages" | "isAll"> & Omit<WorkerMessage, "id"> & {
  id: string | null;
};

/**
 * Notes that messages are handed to a worker: before they are, so that none is handed to one whose
 * claim has ended.
 *
 * @param news how much had come when they were looked for.
 * @param isAll whether they are all that were unread then.
 * @returns false when the task is not this claim's any more: nothing is handed out.
 */
export async function markHandedOut(
  database: Database,
  { id, round, epoch }: WorkerClaim,
  { ids, news, isAll }: { ids: readonly string[]; news: number; isAll: boolean },
): Promise<boolean> {
  const readTo = isAll ? news : 0;
  const rows = await database.query("note that later messages were read", (sql) =>
    sql`
      with claim as (
        select id from tasks
        where id = ${id} and job_round = ${round} and epoch = ${epoch} and status = 'running'
        for update
      ), read as (
        update task_inbox i
        set delivered_at = now(), delivered_step = null, delivered_round = ${round},
          delivered_news = ${news}
        from claim
        where i.task_id = claim.id and i.message_id = any(${idArray(ids)}::uuid[])
          and i.delivered_at is null
        returning i.message_id
      ), told as (
        update tasks t set read_news = ${readTo}
        from claim where t.id = claim.id and t.read_news < ${readTo}
      ), noted as (
        insert into task_events (id, task_id, kind, actor, data)
        select ${newId()}, claim.id, 'messages_read', 'agent',
          jsonb_build_object('messages', (select count(*) from read))
        from claim where exists (select from read)
      ), changed as (
        insert into changes (kind, ids)
        select 'task', array[id] from claim where exists (select from read)
      )
      select id from claim`);
  return rows.length > 0;
}

/**
 * Makes unread again what was read by a worker that has lost its task since, for the one that has
 * claimed it: nobody else knows what it made of them. What it had read when it began to wait, in an
 * earlier round, stays read for another worker of the same kind; Otto's own agent reads all anew.
 *
 * Not part of the claim's statement, which does not see what the lost worker reads at the same
 * time: from the claim on it reads nothing.
 *
 * @param continues whether the new one goes on with what comes later.
 */
export async function takeOverInbox(
  database: Database,
  held: readonly Held[],
  { by, continues }: { by: "worker" | "otto"; continues: boolean },
): Promise<void> {
  if (held.length === 0) return;
  const isOtto = by === "otto";
  await database.query("take over what a worker has read", (sql) =>
    sql`
      with taken as (
        select t.id, t.job_round from tasks t
        join jsonb_to_recordset(${JSON.stringify(held)}::text::jsonb) as h(id uuid, epoch int)
          on h.id = t.id and h.epoch = t.epoch
        order by t.id for update of t
      ), unread as (
        update task_inbox i set delivered_at = null, delivered_step = null
        from taken
        where i.task_id = taken.id and i.delivered_at is not null
          and case when ${isOtto} then i.delivered_round is not null
            else coalesce(i.delivered_round, taken.job_round) >= taken.job_round end
        returning i.task_id
      )
      update tasks t
      set job_continues = ${continues},
        read_news = case when t.id in (select task_id from unread) then 0 else t.read_news end
      from taken where t.id = taken.id`);
}
