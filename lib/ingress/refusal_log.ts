import type { Database } from "../store/database.ts";
import { pause } from "../async/deadline.ts";
import { errorText, type Log } from "../process/log.ts";
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

/** Keeps what the gate has refused, for the people who look for a wrong secret. */
export interface RefusalLog {
  /** Never waits and never fails: a refusal is answered whether or not it can be written down. */
  note(source: string, refused: Refused): void;
}

/** A flood of forged requests must not become a flood of writes. */
const PACE_MS = 1_000;

/** However many requests are refused, the store is written to once a second. */
export function openRefusalLog(
  { database, log }: { database: Database; log: Log },
): RefusalLog {
  const pending = new Map<string, Refused & { count: number; at: string }>();
  let writing = false;

  async function write(): Promise<void> {
    writing = true;
    while (pending.size > 0) {
      const rows = [...pending].map(([source, each]) => ({ source, ...each }));
      pending.clear();
      try {
        await database.query("keep what was refused", (sql) =>
          sql`
            insert into source_refusals as s (source, code, message, hint, count, refused_at)
            select source, code, message, hint, count, at
            from jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb)
              as r(source text, code text, message text, hint text, count bigint, at timestamptz)
            on conflict (source) do update
            set code = excluded.code, message = excluded.message, hint = excluded.hint,
              count = s.count + excluded.count, refused_at = excluded.refused_at`);
      } catch (error) {
        log.debug("refusals.not_kept", { error: errorText(error) });
      }
      await pause(PACE_MS);
    }
    writing = false;
  }

  return {
    note(source, { code, message, hint }) {
      pending.set(source, {
        code,
        message: storedText(message).slice(0, 500),
        hint: storedText(hint).slice(0, 500),
        count: (pending.get(source)?.count ?? 0) + 1,
        at: new Date().toISOString(),
      });
      if (!writing) void write();
    },
  };
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
