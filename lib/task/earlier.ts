import { mayHear, mayHearAll } from "../message/subject/audience.ts";
import type { Database } from "../store/database.ts";

/** What is known of a task's subject from before it. */
export interface EarlierWork {
  /** The last tasks about it that have ended, newest first. */
  tasks: {
    id: string;
    title: string;
    status: "completed" | "failed" | "cancelled";
    finished_at: Date | null;
    /** What came of it, cut. */
    result: string | null;
    /** Whether what it says may come from what a sender must not learn: where nobody knows, it may. */
    private: boolean;
  }[];
  /** The titles of the messages before, newest first. */
  messages: string[];
}

const MOST_TASKS = 3;
const MOST_TITLES = 20;
/** A paragraph or two. */
const MOST_RESULT = 800;
/** So many of the subject's tasks are looked through for ones that have ended. */
const LOOKED_AT = 200;

/**
 * What earlier tasks about a task's subject came to, and which messages there were. Of tasks that
 * are trusted as much or more only: what a stranger has made a task say is not told to one whose
 * message somebody vouches for. Nor what fewer may read than may read what the task was told.
 */
export async function readEarlier(
  database: Database,
  { taskId, subjectId, verified }: { taskId: string; subjectId: string; verified: boolean },
): Promise<EarlierWork | undefined> {
  const [row] = await database.query("read what came before a task", (sql) =>
    sql<EarlierWork[]>`
      select
        (select coalesce(json_agg(json_build_object('id', id, 'title', title, 'status', status,
            'finished_at', finished_at, 'result', result, 'private', private) order by id desc), '[]')
          from (
            select t.id, t.title, t.status, t.finished_at,
              left(coalesce(t.result_text, t.error_message), ${MOST_RESULT}) as result,
              case
                -- Made without a model, or by a worker of whom nobody knows what it has read.
                when r.task_id is null then coalesce(t.result_text, t.error_message) is not null
                  and t.result_data->>'agent' is distinct from 'digest'
                -- It failed before its first step.
                when r.state is null and t.status = 'failed' then false
                else coalesce(r.state->'private', t.result_data->'private')
                  is distinct from 'false'::jsonb
              end as private
            from (select * from tasks where subject_id = ${subjectId} and subject_id is not null
              and id < ${taskId} order by id desc limit ${LOOKED_AT}) t
            join messages m on m.id = t.message_id
            left join agent_runs r on r.task_id = t.id
            where t.status in ('completed', 'failed', 'cancelled')
              and (${!verified} or m.verification = 'verified') and ${
      mayHearAll(sql, taskId, sql`t.id`)
    }
            order by t.id desc limit ${MOST_TASKS}) ended) as tasks,
        (select coalesce(json_agg(title order by id desc), '[]')
          from (
            select m.id, m.title from messages m
            where m.subject_id = ${subjectId} and m.subject_id is not null and m.title is not null
              and m.id < (select message_id from tasks where id = ${taskId})
              and (${!verified} or m.verification = 'verified') and ${mayHear(sql, taskId)}
            order by m.id desc limit ${MOST_TITLES}) titles) as messages`);
  return row && row.tasks.length + row.messages.length > 0 ? row : undefined;
}
