import type { Database, Sql } from "../store/database.ts";

/** A task that a person has to answer, or to decide on. */
export interface OpenQuestion {
  task_id: string;
  title: string;
  question: string;
  /** Which question that is: an answer to it is none to the next one. */
  question_id: number;
  /** It asks for a person's word on a tool's call, which is read on the task's page. */
  needs_decision: boolean;
}

/** What has happened to several messages for one reason. */
export interface Trouble {
  kind: "refused" | "failed";
  webhook_type: string;
  /** In the words of one of them. */
  reason: string;
  count: number;
  since: Date;
  /** The newest of them, up to {@link MOST_NAMED}. */
  message_ids: string[];
}

/** What waits for a person, the most important first. */
export interface Needs {
  questions: OpenQuestion[];
  troubles: Trouble[];
}

/** A person answers one after the other. */
const MOST_QUESTIONS = 10;
/** What is older was seen, or is nobody's any more: the lists have it. */
const HOURS = 24;
/** The newest are looked at: a flood of failures has few reasons. */
const LOOKED_AT = 1_000;
const MOST_TROUBLES = 10;
/** As many as an address can name. */
export const MOST_NAMED = 50;

/** What is another number or id each time, in an otherwise equal reason. */
const VARYING = "'[0-9a-fA-F]{8,}|[0-9]+'";

/** Reads what waits for a person: open questions, and the day's refusals and failures by their reasons. */
export async function readNeeds(database: Database): Promise<Needs> {
  const [questions, troubles] = await Promise.all([
    database.query("read open questions", selectQuestions),
    database.query("read the day's troubles", selectTroubles),
  ]);
  return { questions: [...questions], troubles: [...troubles] };
}

const selectQuestions = (sql: Sql) =>
  sql<OpenQuestion[]>`
    select t.id as task_id, t.title, coalesce(t.question, '') as question, t.epoch as question_id,
      exists (select from approvals a where a.task_id = t.id and a.state = 'pending'
        and a.expires_at > now()) as needs_decision
    from tasks t where t.open and t.status = 'waiting_input' order by t.id limit ${MOST_QUESTIONS}`;

const selectTroubles = (sql: Sql) =>
  sql<Trouble[]>`
    with day as (
      select now() - make_interval(hours => ${HOURS}) as began
    ), happened as (
      (select 'refused' as kind, m.webhook_type, m.id, m.stored_at as at,
        coalesce(m.reason, m.error, '') as reason
      from messages m where m.state = 'rejected' and m.stored_at > (select began from day)
      order by m.id desc limit ${LOOKED_AT})
      union all
      (select 'failed', m.webhook_type, m.id, m.settled_at, coalesce(m.error, '')
      from messages m where m.state = 'failed' and m.settled_at > (select began from day)
      order by m.settled_at desc nulls last limit ${LOOKED_AT})
      union all
      (select 'failed', m.webhook_type, m.id, t.finished_at, coalesce(t.error_message, t.error_code)
      from tasks t join messages m on m.id = t.message_id
      where t.error_code is not null and t.status = 'failed'
        and t.finished_at > (select began from day)
      order by t.finished_at desc nulls last limit ${LOOKED_AT})
    )
    select kind, webhook_type, max(reason) as reason, count(*)::int as count, min(at) as since,
      to_json((array_agg(id order by id desc))[1:${MOST_NAMED}::int]) as message_ids
    from happened
    group by kind, webhook_type, regexp_replace(reason, ${sql.unsafe(VARYING)}, '#', 'g')
    order by max(at) desc limit ${MOST_TROUBLES}`;
