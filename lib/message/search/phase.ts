/**
 * One word for where a message stands, from the message and its task together (what a list shows,
 * a filter offers and a count counts). `waiting` is a task that was put off, until a provider is
 * there again.
 */
export const PHASES = [
  "queued",
  "held",
  "working",
  "waiting",
  "needs_you",
  "done",
  "failed",
  "cancelled",
  "filtered",
  "refused",
] as const;
export type Phase = typeof PHASES[number];

/** Those that a task can be in. */
export const TASK_PHASES = [
  "queued",
  "working",
  "waiting",
  "needs_you",
  "done",
  "failed",
  "cancelled",
] as const satisfies readonly Phase[];
export type TaskPhase = typeof TASK_PHASES[number];

/** The SQL of a task's phase, from `status` and `not_before`; `row` is what stands before them. */
export const taskPhase = (row: "" | "t.") =>
  `case ${row}status
    when 'pending' then case when ${row}not_before > now() then 'waiting' else 'queued' end
    when 'running' then 'working'
    when 'waiting_input' then 'needs_you'
    when 'waiting_event' then 'waiting'
    when 'completed' then 'done'
    else ${row}status end`;

/**
 * The SQL of a message's phase, from its columns `state`, `lease_until` and `task_id`. The task is
 * a question of its own for each row, so that no server reads all tasks for it.
 */
export const PHASE = `case state
    when 'new' then case when lease_until = 'infinity' then 'held' else 'queued' end
    when 'filtered' then 'filtered'
    when 'failed' then 'failed'
    when 'rejected' then 'refused'
    -- Without a task: another message, with which it shared one, was deleted.
    else coalesce((select ${taskPhase("t.")} from tasks t where t.id = task_id), 'done') end`;
