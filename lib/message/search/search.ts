import { createHash } from "node:crypto";
import type { Database, Sql } from "../../store/database.ts";
import { firstIdAt, isId } from "../../store/id.ts";
import { findMessages, type Message, type MessageState, type Verification } from "../message.ts";

/** What to look for among the messages; what is left out does not matter. */
export interface MessageSearch {
  /** "taken" is whatever was not refused. */
  state?: MessageState | "taken";
  /** Only replays made together: the first and the last id of them. */
  batch?: [from: string, to: string];
  /** A source, or a name in a webhook's URL. */
  source?: string;
  verification?: Verification;
  /** Only what came in after this. */
  since?: Date;
  /** In the title, the event, the sender's name or address; or a message's, a task's or a delivery's id. */
  text?: string;
  /** Only messages older than this id. */
  before?: string;
}

export interface MessageMatch {
  items: Message[];
  /** Where to go on; undefined when there is nothing older. */
  next?: string;
  /** Whether there may be more only because the search stopped after {@link WINDOW} messages. */
  stopped: boolean;
}

/**
 * One search looks through as many messages, and says so: however large the
 * table is, a question costs no more than this.
 */
export const WINDOW = 20_000;

/** Messages that match, newest first. `sources` are the names that a delivery's id may belong to. */
export async function searchMessages(
  database: Database,
  search: MessageSearch,
  { limit, sources }: { limit: number; sources: readonly string[] },
): Promise<MessageMatch> {
  const direct = await findByKey(database, search, sources);
  if (direct.length > 0) return { items: await inOrder(database, direct), stopped: false };
  const ids = (await database.query(
    "search messages",
    (sql) =>
      sql<{ id: string }[]>`
      select id from (${window(sql, search)}) recent
      where ${matches(sql, search)} order by id desc limit ${limit + 1}`,
  )).map(({ id }) => id);
  if (ids.length > limit) {
    const items = await inOrder(database, ids.slice(0, limit));
    return { items, next: ids[limit - 1], stopped: false };
  }
  const [end] = await database.query("find where a search stopped", (sql) =>
    sql<{ id: string }[]>`
      select id from messages where ${bounds(sql, search)}
      order by id desc offset ${WINDOW - 1} limit 1`);
  return { items: await inOrder(database, ids), next: end?.id, stopped: end !== undefined };
}

/** The ids of what matches, newest first, at most `most`; rejected ones are left out. */
export async function findRedeliverable(
  database: Database,
  search: MessageSearch,
  { most, upTo }: { most: number; upTo?: string },
): Promise<string[]> {
  const rows = await database.query(
    "find what to replay",
    (sql) =>
      sql<{ id: string }[]>`
      select id from (${window(sql, search)}) recent
      where ${matches(sql, search)} and state <> 'rejected'
        ${upTo ? sql`and id <= ${upTo}` : sql``}
      order by id desc limit ${most}`,
  );
  return rows.map(({ id }) => id);
}

function window(sql: Sql, search: MessageSearch) {
  return sql`
    select id, source, webhook_type, verification, state, title, event, envelope
    from messages where ${bounds(sql, search)} order by id desc limit ${WINDOW}`;
}

/** What an index answers. The state stands in the statement, for the sake of the partial ones. */
function bounds(sql: Sql, { state, batch, since, before }: MessageSearch) {
  return sql`true
    ${
    state === "taken"
      ? sql`and state <> 'rejected'`
      : state
      ? sql`and state = ${sql.unsafe(`'${state}'`)}`
      : sql``
  }
    ${batch ? sql`and id between ${batch[0]} and ${batch[1]} and replay_of is not null` : sql``}
    ${since ? sql`and id >= ${firstIdAt(since)}` : sql``}
    ${before ? sql`and id < ${before}` : sql``}`;
}

function matches(sql: Sql, { source, verification, text }: MessageSearch) {
  const like = text && `%${text.replace(/[\\%_]/g, "\\$&")}%`;
  const address = text && /^[\d.:a-f]{3,45}$/i.test(text) && `%"client_ip":"${text}%`;
  return sql`true
    ${source ? sql`and (source = ${source} or webhook_type = ${source})` : sql``}
    ${verification ? sql`and verification = ${verification}` : sql``}
    ${
    like
      ? sql`and (title ilike ${like} or event ilike ${like} or webhook_type ilike ${like}
          ${address ? sql`or envelope like ${address}` : sql``})`
      : sql``
  }`;
}

/** Ids are looked up, not searched for: a message's or its beginning, a task's, a delivery's. */
async function findByKey(
  database: Database,
  { text, before }: MessageSearch,
  sources: readonly string[],
): Promise<string[]> {
  if (!text || before) return [];
  const key = createHash("sha256").update(text).digest();
  const from = idFrom(text.toLowerCase(), "0");
  const to = idFrom(text.toLowerCase(), "f");
  const rows = await database.query("find a message by an id", (sql) =>
    sql<{ id: string }[]>`
      select id from messages
      where source = any(${`{${sources.map((name) => `"${name}"`).join(",")}}`}::text[])
        and delivery_key = ${key}
      ${
      from && to
        ? sql`
          union select id from messages where id between ${from} and ${to}
          union select message_id from tasks where id between ${from} and ${to}
          union select message_id from message_aliases where alias between ${from} and ${to}`
        : sql``
    }
      order by id desc limit 50`);
  return rows.map(({ id }) => id);
}

/** The first or last id that begins like this; undefined when none could. */
function idFrom(text: string, digit: "0" | "f"): string | undefined {
  if (!/^[0-9a-f]{8}[0-9a-f-]*$/.test(text)) return undefined;
  const hex = text.replaceAll("-", "");
  if (hex.length > 32) return undefined;
  const all = hex.padEnd(32, digit);
  const id = all.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  return isId(id) ? id : undefined;
}

async function inOrder(database: Database, ids: readonly string[]): Promise<Message[]> {
  if (ids.length === 0) return [];
  const found = new Map((await findMessages(database, ids)).map((each) => [each.message_id, each]));
  return ids.map((id) => found.get(id)).filter((each) => each !== undefined);
}
