import { DeadlineError } from "../async/deadline.ts";

/**
 * Whether a query failed because the store is away: connection trouble of
 * postgres.js and sockets, and SQLSTATE classes 08, 53, 57.
 */
export function isStoreAway(error: unknown): boolean {
  if (error instanceof DeadlineError) return true;
  const code = (error as { code?: unknown })?.code;
  return typeof code === "string" &&
    /^(CONNECTION_|CONNECT_TIMEOUT|ECONN|ENOTFOUND|ETIMEDOUT|EPIPE|08|53|57P|42P01)/.test(code);
}
