import type { NeedKind } from "../../config/settings.ts";
import { MOST_IN_A_WINDOW } from "../../message/quarantine.ts";
import type { Database, Sql } from "../../store/database.ts";
import { listSilences, type Silence } from "../silence/silence.ts";

/** A tool's call that waits for a person's word. */
export interface OpenApproval {
  id: string;
  tool: string;
  /** Why the policy asks. */
  rule: string;
  /** Exactly what the tool would be called with; undefined where that is too long to be read here. */
  arguments?: unknown;
}

/** A task that a person has to answer, or to decide on. */
export interface OpenQuestion {
  task_id: string;
  webhook_type: string;
  title: string;
  question: string;
  /** Which question that is: an answer to it is none to the next one. */
  question_id: number;
  /** Since when it waits. */
  since: Date;
  /** What it asks a person's word for; empty where it wants an answer. */
  approvals: OpenApproval[];
}

/** What has happened to several messages for one reason. */
export interface Trouble {
  /** The same as long as it goes on, for {@link markSeen}. */
  key: string;
  kind: Extract<NeedKind, "refused" | "failed">;
  /** The one name that its system goes by, whatever the URL called it. */
  source: string;
  /** In the words of one of them. */
  reason: string;
  count: number;
  /** Whether there may be more than were counted: of a flood a part is looked at, or kept. */
  is_more: boolean;
  since: Date;
  /** When the latest of them came, as the store has it: text, since it is more exact than a `Date`. */
  latest: string;
  latest_at: Date;
  /** Whether somebody has seen it, and nothing came since. */
  seen: boolean;
  /** The newest of them, up to 50. */
  message_ids: string[];
}

/** A silence, and whether somebody has seen it. */
export interface SeenSilence extends Silence {
  key: string;
  seen: boolean;
}

/** What Otto itself has to say: it is in no list. */
export interface Notice {
  id: string;
  task_id: string | null;
  message_id: string | null;
  text: string;
  created_at: Date;
}

/** What waits for a person, the most important first. */
export interface Needs {
  /** The oldest first, up to ten. */
  questions: OpenQuestion[];
  /** How many more questions there are, up to a hundred in all. */
  more_questions: number;
  silences: SeenSilence[];
  troubles: Trouble[];
  /** The newest of them, up to ten. */
  notices: Notice[];
  /** How many more notices there are, up to a hundred in all. */
  more_notices: number;
  /** How many of all these need somebody who has not seen them: what the bell says. */
  count: number;
}

/** A person answers one after the other. */
const MOST_QUESTIONS = 10;
/** More are not counted one by one. */
export const MOST_COUNTED = 100;
/** What is older was seen, or is nobody's any more: the lists have it. */
const HOURS = 24;
/** The newest are looked at: a flood of failures has few reasons. */
export const LOOKED_AT = 1_000;
const MOST_TROUBLES = 10;
const MOST_NOTICES = 10;
/** As many as an address can name. */
const MOST_NAMED = 50;
/** Of a task's calls. */
const MOST_APPROVALS = 3;
/** What is approved is to be read: longer arguments are, on the task's page. */
const MOST_ARGUMENTS = 4_000;

/** What is another number or id each time, in an otherwise equal reason. */
const VARYING = "'[0-9a-fA-F]{8,}|[0-9]+'";
/** Outcomes of tasks and messages, as a list in SQL: these are in the lists, or among the troubles. */
const NO_NOTICE = "('completed', 'failed', 'waiting_input', 'message_failed')";

/** Reads what waits for a person: open questions, silent sources, the day's troubles by their reasons. */
export async function readNeeds(
  database: Database,
  { troubles: most = MOST_TROUBLES } = {},
): Promise<Needs> {
  const [questions, silences, troubles, notices] = await Promise.all([
    database.query("read open questions", selectQuestions),
    readSilences(database),
    database.query("read the day's troubles", (sql) => selectTroubles(sql, most)),
    database.query("read notices", selectNotices),
  ]);
  const asked = questions[0]?.asked ?? 0;
  const noticed = notices[0]?.noticed ?? 0;
  return {
    questions: questions.map(({ asked: _, approvals, ...question }) => ({
      ...question,
      approvals: approvals.map(({ arguments: given, ...approval }) => ({
        ...approval,
        ...given !== null && { arguments: JSON.parse(given) },
      })),
    })),
    more_questions: asked - questions.length,
    silences,
    troubles: [...troubles],
    notices: notices.map(({ noticed: _, ...notice }) => notice),
    more_notices: noticed - notices.length,
    count: Math.min(
      MOST_COUNTED,
      asked + silences.filter(isUnseenSilence).length +
        troubles.filter(({ seen }) => !seen).length + noticed,
    ),
  };
}

/** Whether a silence needs somebody who has not seen it. */
export const isUnseenSilence = ({ kind, seen }: Pick<SeenSilence, "kind" | "seen">): boolean =>
  kind !== "holiday" && !seen;

async function readSilences(database: Database): Promise<SeenSilence[]> {
  const silences = await listSilences(database);
  if (silences.length === 0) return [];
  const keys = silences.map(({ id }) => `silent:${id}`);
  const rows = await database.query("read who has seen silences", (sql) =>
    sql<{ key: string }[]>`
      select key from need_groups where key in ${sql(keys)} and seen_to is not null`);
  const seen = new Set(rows.map(({ key }) => key));
  return silences.map((each, at) => ({ ...each, key: keys[at], seen: seen.has(keys[at]) }));
}

type QuestionRow = Omit<OpenQuestion, "approvals"> & {
  asked: number;
  approvals: (Omit<OpenApproval, "arguments"> & { arguments: string | null })[];
};

const selectQuestions = (sql: Sql) =>
  sql<QuestionRow[]>`
    with asking as (
      select id, message_id, title, question, epoch, created_at from tasks
      where open and question is not null and status = 'waiting_input'
      order by id limit ${MOST_COUNTED}
    )
    select t.id as task_id, m.webhook_type, t.title, t.question, t.epoch as question_id,
      coalesce((select max(at) from task_events e
        where e.task_id = t.id and e.kind = 'waiting_input'), t.created_at) as since,
      (select count(*)::int from asking) as asked,
      coalesce((select json_agg(a) from (
        select id, tool, rule,
          case when length(arguments) <= ${MOST_ARGUMENTS} then arguments end as arguments
        from approvals where task_id = t.id and state = 'pending' and expires_at > now()
        order by id limit ${MOST_APPROVALS}) a), '[]') as approvals
    from asking t join messages m on m.id = t.message_id order by t.id limit ${MOST_QUESTIONS}`;

const selectNotices = (sql: Sql) =>
  sql<(Notice & { noticed: number })[]>`
    with notices as (
      select id, task_id, message_id, text, created_at from notifications
      where channel = 'web' and read_at is null and kind not in ${sql.unsafe(NO_NOTICE)}
      order by id desc limit ${MOST_COUNTED}
    )
    select notices.*, (select count(*)::int from notices) as noticed from notices
    order by id desc limit ${MOST_NOTICES}`;

/** A message's system as `sourceNameOf` calls it: aliases and letters' cases are no other one. */
export const nameIn = (sql: Sql) =>
  sql`case m.source when 'generic' then lower(m.webhook_type) else m.source end`;

const selectTroubles = (sql: Sql, most: number) =>
  sql<Trouble[]>`
    with day as (
      select now() - make_interval(hours => ${HOURS}) as began
    ), happened as (
      (select 'refused' as kind, ${nameIn(sql)} as source, m.id, m.stored_at as at,
        coalesce(m.reason, m.error, '') as reason
      from messages m where m.state = 'rejected' and m.stored_at > (select began from day)
      order by m.id desc limit ${LOOKED_AT})
      union all
      (select 'failed', ${nameIn(sql)}, m.id, m.settled_at, coalesce(m.error, '')
      from messages m where m.state = 'failed' and m.settled_at > (select began from day)
      order by m.settled_at desc nulls last limit ${LOOKED_AT})
      union all
      (select 'failed', ${nameIn(sql)}, m.id, t.finished_at, coalesce(t.error_message, t.error_code)
      from tasks t join messages m on m.id = t.message_id
      where t.error_code is not null and t.status = 'failed'
        and t.finished_at > (select began from day)
      order by t.finished_at desc nulls last limit ${LOOKED_AT})
    ), grouped as (
      select kind || ':' || source || ':' ||
          md5(regexp_replace(reason, ${sql.unsafe(VARYING)}, '#', 'g')) as key,
        kind, source, max(reason) as reason, count(*)::int as count, min(at) as since,
        max(at) as latest,
        to_json((array_agg(id order by id desc))[1:${MOST_NAMED}::int]) as message_ids
      from happened group by 1, 2, 3
      order by max(at) desc limit ${most}
    )
    select g.key, g.kind, g.source, g.reason, g.count,
      (select count(*) from happened h where h.kind = g.kind) >= ${LOOKED_AT}
        or g.kind = 'refused' and g.count >= ${MOST_IN_A_WINDOW} as is_more,
      g.since, g.latest::text as latest, g.latest as latest_at, g.message_ids,
      n.seen_to is not null and n.seen_to >= g.latest as seen
    from grouped g left join need_groups n using (key) order by g.latest desc`;
