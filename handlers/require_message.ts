import type { Database } from "../lib/store/database.ts";
import { isId } from "../lib/store/id.ts";
import { readMessage, type WholeMessage } from "../lib/message/message.ts";
import { notFound } from "./problem.ts";

/**
 * The message that a URL names, also by an alias.
 *
 * @throws {Problem} 404 when there is none, or when that is no id at all.
 */
export async function requireMessage(
  database: Database,
  id: string | undefined,
): Promise<WholeMessage> {
  const found = id !== undefined && isId(id) ? await readMessage(database, id) : undefined;
  if (!found) throw notFound("message");
  return found;
}
