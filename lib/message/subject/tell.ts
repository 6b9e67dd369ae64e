import type { Database, Fragment, Sql } from "../../store/database.ts";
import { newId } from "../../store/id.ts";
import { storedJson } from "../../store/stored.ts";
import type { MessageSubject } from "./subject.ts";

/** A message with what it is about. */
export interface TellingMessage {
  messageId: string;
  subject: MessageSubject;
}

/** What several messages tell of one subject together. */
interface SubjectNews {
  id: string;
  /** The ids of those messages. */
  messages: string[];
  source: string;
  key: string;
  name?: string;
  link?: string;
  named_by?: string;
  verified: boolean;
  /** The senders' times of the newest opening and close among them. */
  opened_ms?: number;
  closed_ms?: number;
  /** Whether one of those openings lasts, whatever was closed after it had begun. */
  lasts: boolean;
  /** What the last of those did that opened or closed it. */
  ends?: "opens" | "closes";
  ended_by?: string;
  /** Where it was decided which task its messages go to: by which version, and to which. */
  version?: number;
  open_task?: string | null;
  /** Why no more tasks are made of it, where that was decided. */
  stopped?: string;
}

/** What was decided about the task of a subject's messages, by `source` and `key` as JSON. */
export type OpenTasks = ReadonlyMap<
  string,
  { version: number; openTask: string | null; stopped?: string }
>;

/** Under which a subject stands in maps. */
export function rowKey({ source, key }: { source: string; key: string }): string {
  return JSON.stringify([source, key]);
}

/** In the order in which they came; of a subject that has verified ones, only what those say. */
function newsOf(messages: readonly TellingMessage[], openTasks: OpenTasks): SubjectNews[] {
  const bySubject = Map.groupBy(
    messages.toSorted((one, other) => one.messageId < other.messageId ? -1 : 1),
    ({ subject }) => rowKey(subject),
  );
  return [...bySubject].map(([name, all]) => {
    const verified = all.filter(({ subject }) => subject.verified);
    const telling = verified.length > 0 ? verified : all;
    const { source, key } = all[0].subject;
    const news: SubjectNews = {
      id: newId(),
      messages: all.map(({ messageId }) => messageId),
      source,
      key,
      verified: verified.length > 0,
      lasts: telling.some(({ subject }) => subject.role === "opens" && subject.lasts),
    };
    for (const each of telling) addNews(news, each);
    const decided = openTasks.get(name);
    if (!decided) return news;
    const { version, openTask, stopped } = decided;
    return { ...news, version, open_task: openTask, stopped };
  });
}

function addNews(news: SubjectNews, { messageId, subject }: TellingMessage): void {
  const { role, name, link, at, lasts } = subject;
  if (subject.isRetold) {
    news.name ??= name;
    news.link ??= link;
    return;
  }
  if (name !== undefined) Object.assign(news, { name, named_by: messageId });
  news.link = link ?? news.link;
  const isOver = at !== undefined && !lasts && at < (news.closed_ms ?? -Infinity);
  if (role === "opens" && !isOver) {
    news.ends = "opens";
  } else if (role === "closes" && !(at !== undefined && at < (news.opened_ms ?? -Infinity))) {
    Object.assign(news, { ends: "closes", ended_by: messageId });
  }
  if (at === undefined) return;
  if (role === "opens") news.opened_ms = Math.max(at, news.opened_ms ?? 0);
  if (role === "closes") news.closed_ms = Math.max(at, news.closed_ms ?? 0);
}

/**
 * Parts of a statement with: `told` makes subjects of what messages are about, or says of those
 * there are what is new, and has their ids; `aliased` keeps their other keys. Rows are taken in
 * one order, as two workers may have the same ones.
 *
 * `told` leaves out a subject about whose task was decided by an older version, and one of which any
 * message is not among those `held`: a part of the statement before these, with their ids as `id`.
 */
export function tellSubjects(
  sql: Sql,
  messages: readonly TellingMessage[],
  { openTasks = new Map(), held }: { openTasks?: OpenTasks; held?: Fragment } = {},
): Fragment {
  const fresh = messages.filter(({ subject }) => !subject.isRetold);
  const aliases = fresh.flatMap(({ subject: { source, key, verified, at, aliases } }) =>
    aliases.map((alias) => ({ source, key, alias, verified, ms: at ?? null }))
  );
  return sql`
    news as (
      select * from jsonb_to_recordset(${
    storedJson(newsOf(messages, openTasks))
  }::text::jsonb) as n(
        id uuid, messages jsonb, source text, key text, name text, link text, named_by uuid, verified boolean,
        opened_ms float8, closed_ms float8, ends text, ended_by uuid, lasts boolean, version int,
        open_task uuid, stopped text)
    ), told as (
      insert into subjects as s (id, source, key, name, link, named_by, verified, opened_sent_at,
        closed_sent_at, closed_at, closed_by, open_task)
      select id, source, key, name, link, named_by, verified, to_timestamp(opened_ms / 1000),
        to_timestamp(closed_ms / 1000), case ends when 'closes' then now() end, ended_by, open_task
      from news where ${held ? allHeld(sql, held) : sql`true`} order by source, key
      on conflict (source, key) do update set (name, link, named_by, verified, last_at,
        opened_sent_at, closed_sent_at, closed_at, closed_by, open_task, version, stopped_at,
        stopped_why) = (
        select
          case when names then n.name else s.name end,
          case when names or s.link is null then coalesce(n.link, s.link) else s.link end,
          case when names then n.named_by else s.named_by end,
          s.verified or n.verified, now(),
          greatest(s.opened_sent_at, case when counts then n.opened_at end),
          greatest(s.closed_sent_at, case when counts then n.closed_at end),
          case when opens then null when closes then coalesce(s.closed_at, now())
            else s.closed_at end,
          case when opens then null when closes then coalesce(s.closed_by, n.ended_by)
            else s.closed_by end,
          case when n.version is null then s.open_task else n.open_task end,
          case when n.version is null then s.version else s.version + 1 end,
          case when n.stopped is null then s.stopped_at else now() end,
          coalesce(n.stopped, s.stopped_why)
        from (
          select n.*, n.counts and n.ends = 'opens'
              and (n.lasts or not coalesce(n.opened_at < s.closed_sent_at, false)) as opens,
            n.counts and n.ends = 'closes'
              and not coalesce(n.closed_at < s.opened_sent_at, false) as closes,
            n.counts and n.name is not null and (s.named_by is null or n.named_by > s.named_by
              or n.verified and not s.verified) as names
          from (
            -- What nobody vouches for moves nothing that somebody has vouched for.
            select news.*, news.verified or not s.verified as counts,
              to_timestamp(opened_ms / 1000) as opened_at,
              to_timestamp(closed_ms / 1000) as closed_at
            from news where news.id = excluded.id limit 1
          ) n
        ) n
      )
      where excluded.id in (select id from news where version is null)
        or (excluded.id, s.version) in (select id, version from news)
      returning s.id, s.source, s.key, s.name
    ), aliased as (
      insert into subject_aliases as a (source, alias, key, verified, sent_at)
      select g.source, g.alias, g.key, bool_or(g.verified),
        coalesce(max(to_timestamp(g.ms / 1000)), now())
      from jsonb_to_recordset(${storedJson(aliases)}::text::jsonb) as g(
          source text, alias text, key text, verified boolean, ms float8)
        join told on told.source = g.source and told.key = g.key
      group by 1, 2, 3 order by 1, 2, 3
      on conflict (source, alias, key) do update
      set sent_at = greatest(a.sent_at, excluded.sent_at), seen_at = now(),
        verified = a.verified or excluded.verified
    )`;
}

const allHeld = (sql: Sql, held: Fragment) =>
  sql`not exists (select from jsonb_array_elements_text(news.messages) as a(id)
    where a.id::uuid not in (select id from ${held}))`;

/** Writes down what messages are about that wait in a group: their rows stay as they are else. */
export async function tellOfGrouped(
  database: Database,
  messages: readonly TellingMessage[],
): Promise<void> {
  if (messages.length === 0) return;
  const rows = messages.map(({ messageId, subject: { source, key, role } }) => ({
    id: messageId,
    source,
    key,
    role,
  }));
  await database.query("say what messages are about", (sql) =>
    sql`
      with ${tellSubjects(sql, messages)}
      update messages m set subject_id = told.id, role = g.role
      from jsonb_to_recordset(${storedJson(rows)}::text::jsonb) as g(
          id uuid, messages jsonb, source text, key text, role text)
        join told on told.source = g.source and told.key = g.key
      where m.id = g.id and m.state = 'new'`);
}
