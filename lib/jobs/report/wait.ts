import { isAwaited } from "../../../sources/rules/glob.ts";
import type { Registry } from "../../../sources/rules/registry.ts";
import { readClock } from "../../store/clock.ts";
import type { Database } from "../../store/database.ts";
import { LATER_APART, NO_SUBJECT, type WaitLimits, whyNotOnceMore } from "../../task/wait.ts";
import type { WorkerMessage, WorkerNews } from "./inbox.ts";

const MINUTE_MS = 60_000;

/** What a worker waits for. */
export interface WorkerWait {
  /** Names of events, `*` is any text: whatever comes where there are none. */
  events: readonly string[];
  minutes: number;
}

/**
 * Those of a worker's messages that end its wait before it begins: what closes the subject, what is
 * waited for, and what was handed out and not seen.
 */
export function endsWait({ messages }: WorkerNews, { events }: WorkerWait): WorkerMessage[] {
  return messages.filter(({ isUnread, role, event }) =>
    !isUnread || role === "closes" || isAwaited(events, event)
  );
}

/**
 * Why a task may not wait for the next message about the same, in words; undefined where it may. The
 * rules are those of the model's tool `wait_for_event`.
 */
export async function whyNoWait(
  database: Database,
  { sources, limitsOf }: { sources: Registry; limitsOf(source: string): WaitLimits },
  { id, isClosed, minutes }: { id: string; isClosed: boolean; minutes: number },
): Promise<string | undefined> {
  if (isClosed) return "what it is about is closed";
  const [row] = await database.query(
    "look whether a task may wait",
    (sql) =>
      sql<{ webhook_type: string; verified: boolean; has_subject: boolean; waits: number }[]>`
      select m.webhook_type, m.verification = 'verified' as verified,
        t.subject_id is not null as has_subject,
        (select count(*)::int from task_events e
          where e.task_id = t.id and e.kind = 'waiting_event' and e.at > coalesce((
            select max(r.at) from task_events r
            where r.task_id = t.id and r.kind = 'retried'), '-infinity')) as waits
      from tasks t join messages m on m.id = t.message_id where t.id = ${id}`,
  );
  if (!row) return "it is gone";
  const { name } = sources.find(row.webhook_type);
  const { later } = sources.settingsOf(name);
  if (later !== "continue") return LATER_APART;
  if (!row.has_subject) return NO_SUBJECT;
  if (!row.verified) return "no signature vouches for its message";
  return await whyNotOnceMore(database, { waits: row.waits, minutes }, limitsOf(name));
}

/** The end of a wait that begins now, by the store's clock. */
export async function waitUntil(database: Database, { minutes }: WorkerWait): Promise<string> {
  const { now } = await readClock(database);
  return new Date(now.getTime() + minutes * MINUTE_MS).toISOString();
}
