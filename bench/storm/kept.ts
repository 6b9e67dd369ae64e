import type postgres from "postgres";
import type { Kept } from "./audit.ts";
import type { Cluster } from "./cluster.ts";
import { NUMBER_HEADER } from "./delivery.ts";

/** So many messages are read at a time. */
const PAGE = 5_000;

interface KeptRow {
  id: string;
  envelope: string;
  sha256: string;
  state: string;
  reason: string | null;
  attempts: number;
  claimed_at: Date | null;
  settled_at: Date | null;
  task: string | null;
  status: string | null;
  task_error: string | null;
  ended: number;
  told: number;
  sent: number;
}

/** A message or a task that a second worker took over: milliseconds since 1970. */
export interface TakenOver {
  /** When the first one had it. */
  claimed: number;
  at: number;
}

/** All that is kept, and when what a worker had to give up was done by another one. */
export interface AllKept {
  kept: Kept[];
  aliases: Map<string, string>;
  takenOver: TakenOver[];
}

/** Reads every message with its task, its timeline and its notifications, straight from the tables. */
export async function readKept(sql: postgres.Sql): Promise<AllKept> {
  const kept: Kept[] = [];
  const takenOver: TakenOver[] = [];
  for (let after = "00000000-0000-0000-0000-000000000000";;) {
    const rows = await sql<KeptRow[]>`
      with page as (
        select id, coalesce(c.envelope, m.envelope) as envelope, state,
          coalesce(error, reason) as reason, attempts, claimed_at, settled_at,
          encode(sha256(coalesce(c.body_bytes, m.body_bytes,
            convert_to(coalesce(c.body, m.body, ''), 'UTF8'))), 'hex') as sha256
        from messages m left join message_contents c on c.message_id = m.id
        where id > ${after} order by id limit ${PAGE}
      )
      select page.*, t.id as task, t.status,
        concat_ws(': ', t.error_code, t.error_message) as task_error,
        (select count(*)::int from task_events e where e.task_id = t.id
          and e.kind in ('completed', 'failed', 'cancelled')) as ended,
        n.told, n.sent
      from page left join tasks t on t.message_id = page.id
      left join lateral (
        select count(*)::int as told, count(*) filter (where state = 'sent')::int as sent
        from notifications n where n.task_id = t.id and n.channel = 'web'
          -- That nobody has started it for minutes is told, too, and is no outcome.
          and n.kind <> 'not_started'
      ) n on true
      order by page.id`;
    kept.push(...rows.map(toKept));
    for (const { attempts, claimed_at, settled_at } of rows) {
      if (attempts > 1 && claimed_at && settled_at) {
        takenOver.push({ claimed: claimed_at.getTime(), at: settled_at.getTime() });
      }
    }
    if (rows.length < PAGE) break;
    after = rows[rows.length - 1].id;
  }
  const again = await sql<{ claimed: Date; at: Date }[]>`
    select e.at, t.started_at as claimed from task_events e join tasks t on t.id = e.task_id
    where e.kind = 'taken_over'`;
  takenOver.push(
    ...again.map(({ claimed, at }) => ({ claimed: claimed.getTime(), at: at.getTime() })),
  );
  const aliases = await sql<{ alias: string; message_id: string }[]>`
    select alias, message_id from message_aliases`;
  return {
    kept,
    aliases: new Map(aliases.map(({ alias, message_id }) => [alias, message_id])),
    takenOver,
  };
}

function toKept({ id, envelope, sha256, state, reason, task, ...row }: KeptRow): Kept {
  const { delivery_id, headers } = JSON.parse(envelope) as {
    delivery_id: string | null;
    headers: [name: string, value: string][];
  };
  const number = headers.find(([name]) => name === NUMBER_HEADER)?.[1];
  return {
    messageId: id,
    number: number === undefined ? null : Number(number),
    deliveryId: delivery_id,
    sha256,
    state,
    reason,
    task: task === null ? null : {
      status: row.status!,
      error: row.task_error || null,
      ended: row.ended,
      told: row.told,
      sent: row.sent,
    },
  };
}

/** How much is still on its way, in both stores. */
export async function countUnfinished(
  { asAdmin, askRedis }: Pick<Cluster, "asAdmin" | "askRedis">,
): Promise<number> {
  const [row] = await asAdmin((sql) =>
    sql<{ count: number }[]>`
      select (select count(*) from messages where state = 'new')::int
        + (select count(*) from tasks where open)::int
        + (select count(*) from notifications where state = 'pending')::int as count`, "database");
  return row.count + Number(await askRedis("XLEN", "otto:spill"));
}

/** Whether a message is kept that came after a moment, in milliseconds since 1970: ids begin with it. */
export async function hasMessageSince(
  { asAdmin }: Pick<Cluster, "asAdmin">,
  since: number,
): Promise<boolean> {
  const digits = since.toString(16).padStart(12, "0");
  const id = `${digits.slice(0, 8)}-${digits.slice(8)}-7000-8000-000000000000`;
  const found = await asAdmin(
    (sql) => sql`select from messages where id > ${id} limit 1`,
    "database",
  );
  return found.length > 0;
}
