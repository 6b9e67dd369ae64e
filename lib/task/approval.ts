import type { Database } from "../store/database.ts";
import { newId } from "../store/id.ts";

export const APPROVAL_STATES = [
  "pending",
  "approved",
  "denied",
  "expired",
  "withdrawn",
  "used",
] as const;

/** One tool call that waits, or waited, for a person's decision, as the API shows it. */
export interface Approval {
  id: string;
  task_id: string;
  tool: string;
  /** Exactly what the tool would be called with. */
  arguments: unknown;
  /** Why the policy asks. */
  rule: string;
  state: typeof APPROVAL_STATES[number];
  requested_at: Date;
  expires_at: Date;
  decided_by: string | null;
  decided_at: Date | null;
}

/** An approval that nobody decides on ends after this, as a refusal. */
export const APPROVAL_HOURS = 24;
/** One statement ends so many; the next look a few seconds later ends the rest. */
const EXPIRE_AT_ONCE = 100;

const columns = `id, task_id, tool, arguments, rule,
  case when state = 'pending' and expires_at <= now() then 'expired' else state end as state,
  requested_at, expires_at, decided_by, decided_at`;

type ApprovalRow = Omit<Approval, "arguments"> & { arguments: string };

function toApproval(row: ApprovalRow): Approval {
  return { ...row, arguments: JSON.parse(row.arguments) };
}

/** The approvals that a task's agent has asked for, oldest first. */
export async function listApprovals(database: Database, taskId: string): Promise<Approval[]> {
  const rows = await database.query("list approvals", (sql) =>
    sql<ApprovalRow[]>`
      select ${sql.unsafe(columns)} from approvals where task_id = ${taskId} order by id`);
  return rows.map(toApproval);
}

export async function readApproval(database: Database, id: string): Promise<Approval | undefined> {
  const [row] = await database.query(
    "read an approval",
    (sql) => sql<ApprovalRow[]>`select ${sql.unsafe(columns)} from approvals where id = ${id}`,
  );
  return row && toApproval(row);
}

/**
 * Takes a person's decision on a tool call. The task goes on either way; ring
 * `bells.tasks`. Only the first decision counts, and only while the task waits
 * and the approval has not expired.
 *
 * @param actor who decided, as the timeline shows them.
 * @returns the approval; undefined when there was nothing to decide.
 */
export async function decideApproval(
  database: Database,
  { id, decision, actor }: { id: string; decision: "approve" | "deny"; actor: string },
): Promise<Approval | undefined> {
  const state = decision === "approve" ? "approved" : "denied";
  const [row] = await database.query("decide on an approval", (sql) =>
    sql<ApprovalRow[]>`
      with asking as (
        -- Tasks before their approvals, as everybody takes them.
        select t.id from tasks t
        where t.id = (select task_id from approvals where id = ${id}) and t.status = 'waiting_input'
        for update
      ), decided as (
        update approvals a set state = ${state}, decided_by = ${actor}, decided_at = now()
        from asking
        where a.id = ${id} and a.state = 'pending' and a.expires_at > now()
          and a.task_id = asking.id
        returning a.*
      ), woken as (
        update tasks t
        set status = 'pending', attempts = 0, question = null, not_before = null
        from decided where t.id = decided.task_id and t.status = 'waiting_input'
        returning t.id
      ), noted as (
        insert into task_events (id, task_id, kind, actor, data)
        select ${newId()}, task_id, state, ${actor}::text,
          jsonb_build_object('approval_id', id, 'tool', tool, 'rule', rule) from decided
      ), changed as (
        insert into changes (kind, ids) select 'task', array[id] from woken
      )
      select ${sql.unsafe(columns)} from decided`);
  return row && toApproval(row);
}

/**
 * Ends approvals that nobody has decided on in time; their tasks go on without.
 *
 * @returns how many tasks wait for a worker now.
 */
export async function expireApprovals(database: Database): Promise<number> {
  const events = Array.from({ length: EXPIRE_AT_ONCE }, newId);
  const rows = await database.query("end old approvals", (sql) =>
    sql`
      with old as (
        select id, task_id, row_number() over (order by id) as place from approvals
        where state = 'pending' and expires_at <= now() order by id limit ${EXPIRE_AT_ONCE}
      ), asking as (
        select id from tasks where id in (select task_id from old) order by id for update
      ), expired as (
        update approvals a set state = 'expired', decided_at = now()
        from old join asking on asking.id = old.task_id
        where a.id = old.id and a.state = 'pending'
        returning a.id, a.task_id, a.tool, old.place
      ), woken as (
        update tasks t set status = 'pending', attempts = 0, question = null, not_before = null
        from expired where t.id = expired.task_id and t.status = 'waiting_input'
        returning t.id
      ), noted as (
        insert into task_events (id, task_id, kind, actor, data)
        select (${`{${events.join(",")}}`}::uuid[])[place], task_id, 'approval_expired', 'otto',
          jsonb_build_object('approval_id', id, 'tool', tool) from expired
      ), changed as (
        insert into changes (kind, ids)
        select 'task', array_agg(id) from woken having count(*) > 0
      )
      select id from woken`);
  return rows.length;
}
