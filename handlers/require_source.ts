import { isSeen } from "../lib/monitor/source_names.ts";
import type { Pauses } from "../lib/ingress/pauses.ts";
import type { Services } from "../lib/services.ts";
import { sourceNameOf } from "../sources/rules/names.ts";
import { Problem } from "./problem.ts";
import { isType } from "./webhook_type.ts";

/**
 * The one name of what is called so: also by an alias, and in other letters.
 *
 * @throws {Problem} 404 when no webhook can come by this name.
 */
export function requireSourceName(sources: Services["sources"], name: string): string {
  if (isType(name)) return sourceNameOf(sources, name);
  throw notFound("A name has 1 to 64 letters, digits, dots, dashes or underscores");
}

/**
 * The same, where something is done to it: a name that nobody knows must have come, so that one
 * that is spelled wrong is told.
 *
 * @throws {Problem} 404 when there is no such source.
 */
export async function requireSource(
  { services: { sources, database }, pauses }: { services: Services; pauses: Pauses },
  asked: string,
): Promise<string> {
  const name = requireSourceName(sources, asked);
  const isThere = Object.hasOwn(sources.all, name) || pauses.since(name) !== undefined ||
    await isSeen(database, name);
  if (isThere) return name;
  throw notFound("GET /api/sources lists those that are known, and the names that have come");
}

function notFound(hint: string): Problem {
  return new Problem(404, "source_not_found", "There is no source of this name", hint);
}
