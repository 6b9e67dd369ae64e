import { WITHDRAWN_BY_AGE } from "../message/subject/withdrawal.ts";
import type { Database } from "../store/database.ts";
import { newId } from "../store/id.ts";
import { idArray, storedJson } from "../store/stored.ts";
import { NO_WAIT } from "./wait.ts";

/** One statement wakes so many; the next look wakes the rest. */
const AT_ONCE = 100;

/** How long the tasks of a source that continue may be open. */
export interface SourceAge {
  source: string;
  days: number;
}

/**
 * Wakes tasks that continue and have been open for too long, whatever they wait for, for their last
 * step. Their questions and approvals are withdrawn. Ring `bells.tasks`.
 *
 * @returns how many.
 */
export async function wakeAged(database: Database, ages: readonly SourceAge[]): Promise<number> {
  if (ages.length === 0) return 0;
  const events = Array.from({ length: AT_ONCE }, newId);
  const rows = await database.query("wake tasks that are open for too long", (sql) =>
    sql`
      with aged as (
        select t.id, t.status, row_number() over (order by t.id) as place from (
          select t.id, t.status from tasks t
            join jsonb_to_recordset(${storedJson(ages)}::text::jsonb) as g(source text, days int)
              on g.source = t.source
          where t.open and t.status in ('waiting_input', 'waiting_event') and t.job_state is null
            and t.subject_id is not null and t.started_at < now() - make_interval(days => g.days)
          order by t.id limit ${AT_ONCE} for update of t skip locked) t
      ), woken as (
        update tasks t
        set status = 'pending', attempts = 0, not_before = null, question = null,
          answer = case when aged.status = 'waiting_input' then ${WITHDRAWN_BY_AGE} end,
          ${sql.unsafe(NO_WAIT)}
        from aged where t.id = aged.id returning t.id, aged.place
      ), withdrawn as (
        update approvals a set state = 'withdrawn'
        from woken where a.task_id = woken.id and a.state in ('pending', 'approved')
      ), noted as (
        insert into task_events (id, task_id, kind, actor)
        select (${idArray(events)}::uuid[])[place], id, 'aged', 'otto' from woken
      ), changed as (
        insert into changes (kind, ids)
        select 'task', array_agg(id) from woken having count(*) > 0
      )
      select id from woken`);
  return rows.length;
}
