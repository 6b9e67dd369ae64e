import { readdir, readFile } from "node:fs/promises";
import type { Log } from "../../process/log.ts";
import type { Database } from "../database.ts";
import { AFTER, FOLDER, noteUpgraded } from "./upgrade.ts";

/** A large table takes its time; whoever waits sees `not ready` in /webhook/health. */
const MIGRATION_MS = 10 * 60_000;
/**
 * Whoever asks for a lock on a table that somebody reads holds up all who come later. So it is given
 * up soon, before a message that waits behind it is refused, and tried again.
 */
const LOCK_MS = 500;
/** Any fixed number: the same in every Otto, so that only one migrates at a time. */
const MIGRATION_LOCK = 710_846;

/**
 * Brings the schema up to date: `migrations/NNNN_name.sql`, forward only, each
 * in one transaction, under a lock that other processes wait for.
 *
 * A migration must leave the previous version's code working: during a rolling
 * deploy both run on one database.
 *
 * What would hold the previous version up stands in `NNNN_name.after.sql`: see `finishUpgrades`.
 *
 * There are no 0005, 0009 and 0031: they were the numbers of plans that were dropped
 * before release. A number is never used again.
 */
export async function migrate(database: Database, log: Log): Promise<void> {
  const names = await readdir(FOLDER);
  const files = migrationsIn(names);
  // Two processes may create the table at once, and "if not exists" does not stop them.
  await database.query("create the table of migrations", (sql) =>
    sql.unsafe(`
      select pg_advisory_xact_lock(${MIGRATION_LOCK});
      create table if not exists migrations (
        version integer primary key, name text not null, at timestamptz not null default now()
      );`));
  const done = await database.query(
    "read the migrations",
    (sql) => sql<{ version: number }[]>`select version from migrations`,
  );
  const known = new Set(done.map((row) => row.version));
  const isNew = known.size === 0;
  let ran = 0;
  for (const name of files) {
    const version = Number.parseInt(name, 10);
    if (known.has(version)) continue;
    const rest = name.replace(/\.sql$/, AFTER);
    const statements = await readFile(new URL(name, FOLDER), "utf8") +
      (isNew && names.includes(rest) ? await readRest(rest) : "");
    try {
      // One simple query is one transaction. The insert comes first: it fails
      // when another process was quicker while this one waited for the lock.
      await database.query(`run the migration ${name}`, (sql) =>
        sql.unsafe(`
          set local statement_timeout = 0; set local lock_timeout = 0;
          select pg_advisory_xact_lock(${MIGRATION_LOCK});
          set local lock_timeout = ${LOCK_MS};
          insert into migrations (version, name) values (${version}, '${name}');
          ${statements}`), MIGRATION_MS);
      ran++;
      if (!isNew) log.info("database.migrated", { migration: name });
    } catch (error) {
      const { code, table_name } = error as { code?: string; table_name?: string };
      if (code !== "23505" || table_name !== "migrations") throw error;
    }
  }
  // Whoever starts for the first time has nothing to learn from each of them.
  if (isNew && ran > 0) log.info("database.made", { migrations: ran });
}

function migrationsIn(names: readonly string[]): string[] {
  return names.filter((name) => /^\d+_\w+\.sql$/.test(name)).sort();
}

/** The number of the newest migration that this version has. */
export async function newestMigration(): Promise<number> {
  return Number.parseInt(migrationsIn(await readdir(FOLDER)).at(-1)!, 10);
}

/** What `finishUpgrades` does elsewhere: in a new database there is nobody whom it could hold up. */
async function readRest(name: string): Promise<string> {
  const statements = await readFile(new URL(name, FOLDER), "utf8");
  return `${statements.replaceAll(" concurrently", "")}\n${noteUpgraded(name)};`;
}
