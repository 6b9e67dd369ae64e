import type { Database, Fragment, Sql } from "../store/database.ts";
import { newId } from "../store/id.ts";
import { storedJson, storedText } from "../store/stored.ts";

/** Who acts, under the name that they have now. */
export interface Actor {
  who: string;
  /** Where it is a person that Otto knows by name. */
  userId?: string;
  /** How they showed who they are; `none` where they did not. */
  proof: "token" | "session" | "link" | "local" | "slack" | "command" | "none";
  channel: "page" | "api" | "slack" | "command";
  clientIp?: string;
}

/** What somebody does. No payload's text and no secret stands in it. */
export interface Act {
  /** One word: "release". */
  act: string;
  /** One word for what it is done to: "message". */
  thing: string;
  /** Of those things; the first {@link MOST_IDS}. */
  ids?: readonly string[];
  /** A few facts more, such as how many and by which filter. */
  detail?: Record<string, unknown>;
  /** The method and the pattern of the route by which it was asked for. */
  route?: string;
}

/** What came of an act; `unknown` where whoever did it died, or lost the store, on the way. */
export const ACT_OUTCOMES = ["done", "refused", "failed", "unknown"] as const;
export type ActOutcome = typeof ACT_OUTCOMES[number];

/** As many as are acted on at once. */
const MOST_IDS = 1_000;
/** A uuid has 36 characters, names of sources fewer than 64. */
const MOST_ID = 100;
const MOST_DETAILS = 20;
/** A filter's text has 200 characters. */
const MOST_DETAIL = 300;
/** Whoever guesses from many addresses must not fill the disk. */
const MOST_REFUSED_SIGN_INS_AN_HOUR = 200;

/**
 * Does something in somebody's name. The audit log has it before it is tried, so that nothing is
 * done that is not in there; what came of it is noted after. Where the log cannot be written,
 * nothing is done.
 *
 * @param work does it, and says what came of it and, where it knows better by then, what it was.
 */
export async function recordAct<T>(
  database: Database,
  { actor, ...act }: Act & { actor: Actor },
  work: () => Promise<{ result: T; outcome: ActOutcome; status?: number; more?: Partial<Act> }>,
): Promise<T> {
  const id = newId();
  const { who, userId = null, proof, channel, clientIp = null } = actor;
  await database.query("begin an audit entry", (sql) =>
    sql`
      insert into audit (id, who, user_id, proof, channel, client_ip, act, thing, ids, detail, route)
      values (${id}, ${nameOf(who)}, ${userId}, ${proof}, ${channel}, ${clientIp}, ${act.act},
        ${act.thing}, ${idsOf(sql, act.ids)}, ${detailText(act.detail)}::text::jsonb,
        ${act.route ?? null})`);
  let done: Awaited<ReturnType<typeof work>>;
  try {
    done = await work();
  } catch (error) {
    await completeEntry(database, id, { outcome: "failed" }).catch(() => {});
    throw error;
  }
  const { result, more, ...end } = done;
  // It is done: that its outcome could not be noted is no reason to say it was not.
  await completeEntry(database, id, { ...end, more }).catch(() => {});
  return result;
}

async function completeEntry(
  database: Database,
  id: string,
  { outcome, status = null, more = {} }: {
    outcome: ActOutcome;
    status?: number | null;
    more?: Partial<Act>;
  },
): Promise<void> {
  await database.query("complete an audit entry", (sql) =>
    sql`
      update audit
      set outcome = ${outcome}, status = ${status}, act = coalesce(${more.act ?? null}, act),
        thing = coalesce(${more.thing ?? null}, thing),
        ids = ${more.ids ? idsOf(sql, more.ids) : sql`ids`},
        detail = detail || ${detailText(more.detail)}::text::jsonb
      where id = ${id}`);
}

/**
 * Notes that somebody tried to sign in and could not. There are only so many such entries an hour:
 * whoever guesses writes nothing more into the log, and the real ones stay in sight.
 */
export async function recordRefusedSignIn(
  database: Database,
  { clientIp, channel }: Pick<Actor, "clientIp" | "channel">,
): Promise<void> {
  await database.query("note a refused sign-in", (sql) =>
    sql`
      insert into audit (id, who, proof, channel, client_ip, act, thing, outcome, status)
      select ${newId()}, 'somebody', 'none', ${channel}, ${clientIp ?? null}, 'sign_in', 'session',
        'refused', 401
      where ${MOST_REFUSED_SIGN_INS_AN_HOUR} > (
        select count(*) from audit
        where at > now() - interval '1 hour' and act = 'sign_in' and outcome = 'refused')`);
}

/** Forgets the oldest entries from before a time; returns how many they were. */
export async function forgetAudit(
  database: Database,
  before: Date,
  most: number,
): Promise<number> {
  const rows = await database.query("forget old audit entries", (sql) =>
    sql`
      delete from audit where id in (
        select id from audit where at < ${before} order by at limit ${most})
      returning id`);
  return rows.length;
}

function nameOf(who: string): string {
  return storedText(who).slice(0, 200);
}

function idsOf(sql: Sql, ids: readonly string[] = []): Fragment {
  const given = [...new Set(ids)].slice(0, MOST_IDS).map((id) => id.slice(0, MOST_ID));
  return sql`array(select jsonb_array_elements_text(${storedJson(given)}::text::jsonb))`;
}

/** As JSON that is not large, whatever stands in it. */
function detailText(detail: Record<string, unknown> = {}): string {
  const facts = Object.entries(detail).filter(([, value]) => value !== undefined)
    .slice(0, MOST_DETAILS);
  return storedJson(Object.fromEntries(facts.map(([name, value]) => {
    const isPlain = typeof value === "number" || typeof value === "boolean" || value === null;
    if (isPlain) return [name, value];
    const text = typeof value === "string" ? value : JSON.stringify(value);
    return [name, text.slice(0, MOST_DETAIL)];
  })));
}
