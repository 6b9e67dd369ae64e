import type { Database } from "../../store/database.ts";

export const TRIAL_STATUSES = ["pending", "running", "completed", "failed", "cancelled"] as const;
export type TrialStatus = typeof TRIAL_STATUSES[number];

/** A kept message given to the model once more, without any effect, as the API shows it. */
export interface Trial {
  id: string;
  message_id: string;
  source: string;
  /** Of those that were begun together. */
  batch_id: string | null;
  /** Null is the source's own. */
  instruction: string | null;
  /** Null are the source's own. */
  tools: string[] | null;
  /** Such as `openai/gpt-5-mini`. */
  model: string;
  requested_by: string;
  status: TrialStatus;
  /** Why it is not gone on with at the moment. */
  waits_for: string | null;
  result: { text: string; data: unknown } | null;
  error: { code: string; message: string } | null;
  created_at: Date;
  started_at: Date | null;
  finished_at: Date | null;
  /** What has not ended by then fails. */
  deadline_at: Date;
}

/** An entry of its timeline, of the kinds that a task's has. */
export interface TrialEvent {
  at: Date;
  kind: string;
  data: unknown;
  content: string | null;
}

export type WholeTrial = Trial & {
  /** What it was worked with, its source's own where it asks for none; null before it began. */
  had_instruction: string | null;
  events: TrialEvent[];
};

interface TrialRow extends Omit<Trial, "result" | "error"> {
  result_text: string | null;
  result_data: unknown;
  error_code: string | null;
  error_message: string | null;
}

const COLUMNS = `id, message_id, source, batch_id, instruction, tools, model, requested_by, status,
  waits_for, result_text, result_data, error_code, error_message, created_at, started_at,
  finished_at, deadline_at`;

/** More than are kept of one message, or begun together. */
const MOST_LISTED = 100;

/** The rest of a whole one, as JSON keeps times. */
type StoredWhole = Pick<WholeTrial, "had_instruction"> & {
  events: (Omit<TrialEvent, "at"> & { at: string })[];
};

/** One trial with its timeline; undefined when there is none. */
export async function readTrial(database: Database, id: string): Promise<WholeTrial | undefined> {
  const [row] = await database.query(
    "read a trial",
    (sql) =>
      sql<(TrialRow & StoredWhole)[]>`
      select ${sql.unsafe(COLUMNS)}, had_instruction, events from trials where id = ${id}`,
  );
  if (!row) return undefined;
  const { events, had_instruction, ...rest } = row;
  return {
    ...toTrial(rest),
    had_instruction,
    events: events.map(({ at, kind, data, content = null }) => ({
      at: new Date(at),
      kind,
      data,
      content,
    })),
  };
}

/** The trials that are kept of a message, newest first. */
export async function listTrials(database: Database, messageId: string): Promise<Trial[]> {
  const rows = await database.query(
    "list a message's trials",
    (sql) =>
      sql<TrialRow[]>`
      select ${sql.unsafe(COLUMNS)} from trials
      where message_id = ${messageId} order by id desc limit ${MOST_LISTED}`,
  );
  return rows.map(toTrial);
}

/** The trials that were begun together, those of the newest messages first. */
export async function listBatch(database: Database, batchId: string): Promise<Trial[]> {
  const rows = await database.query(
    "list trials begun together",
    (sql) =>
      sql<TrialRow[]>`
      select ${sql.unsafe(COLUMNS)} from trials
      where batch_id = ${batchId} order by message_id desc limit ${MOST_LISTED}`,
  );
  return rows.map(toTrial);
}

/** Stops a trial; its worker hears of it soon. False when it has ended, or there is none. */
export async function cancelTrial(database: Database, id: string): Promise<boolean> {
  const rows = await database.query(
    "cancel a trial",
    (sql) =>
      sql`
      update trials
      set status = 'cancelled', slot = null, state = null, lease_until = null, worker = null,
        not_before = null, waits_for = null, finished_at = now()
      where id = ${id} and status in ('pending', 'running') returning id`,
  );
  return rows.length > 0;
}

function toTrial(
  { result_text, result_data, error_code, error_message, ...rest }: TrialRow,
): Trial {
  return {
    ...rest,
    result: result_text === null ? null : { text: result_text, data: result_data },
    error: error_code === null ? null : { code: error_code, message: error_message ?? "" },
  };
}
