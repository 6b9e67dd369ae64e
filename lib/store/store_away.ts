import { DeadlineError } from "../async/deadline.ts";
import { redisTrouble } from "./redis_away.ts";

/**
 * What says that the store is away, and not that something is wrong with the task or message in
 * hand: it comes again later, and nothing fails for good because of it.
 *
 * Two characters are a class of SQLSTATEs, five one of them (PostgreSQL's manual, Appendix A);
 * whatever else comes from the driver or the sockets below it.
 */
export const AWAY_CODES: readonly { codes: readonly string[]; because: string }[] = [
  { codes: ["08"], because: "the connection broke, or a pooler in between says no" },
  { codes: ["53"], because: "out of connections, memory or disk" },
  { codes: ["57"], because: "stopping, starting, or the statement was cancelled by somebody" },
  { codes: ["58"], because: "the system under the server failed: a disk that cannot be read" },
  { codes: ["XX"], because: "the server, or a pooler in between, has a fault of its own" },
  { codes: ["25006"], because: "read-only: it is no longer the primary" },
  { codes: ["25P03", "25P04"], because: "the server ended a session that took too long" },
  { codes: ["40001", "40P01"], because: "two statements met, and the other one went first" },
  { codes: ["55P03", "55006"], because: "somebody has it locked" },
  { codes: ["26000", "42P05"], because: "a pooler gave the prepared statement to somebody else" },
  { codes: ["28000", "28P01", "3D000"], because: "the password or name is being changed" },
  { codes: ["42501"], because: "the role's rights are being changed" },
  { codes: ["42P01"], because: "the schema is not there yet" },
  {
    codes: ["CONNECTION_CLOSED", "CONNECTION_ENDED", "CONNECTION_DESTROYED", "CONNECT_TIMEOUT"],
    because: "the driver lost the connection",
  },
  { codes: ["SASL_SIGNATURE_MISMATCH"], because: "it is another server than the one that was" },
  {
    codes: [
      ...["ECONNREFUSED", "ECONNRESET", "ECONNABORTED", "EPIPE", "ETIMEDOUT", "EHOSTUNREACH"],
      ...["EHOSTDOWN", "ENETUNREACH", "ENETDOWN", "EADDRNOTAVAIL", "ENOTFOUND", "EAI_AGAIN"],
    ],
    because: "the network does not lead there",
  },
];

const KNOWN = new Set(AWAY_CODES.flatMap(({ codes }) => codes));

/**
 * Whether something failed because a store is away, by {@link AWAY_CODES} or by what Redis says of
 * itself (redis_away.ts): whoever waits for it
 * tries again later, and the task or message is not to blame.
 */
export function isStoreAway(error: unknown): boolean {
  if (error instanceof DeadlineError || redisTrouble(error) !== undefined) return true;
  if (!(error instanceof Error)) return false;
  if (isDriverFault(error)) return true;
  const { code, routine } = error as { code?: unknown; routine?: unknown };
  if (typeof code !== "string") return false;
  // Only this one of "feature not supported": a table changed under a prepared statement. The
  // message may be in any language, the routine is not.
  if (code === "0A000") return routine === "RevalidateCachedQuery";
  return KNOWN.has(code) || (/^[0-9A-Z]{5}$/.test(code) && KNOWN.has(code.slice(0, 2)));
}

/** postgres.js writes to a socket that has just closed (postgres#1155); the statement was not sent. */
function isDriverFault(error: Error): boolean {
  return error instanceof TypeError && /reading 'write'/.test(error.message);
}
