import { readdir, readFile } from "node:fs/promises";
import { pause } from "../../async/deadline.ts";
import { errorText, type Log } from "../../process/log.ts";
import type { Database, Sql } from "../database.ts";
import type { Server } from "../server/server.ts";
import { PREVIOUS_RELEASE_GONE } from "./previous_release.ts";

/** A person who follows the log sees that it goes on. */
const PROGRESS_MS = 5_000;
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
 * Indexes are made concurrently, rows are changed in batches. Begins anew where it was cut off; two
 * processes that do it at once do not harm each other. Never rejects.
 */
export async function finishUpgrades(
  { database, server, log, signal }: {
    database: Database;
    server?: Pick<Server, "alone">;
    log: Log;
    signal: AbortSignal;
  },
): Promise<void> {
  while (!signal.aborted) {
    try {
      for (const name of await findUnfinished(database)) {
        await finishUpgrade(name, { database, server, log, signal });
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

async function finishUpgrade(
  name: string,
  { database, server, log, signal }: Parameters<typeof finishUpgrades>[0],
): Promise<void> {
  const steps = readSteps(await readFile(new URL(name, FOLDER), "utf8"));
  const began = performance.now();
  const progress = setInterval(() => {
    readProgress(database).then((at) => at && log.info("database.upgrading", { ...at }), () => {});
  }, PROGRESS_MS);
  const session = server?.alone();
  const cutOff = () => void session?.end({ timeout: 0 });
  signal.addEventListener("abort", cutOff);
  try {
    // A session of a pool is cut off by its server after seconds.
    await session?.unsafe("set statement_timeout = 0; set lock_timeout = 0");
    const run = (statement: string) =>
      session
        ? session.unsafe(statement)
        : database.query("upgrade", (sql) => sql.unsafe(statement.replace(" concurrently", "")));
    for (const step of steps) {
      if (step.isLast && !await untilPreviousIsGone(database, signal)) return;
      if (signal.aborted) return;
      await runStep(run, step);
    }
    await database.query("note a finished upgrade", (sql) => sql.unsafe(noteUpgraded(name)));
    log.info("database.upgraded", { upgrade: name, ms: Math.round(performance.now() - began) });
  } finally {
    clearInterval(progress);
    signal.removeEventListener("abort", cutOff);
    await session?.end({ timeout: 1 });
  }
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

/** `unique_violation`: another process has done it. */
const DONE_BY_ANOTHER = "23505";

async function runStep(
  run: (statement: string) => PromiseLike<{ count: number }>,
  { statement, inBatches }: Step,
): Promise<void> {
  const [, index] = /^create index concurrently if not exists (\w+)/.exec(statement) ?? [];
  if (index !== undefined) await dropInvalid(run, index);
  try {
    for (let changed = 1; changed > 0;) {
      const { count } = await run(statement);
      changed = inBatches ? count : 0;
    }
  } catch (error) {
    if ((error as { code?: string }).code !== DONE_BY_ANOTHER) throw error;
  }
  // Another process is at it, or was cut off just now: its index is no use yet.
  if (index !== undefined && await isInvalid(run, index)) {
    throw new Error(`the index ${index} is not finished yet`);
  }
}

/** A build that was cut off leaves an index that is kept up and never used. */
async function dropInvalid(
  run: (statement: string) => PromiseLike<{ count: number }>,
  index: string,
): Promise<void> {
  const busy = await run(`select from pg_stat_progress_create_index limit 1`);
  if (busy.count === 0 && await isInvalid(run, index)) {
    await run(`drop index concurrently if exists ${index}`);
  }
}

async function isInvalid(
  run: (statement: string) => PromiseLike<{ count: number }>,
  index: string,
): Promise<boolean> {
  const found = await run(`
    select from pg_index where indexrelid = to_regclass('${index}') and not indisvalid`);
  return found.count > 0;
}

/** @returns whether it is gone; false when the signal was aborted before. */
async function untilPreviousIsGone(database: Database, signal: AbortSignal): Promise<boolean> {
  while (!signal.aborted) {
    const [{ gone }] = await database.query(
      "look for the release before",
      (sql: Sql) => sql<{ gone: boolean }[]>`select ${sql.unsafe(PREVIOUS_RELEASE_GONE)} as gone`,
    );
    if (gone) return true;
    await pause(GONE_MS, signal);
  }
  return false;
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
