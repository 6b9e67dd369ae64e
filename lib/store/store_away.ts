import { DeadlineError } from "../async/deadline.ts";
import { redisTrouble } from "./redis_away.ts";

/**
 * Whether a query failed because the store is away: connection trouble of
 * postgres.js and sockets, SQLSTATE classes 08, 53, 57, and what Redis says of
 * itself (redis_away.ts).
 */
export function isStoreAway(error: unknown): boolean {
  if (error instanceof DeadlineError || redisTrouble(error) !== undefined) return true;
  const code = (error as { code?: unknown })?.code;
  return typeof code === "string" &&
    /^(CONNECTION_|CONNECT_TIMEOUT|ECONN|ENOTFOUND|ETIMEDOUT|EPIPE|08|53|57P|42P01)/.test(code);
}
