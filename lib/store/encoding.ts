import { Refusal } from "../process/refusal.ts";
import type { Database } from "./database.ts";

/**
 * Refuses a database that is not in UTF-8: it would not take every text of every sender.
 *
 * @throws {Refusal} saying how to make one that does.
 */
export async function requireUtf8(database: Database): Promise<void> {
  const [{ encoding }] = await database.query(
    "read the database's encoding",
    (sql) => sql<{ encoding: string }[]>`select current_setting('server_encoding') as encoding`,
  );
  if (encoding === "UTF8") return;
  throw new Refusal(
    `Cannot keep messages in a database with the encoding ${encoding}. Make one with: ` +
      "create database otto encoding 'UTF8' template template0, and name it in DATABASE_URL.",
  );
}
