import type { Database, Sql } from "../../store/database.ts";
import { storedJson } from "../../store/stored.ts";
import { rowKey } from "./tell.ts";

/** So many of the newest are looked at, to see how many were delivered. */
const MOST_COUNTED = 2_000;

/** What the store knows of a subject and its open task. */
export interface KnownSubject {
  source: string;
  key: string;
  version: number;
  opened_ms: number | null;
  closed_ms: number | null;
  verified: boolean;
  stopped_why: string | null;
  delivered: number;
  task_id: string | null;
  /** Whether its last task has left messages of which a task is still to be made: see `continueLeftovers`. */
  is_leaving: boolean;
  webhook_type: string;
  task_verified: boolean;
  /** At most so many messages: counted where these are not sure to have room. */
  in_inbox: number;
  /** Whether what closes it has come: it has one last step. */
  is_closing: boolean;
  /** When somebody has begun to work it. */
  started_at: Date | null;
  now: Date;
  wait_key: string | null;
  wait_for: string[] | null;
}

/**
 * What is known of subjects and of the tasks that are open about them, by {@link rowKey}.
 *
 * @param subjects one for each message that is to be decided on; `most` deliveries in an hour stop it,
 * and its task has `room` for so many messages.
 */
export async function readKnown(
  database: Database,
  subjects: readonly { source: string; key: string; most: number; room: number }[],
): Promise<Map<string, KnownSubject>> {
  const rows = await database.query("find the open tasks of subjects", (sql) =>
    sql<KnownSubject[]>`
      with since as materialized (select ${hourAgo(sql)} as id)
      select s.source, s.key, s.version, s.verified, s.stopped_why,
        (extract(epoch from s.opened_sent_at) * 1000)::float8 as opened_ms,
        (extract(epoch from s.closed_sent_at) * 1000)::float8 as closed_ms,
        -- A group is one delivery. Of one that is stopped nobody asks, nor of one that has had so few
        -- messages that these do not stop it.
        case when s.stopped_at is not null or not exists (
          select from messages m
          where m.subject_id = s.id and m.subject_id is not null and m.id >= (select id from since)
          offset greatest(0, g.most - g.coming)
        ) then 0 else (
          select least(count(distinct its), g.most)::int from (
            select coalesce(
              (select burst_id from burst_messages b where b.message_id = newest.id), newest.id
            ) as its
            from (
              select m.id from messages m
              where m.subject_id = s.id and m.subject_id is not null and m.id >= (select id from since)
              order by m.id desc limit ${MOST_COUNTED}) newest
            -- One by one: as long as a table is small, a join would read all of it.
            cross join lateral (
              select from task_inbox i where i.message_id = newest.id
                and i.added_at > greatest(now() - interval '1 hour', s.resumed_at) limit 1) i
          ) c) end as delivered,
        t.id as task_id, s.stopped_at is null and coalesce((
          select ended.leaves_unread from tasks ended where ended.id = s.open_task), false
        ) as is_leaving,
        coalesce(lower(m.webhook_type), '') as webhook_type,
        coalesce(m.verification = 'verified', s.verified) as task_verified,
        -- It was told of all that is there: a lookup for each task costs a tenth of the whole.
        case when t.news + g.coming <= g.room then t.news
          else (select count(*)::int from task_inbox i where i.task_id = t.id) end as in_inbox,
        t.closed_by is not null as is_closing, t.started_at, now() as now, t.wait_key, t.wait_for
      from (
        select source, key, max(most) as most, max(room) as room, count(*) as coming
        from jsonb_to_recordset(${storedJson(subjects)}::text::jsonb)
          as g(source text, key text, most int, room int)
        group by source, key) g
      -- One by one, here too: such a plan is kept while the tables grow.
      cross join lateral (
        select * from subjects s where s.source = g.source and s.key = g.key limit 1) s
      left join lateral (
        select * from tasks where id = s.open_task and open limit 1) t on true
      left join lateral (
        select webhook_type, verification from messages where id = t.message_id limit 1) m on true`);
  return new Map(rows.map((row) => [rowKey(row), row]));
}

/** The smallest id that could have been made an hour ago: see `firstIdAt`. */
const hourAgo = (sql: Sql) =>
  sql`(lpad(to_hex((extract(epoch from now() - interval '1 hour') * 1000)::bigint), 12, '0')
    || '70008000000000000000')::uuid`;
