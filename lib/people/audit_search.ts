import type { Database, Sql } from "../store/database.ts";
import { idArray } from "../store/stored.ts";
import { firstIdAt, isId } from "../store/id.ts";
import {
  findAlong,
  type FoundItems,
  idBounds,
  keyedWalk,
  likePattern,
  loadFound,
  type Walk,
} from "../store/walk.ts";
import type { Actor, ActOutcome } from "./audit.ts";

/** One act of a person, as the API shows it. */
export interface AuditEntry {
  id: string;
  at: Date;
  who: string;
  user_id: string | null;
  proof: Actor["proof"];
  channel: Actor["channel"];
  client_ip: string | null;
  act: string;
  thing: string;
  /** The things' ids, or their names where they have none. */
  ids: string[];
  detail: Record<string, unknown>;
  route: string | null;
  outcome: ActOutcome;
  /** What the request was answered with. */
  status: number | null;
}

/** What to look for; what is left out does not matter. */
export interface AuditSearch {
  /** A person's id, or a part of the name that whoever acted had. */
  who?: string;
  act?: string;
  /** A thing's id, or its name. */
  thing?: string;
  outcome?: ActOutcome;
  since?: Date;
  until?: Date;
  /** Only entries older than this id. */
  before?: string;
}

/** A process whose clock differs by more says so in health: ids are made by it, `at` by the store. */
const CLOCK_SLACK_MS = 10 * 60_000;

/** Entries that match, newest first. */
export async function searchAudit(
  database: Database,
  search: AuditSearch,
  limit: number,
): Promise<FoundItems<AuditEntry>> {
  const found = await findAlong(database, "search the audit log", (sql) => ({
    walks: [walkOf(sql, search)],
    columns: "at, who, user_id, act, ids, outcome",
    matches: matches(sql, search),
  }), { limit });
  return await loadFound(found, (ids) => findEntries(database, ids), ({ id }) => id);
}

/**
 * The newest acts that were done to a thing, alone or among others, newest first: who released this
 * message, who cancelled this task.
 *
 * @param thing its id, or its name.
 */
export async function listActsOn(
  database: Database,
  thing: string,
  limit: number,
): Promise<AuditEntry[]> {
  return (await searchAudit(database, { thing, outcome: "done" }, limit)).items;
}

function walkOf(sql: Sql, { who, act, thing, since, until, before }: AuditSearch): Walk {
  const range = {
    before: before?.toLowerCase(),
    from: since && firstIdAt(new Date(since.getTime() - CLOCK_SLACK_MS)),
    to: until && firstIdAt(new Date(until.getTime() + CLOCK_SLACK_MS)),
  };
  const from = sql`audit`;
  if (thing !== undefined) {
    // Few acts are done to one thing, and no index has them in their order.
    return {
      from: sql`(select * from audit where ids @> array[${thing}]::text[] offset 0) acts`,
      where: idBounds(sql, range),
      order: "id desc",
    };
  }
  if (who !== undefined && isId(who)) {
    return keyedWalk(sql, { from, column: "user_id", value: who, range });
  }
  if (act !== undefined) return keyedWalk(sql, { from, column: "act", value: act, range });
  return { from, where: idBounds(sql, range), order: "id desc" };
}

function matches(sql: Sql, { who, act, outcome, since, until }: AuditSearch) {
  const whose = who === undefined
    ? sql``
    : isId(who)
    ? sql`and user_id = ${who}`
    : sql`and who ilike ${likePattern(who)}`;
  return sql`true ${whose}
    ${act === undefined ? sql`` : sql`and act = ${act}`}
    ${outcome === undefined ? sql`` : sql`and outcome = ${outcome}`}
    ${since ? sql`and at >= ${since}` : sql``}
    ${until ? sql`and at <= ${until}` : sql``}`;
}

async function findEntries(database: Database, ids: readonly string[]): Promise<AuditEntry[]> {
  return await database.query("find audit entries", (sql) =>
    sql<AuditEntry[]>`
      select id, at, who, user_id, proof, channel, client_ip, act, thing, to_jsonb(ids) as ids, detail, route,
        outcome, status
      from audit where id = any(${idArray(ids)}::uuid[])`);
}
