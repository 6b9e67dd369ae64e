import type { Subject, SubjectRole } from "../../../sources/subject.ts";
import type { Database } from "../../store/database.ts";
import { idArray } from "../../store/stored.ts";
import { type TaskPhase, taskPhase } from "../search/phase.ts";

/** What a message is about, as it is written down with it. */
export interface MessageSubject {
  /** Of the source's name and the name in the URL: see `sources/rules/subject/subject.ts`. */
  source: string;
  key: string;
  role: SubjectRole;
  name?: string;
  link?: string;
  /** By the sender's clock, in milliseconds since 1970. */
  at?: number;
  lasts?: boolean;
  aliases: readonly string[];
  joins: readonly string[];
  joinedRole?: SubjectRole;
  verified: boolean;
  /** A person told it once more: it is no news, and neither opens nor closes anything. */
  isRetold?: boolean;
}

/** A message's subject, with whose it is and what is known of the message. */
export function toMessageSubject(
  subject: Subject | undefined,
  of: Pick<MessageSubject, "source" | "verified" | "isRetold">,
): MessageSubject | undefined {
  return subject && { aliases: [], joins: [], ...subject, ...of };
}

/** What a message or a task is about, as it stands with it. */
export interface SubjectRef {
  id: string;
  key: string;
  name: string | null;
  link: string | null;
}

/** The SQL of a {@link SubjectRef}, null where there is none; `of` is the column with its id. */
export const subjectRef = (of: string) =>
  `(select jsonb_build_object('id', about.id, 'key', about.key, 'name', about.name,
    'link', about.link) from subjects about where about.id = ${of})`;

/** What messages are about, as the API shows it. */
export interface ToldSubject extends SubjectRef {
  source: string;
  /** Whether a verified message has told of it. */
  verified: boolean;
  state: "open" | "closed" | "stopped";
  first_at: Date;
  last_at: Date;
  closed_at: Date | null;
  /** Of the task that later messages go to, while it is open. */
  phase: TaskPhase | null;
  /** Why no task is made of its messages, where it was stopped. */
  stopped_why: string | null;
  /** Of each at most {@link MOST_COUNTED}. */
  messages: number;
  tasks: number;
}

/** More are not counted one by one. */
export const MOST_COUNTED = 10_000;

const columns = `s.id, s.source, s.key, s.name, s.link, s.verified,
  case when s.stopped_at is not null then 'stopped' when s.closed_at is null then 'open'
    else 'closed' end as state,
  s.first_at, s.last_at, s.closed_at, s.stopped_why,
  (select ${taskPhase("t.")} from tasks t where t.id = s.open_task and t.open) as phase,
  (select count(*)::int from (select from messages m where m.subject_id = s.id
    limit ${MOST_COUNTED}) c) as messages,
  (select count(*)::int from (select from tasks t where t.subject_id = s.id
    limit ${MOST_COUNTED}) c) as tasks`;

/** The named subjects, in no order. */
export async function findSubjects(
  database: Database,
  ids: readonly string[],
): Promise<ToldSubject[]> {
  if (ids.length === 0) return [];
  return await database.query("find subjects", (sql) =>
    sql<ToldSubject[]>`
      select ${sql.unsafe(columns)} from subjects s where s.id = any(${idArray(ids)}::uuid[])`);
}

export async function readSubject(
  database: Database,
  id: string,
): Promise<ToldSubject | undefined> {
  return (await findSubjects(database, [id]))[0];
}

/** The subject with a key, if anything was told of it, and whether a task about it is open. */
export async function findSubjectByKey(
  database: Database,
  { source, key }: { source: string; key: string },
): Promise<{ id: string; name: string | null; is_worked: boolean } | undefined> {
  const [row] = await database.query(
    "find a subject",
    (sql) =>
      sql<{ id: string; name: string | null; is_worked: boolean }[]>`
      select id, name, exists (select from tasks where id = open_task and open) as is_worked
      from subjects where source = ${source} and key = ${key}`,
  );
  return row;
}

/** The subject that a message or a task is about; undefined where it is about none. */
export async function readSubjectOf(
  database: Database,
  { table, id }: { table: "messages" | "tasks"; id: string },
): Promise<ToldSubject | undefined> {
  const [row] = await database.query("read what it is about", (sql) =>
    sql<ToldSubject[]>`
      select ${sql.unsafe(columns)} from subjects s
      where s.id = (select subject_id from ${sql.unsafe(table)} where id = ${id})`);
  return row;
}

/** Removes a subject with the last message that told of it: its key may be a person's number. */
export async function forgetIfUntold(database: Database, id: string): Promise<void> {
  await database.query("forget a subject", (sql) =>
    sql`
      with gone as (
        -- Whoever tells of it meanwhile changes the row, whose messages are not seen here yet.
        delete from subjects s using (select id, last_at from subjects where id = ${id}) seen
        where s.id = seen.id and s.last_at = seen.last_at
          and not exists (select from messages where subject_id = s.id)
          and not exists (select from tasks where subject_id = s.id)
        returning s.source, s.key
      )
      delete from subject_aliases a using gone where a.source = gone.source and a.key = gone.key`);
}

/** A commit is the head of a pull request for days, seldom for weeks. */
const ALIAS_DAYS = 30;

/** Removes aliases that nobody has named for a month; at most `limit`. */
export async function forgetAliases(database: Database, limit: number): Promise<number> {
  const rows = await database.query("forget old aliases", (sql) =>
    sql`
      delete from subject_aliases where (source, alias, key) in (
        select source, alias, key from subject_aliases
        where seen_at < now() - make_interval(days => ${ALIAS_DAYS})
        order by seen_at limit ${limit} for update skip locked
      ) returning 1`);
  return rows.length;
}
