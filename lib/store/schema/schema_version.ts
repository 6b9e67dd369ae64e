import type { Database } from "../database.ts";
import { codeOf } from "../server/driver.ts";
import { newestMigration } from "./migrate.ts";

/** The newest migration that the database has, as people read it: `12 (sources)`. */
export async function schemaVersion(database: Database): Promise<string> {
  const [row] = await database.query(
    "read the schema's version",
    (sql) =>
      sql<{ version: number; name: string }[]>`
      select version, name from migrations order by version desc limit 1`,
  );
  return row ? `${row.version} (${row.name})` : "none";
}

/**
 * Asks once whether the schema is there. A newer one than this version's is: migrations leave the
 * version before working.
 *
 * @throws when somebody has yet to run them, in words.
 */
export async function requireMigrated(database: Database): Promise<void> {
  const wanted = await newestMigration();
  const [{ version }] = await database.query(
    "read the schema's version",
    (sql) => sql<{ version: number | null }[]>`select max(version) as version from migrations`,
  ).catch((error) => {
    if (codeOf(error) === "42P01") return [{ version: null }];
    throw error;
  });
  if ((version ?? 0) >= wanted) return;
  throw new Error(
    `the schema is at migration ${version ?? "none"} and this version needs ${wanted}: ` +
      "run main.ts --migrate, which is the predeploy command in deno.json",
  );
}
