import type { Database, Sql } from "../../store/database.ts";
import { newId } from "../../store/id.ts";
import { idArray, storedJson, storedText } from "../../store/stored.ts";
import type { ToolCall, Turn } from "../model.ts";
import { type TaskLease, TaskLostError } from "./lease.ts";
import { settleLost, type Settlement, settling } from "../budget/settlement.ts";
import { beginningOf } from "../../../sources/kit/beginning.ts";

/** One tool call of a run, by its place: `run:step:index`. */
export interface PlacedCall extends ToolCall {
  key: string;
  /** The question of `ask_human` is out; what comes back is its result. */
  asked?: boolean;
  /** Until when `wait_for_event` waits, in ISO 8601, once it does. */
  until?: string;
}

/** How far an agent has come with a task; JSON, saved after every step. */
export interface RunState {
  /** The fence's random part, the same for the whole run. */
  boundary: string;
  turns: Turn[];
  /** How many model calls there were. */
  step: number;
  /** Calls of the newest step that are not completed yet. */
  pending: PlacedCall[];
  /** What came of those that are. */
  results: { id: string; tool: string; text: string }[];
  used: { inputTokens: number; outputTokens: number; toolCalls: number; ms: number };
  /** The input that a provider has counted last, of which model, and what we had thought of it. */
  known?: { tokens: number; estimated: number; model?: string };
  private: boolean;
  external: boolean;
  /** Model calls in a row without an answer, and when the first of them was. */
  failures: number;
  failingSince?: string;
  /** How many of the newest of them, in a row, may never mend. */
  doubts?: number;
  /** How many of them may have billed: the provider broke off. What it came to, last. */
  broken?: number;
  brokenBy?: string;
  /** Answers in a row that were none, and what the newest was (see `Fault`). */
  faults?: number;
  fault?: { again: boolean; reason: string };
  /** The model's last words, when it has ended without `finish`. */
  said?: string;
  /** Which budget was used up, if one was. */
  exhausted?: string;
  /** How often it has gone on after it was done or had waited, at which step last, and the tokens before. */
  rounds?: number;
  roundStep?: number;
  spent?: { inputTokens: number; outputTokens: number };
  /** Tokens of calls whose workers were lost: in all, and before this round. */
  lost?: number;
  lostBefore?: number;
  /** How often it has waited for an event. */
  waits?: number;
  /** The replies of which it was told that nobody gets them. */
  unsent?: string[];
  /** How many later messages the model was told of. */
  delivered?: number;
  /** What the task is about was closed: one last step. */
  closing?: boolean;
  /** It was open for too long when this turn began: one last step. */
  isAged?: boolean;
  /** What the newest step had as input, in tokens. */
  newestInput?: number;
  /** The next step begins a transcript anew: see `startAfresh`. */
  isLong?: boolean;
}

/** An entry of a task's timeline. */
export interface LoggedEvent {
  kind: string;
  data: Record<string, unknown>;
  /** What was said in it, which may repeat the payload: kept as long as the message's contents. */
  content?: string;
}

/** The most of that which is kept of one entry, in characters: some screens. */
export const MOST_CONTENT = 8_000;

/** A run as the last worker left it, with the answer that has come since. */
export interface LoadedRun {
  run: number;
  state: RunState | null;
  answer: string | null;
  /** What calls of this run may have used whose workers were lost, or that gave no answer. */
  lost: number;
  /** For how many days the task has been worked, waits among them. */
  days: number;
}

/**
 * Loads a run, and counts the call that its last worker has left behind.
 *
 * @param instruction what it is worked with now.
 * @param currency of what that has cost.
 */
export async function loadRun(
  database: Database,
  lease: TaskLease,
  { instruction, currency }: { instruction: string; currency?: string },
): Promise<LoadedRun> {
  const { taskId } = lease;
  await database.query(
    "begin a run",
    (sql) =>
      sql`
      insert into agent_runs as r (task_id, instruction)
      values (${taskId}, ${storedText(instruction)}::text)
      on conflict (task_id) do update set instruction = excluded.instruction
      where r.instruction is distinct from excluded.instruction`,
  );
  await settleLost(database, lease, currency);
  const [row] = await database.query(
    "load a run",
    (sql) =>
      sql<LoadedRun[]>`
      select r.run, r.state, t.answer, r.lost_tokens::float8 as lost,
        coalesce(extract(epoch from now() - t.started_at) / 86400, 0)::float8 as days
      from agent_runs r join tasks t on t.id = r.task_id
      where r.task_id = ${taskId}`,
  );
  if (!row) throw new TaskLostError();
  return row;
}

/** What a task's run was last worked with; null where nobody knows. */
export async function readInstruction(database: Database, taskId: string): Promise<string | null> {
  const [row] = await database.query(
    "read a run's instruction",
    (sql) =>
      sql<{ instruction: string | null }[]>`
      select instruction from agent_runs where task_id = ${taskId}`,
  );
  return row?.instruction ?? null;
}

/** The tasks row, locked, while this lease is the newest; nothing otherwise. */
export const ours = (sql: Sql, { taskId, epoch }: TaskLease) =>
  sql`select id from tasks where id = ${taskId} and epoch = ${epoch} and status = 'running'
    for update`;

/** Events as rows, for `insert into task_events`. */
export const eventRows = (sql: Sql, events: readonly LoggedEvent[]) =>
  sql`jsonb_to_recordset(${
    storedJson(events.map((event) => ({ id: newId(), ...event })))
  }::text::jsonb) as e(id uuid, kind text, data jsonb, content text)`;

/** How far a run has come, and what has happened in it. */
export interface SavedRun {
  state: RunState;
  events: readonly LoggedEvent[];
  /** The call that has just been made, if one was. */
  done?: { key: string; result: string };
  /** What the model has billed for the step. */
  settlement?: Settlement;
  /** The later messages that this state tells of, and up to where that is all there was. */
  delivered?: { ids: readonly string[]; news: number; step: number };
}

/**
 * Saves a run and what happened, in one statement.
 *
 * @throws {TaskLostError} when this lease is not the newest, or what it tells of was deleted: nothing was saved.
 */
export async function saveRun(
  database: Database,
  lease: TaskLease,
  { state, events, actor, done, settlement, delivered }: SavedRun & { actor: string },
): Promise<void> {
  const ids = delivered?.ids ?? [];
  const rows = await database.query("save a run", (sql) =>
    sql`
      with lease as (${ours(sql, lease)}),
      unread as (
        select i.message_id from task_inbox i join lease on lease.id = i.task_id
        where i.delivered_at is null and i.message_id = any(${idArray(ids)}::uuid[])
        for update of i
      ), task as (
        -- One of them was deleted meanwhile: nothing is kept that tells of it.
        select id from lease where (select count(*) from unread) = ${ids.length}::int
      ), heard as (
        -- An answer is part of the state from now on, and what has come this far since it lost a
        -- worker does not crash them: its tries are counted anew.
        update tasks t set answer = null, attempts = least(t.attempts, 1),
          read_news = greatest(t.read_news, ${delivered?.news ?? 0})
        from task where t.id = task.id and (t.answer is not null or t.attempts > 1
          or t.read_news < ${delivered?.news ?? 0})
      ), read as (
        update task_inbox i set delivered_at = now(), delivered_step = ${
      delivered?.step ?? null
    }::int
        from task where i.task_id = task.id and i.message_id = any(${idArray(ids)}::uuid[])
      ), saved as (
        update agent_runs r set state = ${storedJson(state)}::text::jsonb, updated_at = now()
        from task where r.task_id = task.id
      ), done as (
        update agent_calls c
        set state = 'done', result = ${storedJson(done?.result ?? null)}::text::jsonb,
          done_at = now()
        from task where c.task_id = task.id and c.key = ${done?.key ?? ""} and c.state = 'started'
      ), ${settling(sql, settlement, sql`exists (select from task)`)}, happened as materialized (
        select task.id as task_id, e.* from task, ${eventRows(sql, events)}
      ), noted as (
        insert into task_events (id, task_id, kind, actor, data)
        select id, task_id, kind, ${actor}::text, data from happened
      ), contents as (
        insert into task_event_contents (task_id, event_id, content)
        select task_id, id, content from happened where content <> ''
      ), changed as (
        insert into changes (kind, ids) select 'task', array[id] from task
      )
      select id from task`);
  if (rows.length === 0) throw new TaskLostError();
}

/** The most of a call's arguments that the timeline repeats, in characters: about a screen. */
const MOST_LOGGED = 2_000;

/** Arguments as the timeline shows them: whole unless they are long. */
export function shown(args: unknown): unknown {
  const text = JSON.stringify(args) ?? "null";
  return text.length > MOST_LOGGED ? beginningOf(text, MOST_LOGGED) : args;
}
