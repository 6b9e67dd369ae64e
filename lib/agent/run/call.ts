import type { Database, Fragment, Sql } from "../../store/database.ts";
import { newId } from "../../store/id.ts";
import { storedJson } from "../../store/stored.ts";
import { APPROVAL_HOURS } from "../../task/approval.ts";
import { type TaskLease, TaskLostError } from "./lease.ts";
import type { Model } from "../model.ts";
import { eventRows, type LoggedEvent, ours } from "./run.ts";

/** Whose run it is: where it is written, under which lease and in whose name. */
export interface RunOwner {
  database: Database;
  assignment: TaskLease;
  model: Pick<Model, "name">;
}

/** What an approval is given for, and under which rules. */
interface ApprovalTerms {
  sha256: string;
  policyVersion: string;
}

/** What became of the wish to make a call. */
export type Start =
  | "started"
  /** It was made before; here is what came of it. */
  | { result: string }
  /** It was begun before, and its worker was lost. */
  | "unknown"
  /** It needs an approval, and there is none that fits. */
  | "refused";

/** A call that is about to be made. */
export interface StartingCall {
  key: string;
  tool: string;
  event: LoggedEvent;
  /** The approval that it needs, if it needs one. */
  terms?: ApprovalTerms;
}

/**
 * Writes down that a call is about to be made, and why it may be. Only after
 * that may it be made, and only once: the key is unique, and an approval is
 * used up in the same statement.
 *
 * @throws {TaskLostError}
 */
export async function startCall(
  { database, assignment: lease, model }: RunOwner,
  { key, tool, event, terms }: StartingCall,
): Promise<Start> {
  const [row] = await database.query(
    "start a tool call",
    (sql) =>
      sql<{ ours: boolean; started: boolean; state: string | null; result: string | null }[]>`
      with task as (${ours(sql, lease)}),
      before as (
        select c.state, c.result #>> '{}' as result from agent_calls c
        where c.task_id = ${lease.taskId} and c.key = ${key}
      ), used as (
        update approvals a set state = 'used' from task
        where a.task_id = task.id and a.key = ${key} and a.state = 'approved'
          and a.sha256 = ${terms?.sha256 ?? ""}
          and a.policy_version = ${terms?.policyVersion ?? ""}
          and a.tool = ${tool} and a.expires_at > now() and ${terms !== undefined}
        returning a.id
      ), started as (
        insert into agent_calls (task_id, key, tool, state)
        select task.id, ${key}, ${tool}, 'started' from task
        where ${terms === undefined} or exists (select from used)
        on conflict do nothing returning key
      ), noted as (
        insert into task_events (id, task_id, kind, actor, data)
        select e.id, ${lease.taskId}, e.kind, ${model.name}::text, e.data
        from started, ${eventRows(sql, [event])}
      )
      select exists (select from task) as ours, exists (select from started) as started,
        (select state from before), (select result from before)`,
  );
  if (!row.ours) throw new TaskLostError();
  if (row.started) return "started";
  if (row.state === "done") return { result: row.result ?? "" };
  return row.state === "started" ? "unknown" : "refused";
}

/**
 * The mark that a call was made, to be put beside its effect: `with once as
 * (${once(…)}), effect as (insert … select … from once)`. It gives one row the
 * first time and none ever after, so that the effect is made once.
 *
 * @param given what has to be so besides.
 */
export function once(
  sql: Sql,
  { taskId, epoch }: TaskLease,
  key: string,
  result: string,
  given: Fragment = sql`true`,
) {
  return sql`
    update agent_calls c
    set state = 'done', result = ${storedJson(result)}::text::jsonb, done_at = now()
    from tasks t
    where c.task_id = ${taskId} and c.key = ${key} and c.state = 'started'
      and t.id = c.task_id and t.epoch = ${epoch} and t.status = 'running'
      and ${given}
    returning c.task_id`;
}

/**
 * Asks people to decide on one call; what is asked, the timeline's entry and the
 * run are one statement.
 *
 * @throws {TaskLostError}
 */
export async function requestApproval(
  { database, assignment: lease, model }: RunOwner,
  { key, tool, args }: {
    key: string;
    tool: string;
    /** Canonical JSON. */
    args: string;
  },
  { sha256, policyVersion, rule }: ApprovalTerms & {
    /** Why people are asked. */
    rule: string;
  },
  event: LoggedEvent,
): Promise<void> {
  const rows = await database.query("request an approval", (sql) =>
    sql`
      with task as (${ours(sql, lease)}),
      requested as (
        insert into approvals
          (id, task_id, key, tool, arguments, sha256, rule, policy_version, expires_at)
        select ${newId()}, task.id, ${key}, ${tool}, ${args}, ${sha256}, ${rule},
          ${policyVersion}, now() + make_interval(hours => ${APPROVAL_HOURS}) from task
        on conflict (task_id, key) do nothing returning id
      ), noted as (
        insert into task_events (id, task_id, kind, actor, data)
        select e.id, ${lease.taskId}, e.kind, ${model.name}::text,
          e.data || jsonb_build_object('approval_id', requested.id)
        from requested, ${eventRows(sql, [event])}
      )
      select id from task`);
  if (rows.length === 0) throw new TaskLostError();
}

/** The state of the approval for a call, `expired` among them; undefined when none was asked for. */
export async function approvalState(
  database: Database,
  { taskId }: TaskLease,
  key: string,
): Promise<string | undefined> {
  const [row] = await database.query(
    "look for an approval",
    (sql) =>
      sql<{ state: string }[]>`
      select case when state in ('pending', 'approved') and expires_at <= now() then 'expired'
        else state end as state
      from approvals where task_id = ${taskId} and key = ${key}`,
  );
  return row?.state;
}
