import type { Database } from "../../store/database.ts";
import { isId } from "../../store/id.ts";
import { readMessage, type WholeMessage } from "../../message/message.ts";
import { notFound, Problem } from "../../process/problem.ts";

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

/** @throws {Problem} 410 where a message's body and headers were dropped by their age. */
export function requireContents({ dropped }: Pick<WholeMessage, "dropped">): void {
  if (!dropped) return;
  throw new Problem(
    410,
    "body_dropped",
    "The message's body and headers are gone: they are kept for BODY_RETENTION_DAYS",
    "Let the sender send it again; what became of it is still here",
  );
}
