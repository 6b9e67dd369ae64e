import { createForgetWalk, LOOKED_AT, type WalkStep, walkStep } from "./forget_walk.ts";
import type { Database } from "../../store/database.ts";
import { bodyHash } from "../contents.ts";

/** Where an envelope has its `content`. As JSON the database refuses those with a NUL or half a letter in an id. */
const CONTENT = ',"content":"([^"]*)"';

const HASH = bodyHash("body_bytes", "body");

/**
 * What releases up to 904017b wrote stands in `messages` itself, and goes with its row. Contents are
 * read by their own key: those that were dropped are never looked at again.
 */
const walk = createForgetWalk<number>(async (database, { after, atOnce, retention: days }) => {
  const [row] = await database.query(
    "drop old bodies",
    (sql) =>
      sql<WalkStep[]>`
      with looked as materialized (
        select m.id, m.state, m.task_id,
          m.stored_at < now() - make_interval(secs => ${days * 86_400}) as is_old
        from (select message_id from message_contents where message_id > ${after}
          order by message_id limit ${LOOKED_AT}) c
        join messages m on m.id = c.message_id
      ), gone as (
        delete from message_contents where message_id in (
          select l.id from looked l left join tasks t on t.id = l.task_id
          where l.is_old and l.state in ('processed', 'filtered')
            and (t.id is null or t.status in ('completed', 'cancelled'))
          order by l.id limit ${atOnce}
        ) returning message_id as id, envelope, body, body_bytes
      ), kept as (
        insert into message_digests (message_id, body, content)
        select id, ${sql.unsafe(HASH)}, substring(envelope from ${CONTENT})
        from gone on conflict do nothing
      ), tried as (
        delete from trials where message_id in (select id from gone)
      ), worked as materialized (
        select distinct l.task_id from looked l join gone using (id) where l.task_id is not null
      ), said as (
        delete from task_event_contents where task_id in (select task_id from worked)
      ), runs as (
        update agent_runs set state = null
        where task_id in (select task_id from worked) and state is not null
      ), calls as (
        update agent_calls set result = null
        where task_id in (select task_id from worked) and result is not null
      ), dropped as (
        insert into changes (kind, ids)
        select 'message', array_agg(id) from gone having count(*) > 0
      )
      ${walkStep(sql)}`,
  );
  return row;
});

/**
 * Drops the bodies and headers of up to `atOnce` messages that were stored longer than
 * `bodyRetentionDays` ago by the store's clock, what an agent said and was told of them, and what
 * was tried with them. What they became stays, and a digest by which a
 * repeat of one is still known for it. Not of those that can be worked again by themselves: failed
 * ones, and those whose task failed or is open; refused ones have their own bounds.
 *
 * @returns how many were dropped.
 */
export async function dropContents(
  database: Database,
  { bodyRetentionDays, retentionDays }: { bodyRetentionDays: number; retentionDays: number },
  atOnce: number,
): Promise<number> {
  // Then they go with their messages.
  if (bodyRetentionDays >= retentionDays) return 0;
  return await walk(database, bodyRetentionDays, atOnce);
}
