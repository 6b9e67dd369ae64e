import type { Database, Sql } from "../../store/database.ts";
import { timeOf } from "../../store/id.ts";

/** What has come from one source lately, by its one name. */
export interface SourceStats {
  name: string;
  /** Within the last 24 hours: messages that were accepted, that were refused and kept, and that or whose tasks failed. */
  taken: number;
  refused: number;
  failed: number;
  /** What was taken by the hour, the oldest of 24 first. */
  hours: number[];
  /** The newest that was accepted. */
  last: { message_id: string; at: Date } | undefined;
  /** What was refused and is kept; undefined where nothing is. */
  kept: {
    count: number;
    last_at: Date;
    /** Since when all of it is refused: the first one after the newest that was accepted. */
    since: Date | undefined;
  } | undefined;
}

const HOURS = 24;
/** The newest failures are looked at: a flood of them needs no exact number. */
const FAILURES = 1_000;
/** With many names it is many short looks into an index. */
const READ_MS = 10_000;
const FIRST = "00000000-0000-0000-0000-000000000000";
const LAST = "ffffffff-ffff-ffff-ffff-ffffffffffff";

/** What the URL calls a system that nobody knows; else its source. */
const NAME_OF_MESSAGE =
  `case m.source when 'generic' then lower(m.webhook_type collate "C") else m.source end`;
export const NAME_OF_ACTIVITY = "coalesce(nullif(name, ''), type)";

/** What has come from each of these sources: by what is counted as it happens, and by indexes. */
export async function readSourceStats(
  database: Database,
  names: readonly string[],
): Promise<SourceStats[]> {
  const rows = await database.query(
    "read what came from each source",
    (sql) =>
      sql<Row[]>`
      with asked as materialized (
        select jsonb_array_elements_text(${JSON.stringify(names)}::text::jsonb) as name
      ), newest as materialized (
        select name, greatest(of_source.id::text, of_name.id::text)::uuid as id from asked
        left join lateral (
          select id from messages m where (source, id) >= (asked.name, ${FIRST})
            and (source, id) <= (asked.name, ${LAST}) and state <> 'rejected'
          order by source desc, id desc limit 1) of_source on true
        left join lateral (
          select id from messages m where source = 'generic'
            and (lower(webhook_type collate "C"), id) >= (asked.name, ${FIRST})
            and (lower(webhook_type collate "C"), id) <= (asked.name, ${LAST})
            and state <> 'rejected'
          order by lower(webhook_type collate "C") desc, id desc limit 1) of_name on true
      ), kept as (
        select ${sql.unsafe(NAME_OF_MESSAGE)} as name, count(*)::int as count,
          max(m.stored_at) as last_at,
          min(m.stored_at) filter (where n.id is null or m.id > n.id) as since
        from messages m left join newest n on n.name = ${sql.unsafe(NAME_OF_MESSAGE)}
        where m.state = 'rejected' group by 1
      ), happened as (
        select name, ago, json_build_array(ago, sum(taken), sum(refused), sum(failed)) as hour
        from (${counted(sql)} union all ${failedTasks(sql)}) h group by name, ago
      )
      select name, newest.id as last, to_json(kept) as kept,
        (select json_agg(hour) from happened where happened.name = newest.name) as hours
      from newest left join kept using (name)`,
    READ_MS,
  );
  return rows.map(toStats);
}

interface Row {
  name: string;
  last: string | null;
  /** Times inside the server's JSON are texts. */
  kept: { count: number; last_at: string; since: string | null } | null;
  hours: [ago: number, taken: number, refused: number, failed: number][] | null;
}

function toStats({ name, last, kept, hours }: Row): SourceStats {
  const all = hours ?? [];
  const sum = (index: 1 | 2 | 3) => all.reduce((sum, hour) => sum + hour[index], 0);
  return {
    name,
    taken: sum(1),
    refused: sum(2),
    failed: sum(3),
    hours: Array.from(
      { length: HOURS },
      (_, index) => all.find(([ago]) => ago === HOURS - 1 - index)?.[1] ?? 0,
    ),
    last: last === null ? undefined : { message_id: last, at: timeOf(last) },
    kept: kept
      ? {
        count: kept.count,
        last_at: new Date(kept.last_at),
        since: kept.since ? new Date(kept.since) : undefined,
      }
      : undefined,
  };
}

const ago = (column: string) =>
  `least(${HOURS - 1}, greatest(0, floor(extract(epoch from now() - ${column}) / 3600)))::int`;

const counted = (sql: Sql) =>
  sql`
    select ${sql.unsafe(NAME_OF_ACTIVITY)} as name, ${sql.unsafe(ago("minute"))} as ago,
      case when kind = 'message' and state = 'received' then items else 0 end as taken,
      case when state = 'rejected' then items else 0 end as refused,
      case when state = 'failed' then items else 0 end as failed
    from activity where minute > now() - make_interval(hours => ${HOURS})`;

/** Failed tasks are counted by their sources: of what nobody knows it takes the message to tell. */
const failedTasks = (sql: Sql) =>
  sql`
    select lower(m.webhook_type collate "C"), ${sql.unsafe(ago("t.finished_at"))}, 0, 0, 1
    from (select message_id, source, finished_at from tasks
      where error_code is not null and status = 'failed'
        and finished_at > now() - make_interval(hours => ${HOURS})
      order by finished_at desc nulls last limit ${FAILURES}) t
    join messages m on m.id = t.message_id where t.source = 'generic'`;
