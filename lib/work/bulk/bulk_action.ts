import type { Actor } from "../../people/audit.ts";
import type { Database, Fragment, Sql } from "../../store/database.ts";
import { newId } from "../../store/id.ts";
import { storedJson } from "../../store/stored.ts";

/** What can be done to many things at once, and to which. */
export const BULK_THINGS = {
  release: "message",
  replay: "message",
  delete: "message",
  retry: "task",
  cancel: "task",
  read: "notification",
} as const;
export type BulkVerb = keyof typeof BULK_THINGS;
export const BULK_VERBS = Object.keys(BULK_THINGS) as BulkVerb[];

/** `ready` waits for a person's yes; `cancelling` ends with the batch in hand. */
export const BULK_STATES = [
  "preparing",
  "ready",
  "working",
  "cancelling",
  "cancelled",
  "done",
] as const;

/** Why some were left as they are. */
export interface BulkError {
  code: string;
  message: string;
  count: number;
  /** The first of them. */
  ids: string[];
}

/** An act on many things, and how far it has come. */
export interface BulkAction {
  id: string;
  action: BulkVerb;
  state: typeof BULK_STATES[number];
  filter: Record<string, string>;
  actor: string;
  total: number;
  done: number;
  failed: number;
  left: number;
  /** How many of each source were meant, most first. */
  parts: BulkPart[];
  errors: BulkError[];
  created_at: Date;
  started_at: Date | null;
  finished_at: Date | null;
}

/** How many there are of one source; of notifications, of one kind. */
export interface BulkPart {
  source: string;
  webhook_type: string;
  count: number;
}

const COLUMNS = `id, action, state, filter, actor, total, done, failed,
  total - done - failed as left, parts, errors, created_at, started_at, finished_at`;

/** So many may be prepared, wait or be worked at once: each may have a million rows. */
const MOST_OPEN = 10;

/** One that has no rows yet; undefined when there are too many that have not ended. */
export async function createBulkAction(
  database: Database,
  { action, filter, actor }: Pick<BulkAction, "action" | "filter" | "actor">,
): Promise<string | undefined> {
  const id = newId();
  const rows = await database.query("prepare a bulk action", (sql) =>
    sql`
      insert into bulk_actions (id, action, filter, actor, state)
      select ${id}, ${action}, ${storedJson(filter)}::text::jsonb, ${actor}, 'preparing'
      where (select count(*) from bulk_actions where finished_at is null) < ${MOST_OPEN}
      returning id`);
  return rows.length > 0 ? id : undefined;
}

/** Says what was fixed; with `startedBy` it starts without asking a person first. */
export async function setPrepared(
  database: Database,
  { id, total, parts, startedBy }: Pick<BulkAction, "id" | "total" | "parts"> & {
    startedBy?: Actor;
  },
): Promise<void> {
  await database.query("say that a bulk action is ready", (sql) =>
    sql`
      update bulk_actions
      set state = ${startedBy ? "working" : "ready"}, total = ${total},
        started_by = ${startedBy ? storedJson(startedBy) : null}::text::jsonb,
        parts = ${storedJson(parts)}::text::jsonb
      where id = ${id} and state = 'preparing'`);
}

/** A person's yes; false when it was said before, or is too late. */
export async function startBulkAction(
  database: Database,
  { id, actor, startedBy }: Pick<BulkAction, "id" | "actor"> & { startedBy: Actor },
): Promise<boolean> {
  const rows = await database.query("start a bulk action", (sql) =>
    sql`
      update bulk_actions
      set state = 'working', actor = ${actor}, started_by = ${storedJson(startedBy)}::text::jsonb
      where id = ${id} and state = 'ready' returning id`);
  return rows.length > 0;
}

/**
 * Ends it, behind the batch that somebody has in hand; what was done stays. False when it has
 * ended.
 */
export async function cancelBulkAction(database: Database, id: string): Promise<boolean> {
  const rows = await database.query("cancel a bulk action", (sql) =>
    sql`
      with ended as (
        update bulk_actions
        set state = case when lease_until > now() then 'cancelling' else 'cancelled' end,
          finished_at = case when lease_until > now() then null else now() end
        where id = ${id} and finished_at is null returning *
      ), noted as (${noteEnd(sql, "ended")})
      select id from ended`);
  return rows.length > 0;
}

/**
 * The part of a statement that notes in the audit log what came of a bulk action that has ended, in
 * the name of whoever started it: in the statement that ends it, so that none ends without. `from`
 * names a part that returns whole rows of bulk actions, one at most; one that goes on, or that
 * nobody has started, is not noted.
 */
export function noteEnd(sql: Sql, from: string): Fragment {
  const things = sql`case action ${
    Object.entries(BULK_THINGS).map(([action, thing]) => sql`when ${action} then ${thing} `)
  } else action end`;
  return sql`
    insert into audit (id, who, user_id, proof, channel, client_ip, act, thing, ids, detail, outcome)
    select ${newId()}, started_by->>'who', (started_by->>'userId')::uuid, started_by->>'proof',
      started_by->>'channel', started_by->>'clientIp', action, ${things}, array[id::text],
      jsonb_build_object('ended', state, 'count', total, 'done', done, 'failed', failed,
        'left', total - done - failed),
      case when done = 0 and failed > 0 then 'failed' else 'done' end
    from ${sql.unsafe(from)} where finished_at is not null and started_by is not null`;
}

export async function readBulkAction(
  database: Database,
  id: string,
): Promise<BulkAction | undefined> {
  const [row] = await database.query(
    "read a bulk action",
    (sql) => sql<BulkAction[]>`select ${sql.unsafe(COLUMNS)} from bulk_actions where id = ${id}`,
  );
  return row;
}

/** Newest first; `before` is the last id of the page before. */
export async function listBulkActions(
  database: Database,
  { limit, before = null }: { limit: number; before?: string | null },
): Promise<BulkAction[]> {
  return await database.query("list bulk actions", (sql) =>
    sql<BulkAction[]>`
      select ${sql.unsafe(COLUMNS)} from bulk_actions
      where ${before}::uuid is null or id < ${before}::uuid order by id desc limit ${limit}`);
}
