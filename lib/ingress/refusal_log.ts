import { pause } from "../async/deadline.ts";
import { errorText, type Log } from "../process/log.ts";
import type { Database } from "../store/database.ts";
import { storedText } from "../store/stored.ts";

/** Why the gate refused a request. */
export interface Refused {
  code: string;
  message: string;
  hint: string;
}

/** The last refusal of a source, and how many there were. */
export interface SourceRefusal extends Refused {
  source: string;
  count: number;
  refused_at: Date;
}

/** What was refused, in numbers, and the latest of it. */
export interface RefusalStats {
  total: number;
  last_hour: number;
  /** By the code of the answer, such as `signature_mismatch`. */
  by_reason: Record<string, number>;
  /** By source: all types that nobody knows are `generic`. */
  by_type: Record<string, number>;
  recent: {
    webhook_type: string;
    status: number;
    reason: string;
    message: string;
    refused_at: Date;
  }[];
}

/** Keeps what the gate has refused, for the people who look for a wrong secret. */
export interface RefusalLog {
  /**
   * Never waits and never fails: a refusal is answered whether or not it can be written down.
   *
   * @param type as the sender wrote it.
   */
  note(source: string, refused: Refused & { status: number }, type: string): void;
}

/** A flood of forged requests must not become a flood of writes. */
const PACE_MS = 1_000;
/** As many of the latest as a person looks through. */
const RECENT = 20;

interface Pending {
  /** The last refusal of each source. */
  sources: Map<string, Refused & { count: number; at: string }>;
  /** How many of each source and code. */
  counts: Map<string, { source: string; code: string; count: number }>;
  recent: { type: string; status: number; code: string; message: string; at: string }[];
}

const nothing = (): Pending => ({ sources: new Map(), counts: new Map(), recent: [] });

/** However many requests are refused, the store is written to once a second. */
export function openRefusalLog(
  { database, log }: { database: Database; log: Log },
): RefusalLog {
  let pending = nothing();
  let writing = false;

  async function write(): Promise<void> {
    writing = true;
    while (pending.sources.size > 0) {
      const some = pending;
      pending = nothing();
      try {
        await keep(database, some);
      } catch (error) {
        log.debug("refusals.not_kept", { error: errorText(error) });
      }
      await pause(PACE_MS);
    }
    writing = false;
  }

  return {
    note(source, { status, code, message: said, hint }, type) {
      const at = new Date().toISOString();
      const message = storedText(said).slice(0, 500);
      pending.sources.set(source, {
        code,
        message,
        hint: storedText(hint).slice(0, 500),
        count: (pending.sources.get(source)?.count ?? 0) + 1,
        at,
      });
      const key = `${source} ${code}`;
      const count = (pending.counts.get(key)?.count ?? 0) + 1;
      pending.counts.set(key, { source, code, count });
      pending.recent.push({ type: storedText(type).slice(0, 64), status, code, message, at });
      if (pending.recent.length > RECENT) pending.recent.shift();
      if (!writing) void write();
    },
  };
}

/** Adds what was refused in the last second, and forgets minutes that nobody counts any more. */
async function keep(database: Database, { sources, counts, recent }: Pending): Promise<void> {
  // Sorted: two processes must take their locks in the same order.
  const rows = [...sources].map(([source, each]) => ({ source, ...each })).sort(bySource);
  const counted = [...counts.values()].sort(bySource);
  await database.query("keep what was refused", (sql) =>
    sql`
      with noted as (
        insert into source_refusals as s (source, code, message, hint, count, refused_at)
        select source, code, message, hint, count, at
        from jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb)
          as r(source text, code text, message text, hint text, count bigint, at timestamptz)
        on conflict (source) do update
        set code = excluded.code, message = excluded.message, hint = excluded.hint,
          count = s.count + excluded.count, refused_at = excluded.refused_at
      ), forgotten as (
        delete from refusal_counts
        where minute > '-infinity' and minute < now() - interval '2 hours'
      ), old as (
        delete from recent_refusals
        where id <= (select id from recent_refusals order by id desc offset ${RECENT} limit 1)
      ), latest as (
        insert into recent_refusals (webhook_type, status, code, message, refused_at)
        select type, status, code, message, at
        from jsonb_to_recordset(${JSON.stringify(recent)}::text::jsonb)
          as r(type text, status int, code text, message text, at timestamptz)
      )
      insert into refusal_counts as c (minute, source, code, count)
      select minute, source, code, count
      from jsonb_to_recordset(${JSON.stringify(counted)}::text::jsonb)
        as r(source text, code text, count bigint),
        (values ('-infinity'::timestamptz), (date_trunc('minute', now()))) as m(minute)
      order by minute, source, code
      on conflict (minute, source, code) do update set count = c.count + excluded.count`);
}

function bySource(one: { source: string }, other: { source: string }): number {
  return one.source < other.source ? -1 : one.source > other.source ? 1 : 0;
}

export async function listRefusals(database: Database): Promise<SourceRefusal[]> {
  const rows = await database.query(
    "list what was refused",
    (sql) =>
      sql<(Omit<SourceRefusal, "count"> & { count: string })[]>`
      select source, code, message, hint, count, refused_at from source_refusals`,
  );
  return rows.map((row) => ({ ...row, count: Number(row.count) }));
}

/** What was refused: of all time, of the last hour, and the latest twenty; by any process. */
export async function readRefusals(database: Database): Promise<RefusalStats> {
  const [counts, recent] = await Promise.all([
    database.query(
      "count what was refused",
      (sql) =>
        sql<{ source: string; code: string; total: number; last_hour: number }[]>`
        select source, code,
          coalesce(sum(count) filter (where minute = '-infinity'), 0)::float as total,
          coalesce(sum(count) filter (where minute > now() - interval '1 hour'), 0)::float
            as last_hour
        from refusal_counts group by source, code`,
    ),
    database.query("list the latest refusals", (sql) =>
      sql<RefusalStats["recent"]>`
        select webhook_type, status, code as reason, message, refused_at
        from recent_refusals order by id desc limit ${RECENT}`),
  ]);
  const sum = (name: "total" | "last_hour") => counts.reduce((all, each) => all + each[name], 0);
  const by = (key: "source" | "code") => {
    const found: Record<string, number> = {};
    for (const row of counts) found[row[key]] = (found[row[key]] ?? 0) + row.total;
    return Object.fromEntries(Object.entries(found).sort(([, one], [, other]) => other - one));
  };
  return {
    total: sum("total"),
    last_hour: sum("last_hour"),
    by_reason: by("code"),
    by_type: by("source"),
    recent,
  };
}
