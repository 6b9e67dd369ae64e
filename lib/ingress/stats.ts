import type { Database } from "../store/database.ts";
import { timeOf } from "../store/id.ts";

/** What has come from one source lately. */
export interface SourceStats {
  source: string;
  /** Within the last 24 hours. */
  received: number;
  failed: number;
  /** By the hour, the oldest of 24 first. */
  hours: number[];
  last: { message_id: string; at: Date };
  last_verified: { message_id: string; at: Date } | undefined;
}

/** Only as many messages are looked at, the newest. */
export const LOOKED_AT = 50_000;
/** A day, as the sparkline of a source shows it. */
const HOURS = 24;
/** Counting {@link LOOKED_AT} messages takes longer than the usual deadline allows on a slow disk. */
const STATS_MS = 10_000;

/** What has come from each source, among the latest {@link LOOKED_AT} messages. */
export async function readSourceStats(database: Database): Promise<SourceStats[]> {
  const rows = await database.query(
    "read what came from each source",
    (sql) =>
      sql<{
        source: string;
        ago: number;
        received: number;
        failed: number;
        last: string;
        last_verified: string | null;
      }[]>`
      select source, least(${HOURS}, greatest(0, floor(extract(epoch from now() - stored_at) / 3600)))::int as ago,
        count(*)::int as received, count(*) filter (where state = 'failed')::int as failed,
        max(id::text) as last,
        max(id::text) filter (where verification = 'verified') as last_verified
      from (select id, source, state, verification, stored_at from messages
        order by id desc limit ${LOOKED_AT}) recent
      group by 1, 2 order by 1, 2`,
    STATS_MS,
  );
  return [...Map.groupBy(rows, (row) => row.source)].map(([source, its]) => {
    const lately = its.filter(({ ago }) => ago < HOURS);
    const hours = Array.from(
      { length: HOURS },
      (_, index) => lately.find(({ ago }) => ago === HOURS - 1 - index)?.received ?? 0,
    );
    return {
      source,
      received: sum(lately.map((row) => row.received)),
      failed: sum(lately.map((row) => row.failed)),
      hours,
      last: placed(newest(its.map((row) => row.last))!),
      last_verified: placedIf(newest(its.map((row) => row.last_verified))),
    };
  });
}

function sum(numbers: number[]): number {
  return numbers.reduce((all, each) => all + each, 0);
}

function newest(ids: (string | null)[]): string | undefined {
  return ids.filter((id) => id !== null).toSorted().at(-1);
}

function placed(message_id: string): { message_id: string; at: Date } {
  return { message_id, at: timeOf(message_id) };
}

function placedIf(id: string | undefined) {
  return id === undefined ? undefined : placed(id);
}
