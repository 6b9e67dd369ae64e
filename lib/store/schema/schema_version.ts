import type { Database } from "../database.ts";

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
