import { readdir, readFile } from "node:fs/promises";
import { pause } from "../../async/deadline.ts";
import { errorText, type Log } from "../../process/log.ts";
import type { Database } from "../database.ts";
import { newId } from "../id.ts";
import type { Server } from "../server/server.ts";
import { PREVIOUS_RELEASE_GONE } from "./previous_release.ts";

/** A person who follows the log sees that it goes on. */
const PROGRESS_MS = 5_000;
/** A turn is renewed four times in it; a session of its own needs nothing that poolers do not have. */
const TURN_SECONDS = 20;
/** After a step has failed: it met a deadlock, or the server went away. */
const RETRY_MS = 5_000;
/** For the processes of the release before to end. */
const GONE_MS = 30_000;

/** One statement of an upgrade's second part. */
interface Step {
  statement: string;
  /** Repeated until it changes no row any more. */
  inBatches: boolean;
  /** It takes away what the release before needs: this and what follows waits until that is gone. */
  isLast: boolean;
}

/**
 * Does what a migration leaves for later, because it would stop a running version from accepting:
 * `migrations/NNNN_name.after.sql`, statement by statement, each in a transaction of its own.
 * Indexes are made concurrently, rows are changed in batches. Begins anew where it was cut off; of
 * several processes one is at it. Never rejects.
 *
 * Without `waits` what has to wait for the release before to be gone is left for whoever comes next.
 */
export async function finishUpgrades(
  { database, server, log, signal }: {
    database: Database;
    server?: Pick<Server, "alone">;
    log: Log;
    signal: AbortSignal;
  },
  { waits = true } = {},
): Promise<void> {
  while (!signal.aborted) {
    try {
      for (const name of await findUnfinished(database)) {
        await finishUpgrade(name, { database, server, log, signal }, waits);
      }
      return;
    } catch (error) {
      if (signal.aborted) return;
      log.warn("database.upgrade_interrupted", { error: errorText(error) });
      await pause(RETRY_MS, signal);
    }
  }
}

export const FOLDER = new URL("./migrations/", import.meta.url);
/** How the name of an upgrade's second part ends. */
export const AFTER = ".after.sql";

/** The statement that says so of one. */
export const noteUpgraded = (name: string) => `
  insert into upgrades (name) values ('${name}') on conflict do nothing`;

async function findUnfinished(database: Database): Promise<string[]> {
  const names = (await readdir(FOLDER)).filter((name) => name.endsWith(AFTER)).sort();
  const done = await database.query(
    "read which upgrades are finished",
    (sql) => sql<{ name: string }[]>`select name from upgrades`,
  );
  const finished = new Set(done.map(({ name }) => name));
  return names.filter((name) => !finished.has(name));
}

type Upgrade = Parameters<typeof finishUpgrades>[0];

async function finishUpgrade(name: string, upgrade: Upgrade, waits: boolean): Promise<void> {
  const { database, log, signal } = upgrade;
  const steps = readSteps(await readFile(new URL(name, FOLDER), "utf8"));
  const began = performance.now();
  await runAlone(steps.filter(({ isLast }) => !isLast), upgrade);
  if (waits ? !await untilPreviousIsGone(database, signal) : !await isPreviousGone(database)) {
    return;
  }
  await runAlone(steps.filter(({ isLast }) => isLast), upgrade);
  if (signal.aborted) return;
  await database.query("note a finished upgrade", (sql) => sql.unsafe(noteUpgraded(name)));
  log.info("database.upgraded", { upgrade: name, ms: Math.round(performance.now() - began) });
}

/**
 * Runs steps while no other process does: two that build one index wait for each other until the
 * server ends one of them, and what it had built. Stops early on abort.
 */
async function runAlone(
  steps: readonly Step[],
  { database, server, log, signal }: Upgrade,
): Promise<void> {
  const holder = newId();
  while (!await takeTurn(database, holder)) {
    await pause(RETRY_MS * (1 + Math.random()), signal);
    if (signal.aborted) return;
  }
  const progress = setInterval(() => {
    takeTurn(database, holder).catch(() => {});
    readProgress(database).then((at) => at && log.info("database.upgrading", { ...at }), () => {});
  }, PROGRESS_MS);
  // A session of a pool is cut off by its server after seconds.
  const session = server?.alone();
  const cutOff = () => void session?.end({ timeout: 0 });
  signal.addEventListener("abort", cutOff);
  const run: Run = (statement) =>
    session
      ? session.unsafe(statement)
      : database.query("upgrade", (sql) => sql.unsafe(statement.replace(" concurrently", "")));
  try {
    for (const step of steps) {
      if (signal.aborted) return;
      await runStep(run, step);
    }
  } finally {
    clearInterval(progress);
    signal.removeEventListener("abort", cutOff);
    await session?.end({ timeout: 1 });
    await database.query(
      "end a turn at an upgrade",
      (sql) => sql`delete from upgrades where name = 'turn' and holder = ${holder}`,
    ).catch(() => {});
  }
}

/** Takes a turn, or goes on with it, for {@link TURN_SECONDS}; false while another process has it. */
async function takeTurn(database: Database, holder: string): Promise<boolean> {
  const rows = await database.query("take a turn at an upgrade", (sql) =>
    sql`
      insert into upgrades (name, at, holder)
      values ('turn', now() + make_interval(secs => ${TURN_SECONDS}), ${holder})
      on conflict (name) do update set at = excluded.at, holder = excluded.holder
      where upgrades.at < now() or upgrades.holder = excluded.holder
      returning 1`);
  return rows.length > 0;
}

function readSteps(text: string): Step[] {
  let isLast = false;
  return text.split(/;\n/).map((part) => part.trim()).filter((part) => part).map((part) => {
    isLast ||= part.startsWith("-- when the release before is gone");
    return {
      statement: part.split("\n").filter((line) => !line.startsWith("--")).join("\n"),
      inBatches: part.startsWith("-- in batches"),
      isLast,
    };
  });
}

/** Runs a statement, and says how many rows it has changed or found. */
type Run = (statement: string) => PromiseLike<{ count: number }>;

async function runStep(run: Run, { statement, inBatches }: Step): Promise<void> {
  const [, index] = /^create index concurrently if not exists (\w+)/.exec(statement) ?? [];
  if (index !== undefined) await dropInvalid(run, index);
  for (let changed = 1; changed > 0;) {
    const { count } = await run(statement);
    changed = inBatches ? count : 0;
  }
  // A process that was cut off just now: its server may still be at it, and the index is no use yet.
  if (index !== undefined && await isInvalid(run, index)) {
    throw new Error(`the index ${index} is not finished yet`);
  }
}

/** A build that was cut off leaves an index that is kept up and never used. */
async function dropInvalid(run: Run, index: string): Promise<void> {
  const busy = await run(`select from pg_stat_progress_create_index limit 1`);
  if (busy.count === 0 && await isInvalid(run, index)) {
    await run(`drop index concurrently if exists ${index}`);
  }
}

async function isInvalid(run: Run, index: string): Promise<boolean> {
  const found = await run(`
    select from pg_index where indexrelid = to_regclass('${index}') and not indisvalid`);
  return found.count > 0;
}

/** @returns whether it is gone; false when the signal was aborted before. */
async function untilPreviousIsGone(database: Database, signal: AbortSignal): Promise<boolean> {
  while (!signal.aborted) {
    if (await isPreviousGone(database)) return true;
    await pause(GONE_MS, signal);
  }
  return false;
}

async function isPreviousGone(database: Database): Promise<boolean> {
  const [{ gone }] = await database.query(
    "look for the release before",
    (sql) => sql<{ gone: boolean }[]>`select ${sql.unsafe(PREVIOUS_RELEASE_GONE)} as gone`,
  );
  return gone;
}

/** How far the index is that is being made. */
async function readProgress(
  database: Database,
): Promise<{ index: string; phase: string; percent: number } | undefined> {
  const [row] = await database.query(
    "read an upgrade's progress",
    (sql) =>
      sql<{ index: string; phase: string; percent: number }[]>`
      select index_relid::regclass::text as index, phase,
        round(100.0 * blocks_done / nullif(blocks_total, 0))::int as percent
      from pg_stat_progress_create_index where datname = current_database() limit 1`,
  );
  return row;
}
