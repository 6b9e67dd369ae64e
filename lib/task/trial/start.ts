import { CONTENTS, DROPPED } from "../../message/contents.ts";
import type { Database } from "../../store/database.ts";
import { newId } from "../../store/id.ts";
import { storedJson } from "../../store/stored.ts";

/** So many of one message are open at once: each costs what a task does. */
export const MOST_OPEN_TRIALS = 3;
/** So many of one message are kept; the oldest that have ended go. */
const MOST_KEPT_TRIALS = 20;
/** So many are open in all: a mistake in a script must not spend a day's budget. */
export const MOST_OPEN_IN_ALL = 60;
/** So many messages of a source are tried at once: as many as a person looks through. */
export const MOST_BATCH = 20;
/** Whoever tries something looks at it soon: what has not ended by then fails. */
const TRIAL_MINUTES = 30;

/** What is tried. */
export interface TrialOrder {
  /** Null is the source's own. */
  instruction: string | null;
  /** Null are the source's own. */
  tools: readonly string[] | null;
  /** Such as `openai/gpt-5-mini`. */
  model: string;
  requestedBy: string;
}

/** Which messages it is tried with: their ids and what their source is called today. */
export type TriedMessage = { id: string; source: string };

/**
 * Begins a trial with each of these messages, where that is possible: not with one that is gone,
 * that was refused, whose contents were dropped, or that has {@link MOST_OPEN_TRIALS} open ones;
 * and none while {@link MOST_OPEN_IN_ALL} are open.
 *
 * @returns which were begun, by their messages' ids.
 */
export async function startTrials(
  database: Database,
  messages: readonly TriedMessage[],
  { order: { instruction, tools, model, requestedBy }, batchId }: {
    order: TrialOrder;
    /** Of those that are begun together. */
    batchId?: string;
  },
): Promise<Map<string, string>> {
  const asked = messages.map(({ id, source }) => ({ id: newId(), message_id: id, source }));
  const rows = await database.query(
    "begin trials",
    (sql) =>
      sql<{ id: string; message_id: string }[]>`
      with asked as (
        select a.* from jsonb_to_recordset(${storedJson(asked)}::text::jsonb)
          as a(id uuid, message_id uuid, source text)
        join messages m on m.id = a.message_id ${sql.unsafe(CONTENTS)}
        where m.state <> 'rejected' and not ${sql.unsafe(DROPPED)}
          and (select count(*) from trials where slot is not null) <= ${
        MOST_OPEN_IN_ALL - asked.length
      }::int
      ), begun as (
        insert into trials (id, message_id, source, batch_id, instruction, tools, model,
          requested_by, slot, deadline_at)
        select a.id, a.message_id, a.source, ${batchId ?? null}::uuid, ${instruction}::text,
          ${tools === null ? null : storedJson(tools)}::text::jsonb, ${model}::text,
          ${requestedBy}::text, free.slot, now() + make_interval(mins => ${TRIAL_MINUTES})
        from asked a cross join lateral (
          select s.slot from generate_series(1, ${MOST_OPEN_TRIALS}::int) as s(slot)
          where not exists (
            select from trials t where t.message_id = a.message_id and t.slot = s.slot)
          order by s.slot limit 1) free
        on conflict do nothing
        returning id, message_id
      ), gone as (
        delete from trials where id in (
          select t.id from begun b cross join lateral (
            select id from trials where message_id = b.message_id and slot is null
            order by id desc offset ${MOST_KEPT_TRIALS - MOST_OPEN_TRIALS}) t)
      )
      select id, message_id from begun`,
  );
  return new Map(rows.map((row) => [row.message_id, row.id]));
}
