import type { Database } from "../../store/database.ts";
import { newId } from "../../store/id.ts";
import { idArray, storedJson } from "../../store/stored.ts";
import { notHeld } from "../../message/group/group.ts";
import { errorText } from "../../process/log.ts";
import type { Problem } from "../../process/problem.ts";
import type { ActParts } from "./acts.ts";
import { actOnBatch, type BulkOutcome, type BulkRow, replayBatch } from "./batch.ts";
import { type BulkAction, type BulkError, type BulkVerb, noteEnd } from "./bulk_action.ts";

/** Small, so that what is live waits for no more than this, and a person's "cancel" is heard soon. */
const ROWS_AT_ONCE = 100;
/** After so long a batch begins nothing more. */
const BATCH_MS = 4_000;
const LEASE_SECONDS = 10;
const RENEW_MS = 3_000;
/**
 * A batch that is not settled is tried with half as many rows, in the end with one; that one is
 * given up then. Behind an error there is a lease between two tries: a minute and a half in all.
 */
const MOST_TRIES = 9;
const MOST_REASON = 200;
/** What makes work waits while so much is queued: what is live goes first. */
const MOST_QUEUED = 100;
/** Acts that make messages or tasks to be worked. */
const MAKES_WORK: readonly BulkVerb[] = ["release", "replay", "retry"];
/** As many reasons as a person reads, and as many examples of each. */
const MOST_ERRORS = 20;
const MOST_IDS = 5;

/** Works one batch of the bulk action whose turn it is, and says how many rows it has settled. */
export function createBulkStep(
  parts: ActParts,
): (signal: AbortSignal) => Promise<number> {
  const { database } = parts.services;
  return async (signal) => {
    const claim = await claimAction(database);
    if (!claim) return 0;
    const size = Math.max(1, ROWS_AT_ONCE >> Math.min(claim.tries - 1, 10));
    const rows = await beginBatch(database, claim, size);
    const outcomes = await workBatch(parts, claim, { rows, signal });
    await settleBatch(database, claim, { rows, outcomes, size });
    return outcomes.length;
  };
}

/**
 * What came of the first rows.
 *
 * @throws what is no {@link Problem} with the first of them, unless it was tried often enough: then
 *   that is what came of it. The lease is left to run out: it may be the store's trouble, which ends.
 */
async function workBatch(
  parts: ActParts,
  claim: Claim,
  { rows, signal }: { rows: readonly BulkRow[]; signal: AbortSignal },
): Promise<BulkOutcome[]> {
  const isLast = rows.length === 1 && claim.tries >= MOST_TRIES;
  // Nobody who tried it has lived to say so: nor would this one.
  if (isLast && claim.tries > MOST_TRIES) return [neverDone("whoever tried it did not come back")];
  const lease = holdLease(parts.services.database, claim);
  const until = performance.now() + BATCH_MS;
  const mayBegin = () => performance.now() < until && !signal.aborted && lease.isHeld;
  try {
    return claim.action === "replay"
      ? await replayBatch(parts, { rows, mayBegin })
      : await actOnBatch(parts, { ...claim, action: claim.action }, { rows, mayBegin });
  } catch (error) {
    if (!isLast) throw error;
    return [neverDone(errorText(error).slice(0, MOST_REASON))];
  } finally {
    lease.letGo();
  }
}

function neverDone(reason: string): BulkOutcome {
  return { code: "never_done", message: `It was tried ${MOST_TRIES} times: ${reason}` };
}

/** Renews the lease for as long as a batch lasts: a slow store makes it longer than it may be. */
function holdLease(
  database: Database,
  { id, epoch }: Claim,
): { readonly isHeld: boolean; letGo(): void } {
  let isHeld = true;
  const renewing = setInterval(async () => {
    const rows = await database.query("renew a bulk action's lease", (sql) =>
      sql`
        update bulk_actions set lease_until = now() + make_interval(secs => ${LEASE_SECONDS})
        where id = ${id} and epoch = ${epoch} and finished_at is null returning id`)
      .catch(() => undefined);
    if (rows?.length === 0) isHeld = false;
  }, RENEW_MS);
  return {
    get isHeld() {
      return isHeld;
    },
    letGo: () => clearInterval(renewing),
  };
}

interface Claim extends Pick<BulkAction, "id" | "action" | "actor" | "errors"> {
  epoch: number;
  /** How often the batch that is next was begun, this time too. */
  tries: number;
  worked_to: string | null;
}

/** The SQL of whether a bulk action's turn could come: nobody has it in hand. */
export const CLAIMABLE_BULK = `finished_at is null and state in ('working', 'cancelling')
  and (lease_until is null or lease_until <= now())`;

/**
 * The one that was worked longest ago, so that a small one does not wait for a large one. One that
 * makes work is left while live messages and tasks wait.
 */
async function claimAction(database: Database): Promise<Claim | undefined> {
  const [claim] = await database.query("claim a bulk action", (sql) =>
    sql<Claim[]>`
      with ended as (
        update bulk_actions set state = 'cancelled', finished_at = now()
        where id = (
          select id from bulk_actions where state = 'cancelling' and ${sql.unsafe(CLAIMABLE_BULK)}
          order by id limit 1 for update skip locked)
        returning *
      ), noted as (${noteEnd(sql, "ended")}
      ), turn as (
        select id from bulk_actions b
        where state = 'working' and ${sql.unsafe(CLAIMABLE_BULK)}
          and (not (action = any(${`{${MAKES_WORK.join(",")}}`}::text[])) or (
            (select count(*) from (select from messages where state = 'new' and ${
      notHeld(sql)
    } limit ${MOST_QUEUED}) m)
            + (select count(*) from (select from tasks where open and status = 'pending'
                and question is null and (not_before is null or not_before <= now())
              limit ${MOST_QUEUED}) t) < ${MOST_QUEUED}))
        order by lease_until nulls first, id limit 1 for update skip locked
      )
      update bulk_actions b
      set lease_until = now() + make_interval(secs => ${LEASE_SECONDS}), epoch = epoch + 1,
        tries = tries + 1, started_at = coalesce(started_at, now())
      from turn where b.id = turn.id
      returning b.id, b.action, b.actor, b.errors, b.epoch, b.tries, b.worked_to`);
  return claim;
}

/** The next rows, each marked as begun before anything is done to it. */
async function beginBatch(
  database: Database,
  { id, worked_to }: Claim,
  size: number,
): Promise<BulkRow[]> {
  const seen = await database.query(
    "read a batch",
    (sql) =>
      sql<{ id: string; begun: boolean }[]>`
      select row_id as id, begun from bulk_rows
      where bulk_id = ${id} and row_id > coalesce(${worked_to}::uuid, ${FIRST_ID}::uuid)
      order by row_id limit ${size}`,
  );
  if (seen.length === 0) return [];
  const begun = new Map(seen.map((row) => [row.id, row.begun]));
  const given = seen.map((row) => ({ row_id: row.id, made: newId() }));
  const rows = await database.query("begin a batch", (sql) =>
    sql<{ id: string; made: string }[]>`
      update bulk_rows r set begun = true, made = coalesce(r.made, g.made)
      from jsonb_to_recordset(${storedJson(given)}::text::jsonb) as g(row_id uuid, made uuid)
      where r.bulk_id = ${id} and r.row_id = g.row_id returning r.row_id as id, r.made`);
  return rows.map((row) => ({ ...row, again: begun.get(row.id)! }))
    .sort((one, other) => one.id < other.id ? -1 : 1);
}

const FIRST_ID = "00000000-0000-0000-0000-000000000000";

/** Counts what came of a batch, once, and gives the action back; nothing when it was lost. */
async function settleBatch(
  database: Database,
  { id, epoch, errors }: Claim,
  { rows, outcomes, size }: {
    rows: readonly BulkRow[];
    outcomes: readonly BulkOutcome[];
    size: number;
  },
): Promise<void> {
  const refused = rows.flatMap((row, at) =>
    outcomes[at] ? [{ id: row.id, why: outcomes[at] }] : []
  );
  const isOver = outcomes.length === rows.length && rows.length < size;
  const workedTo = rows[outcomes.length - 1]?.id ?? null;
  await database.query("settle a batch", (sql) =>
    sql`
      with settled as (
        update bulk_actions
        set done = done + ${outcomes.length - refused.length}, failed = failed + ${refused.length},
          errors = ${storedJson(addErrors(errors, refused))}::text::jsonb,
          worked_to = coalesce(${workedTo}::uuid, worked_to), lease_until = now(), tries = 0,
          state = case when ${isOver} then 'done' when state = 'cancelling' then 'cancelled'
            else state end,
          finished_at = case when ${isOver} or state = 'cancelling' then now() end
        where id = ${id} and epoch = ${epoch} and finished_at is null returning *
      ), noted as (${noteEnd(sql, "settled")}
      )
      delete from bulk_rows r using settled
      where r.bulk_id = settled.id and r.row_id = any(${
      idArray(rows.slice(0, outcomes.length).map((row) => row.id))
    }::uuid[])`);
}

/** Those reasons that were there before, with what has come to them, and new ones while there is room. */
function addErrors(
  errors: readonly BulkError[],
  refused: readonly { id: string; why: Pick<Problem, "code" | "message"> }[],
): BulkError[] {
  const all = errors.map((each) => ({ ...each, ids: [...each.ids] }));
  for (const { id, why: { code, message } } of refused) {
    let error = all.find((each) => each.code === code && each.message === message);
    if (!error && all.length < MOST_ERRORS - 1) {
      all.push(error = { code, message, count: 0, ids: [] });
    }
    error ??= all.find((each) => each.code === OTHER.code);
    if (!error) all.push(error = { ...OTHER, count: 0, ids: [] });
    error.count++;
    if (error.ids.length < MOST_IDS) error.ids.push(id);
  }
  return all;
}

/** Where more reasons are than are told. */
const OTHER = { code: "other", message: "Other reasons" };
