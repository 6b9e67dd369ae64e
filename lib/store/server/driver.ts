/** What postgres.js 3.4.9 keeps of a statement (src/query.js) and its types do not tell. */
interface DriverStatement {
  /** Whose session has it; null until it is sent. */
  state?: { pid: number } | null;
  /** Whether the server works on it now. */
  active?: boolean;
  cancel?(): unknown;
}

/** A statement as the driver has it. */
export function driverOf(statement: PromiseLike<unknown>): DriverStatement {
  return statement as DriverStatement;
}

/** As the driver says it of a pool that has been closed. */
export function endedError(): Error {
  return Object.assign(new Error("The connections to the database have been closed"), {
    code: "CONNECTION_ENDED",
  });
}

/** The SQLSTATE, or the driver's or the system's code. */
export function codeOf(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === "string" ? code : undefined;
}

/** Whether the server itself said it, so that it is there. */
export function isAnswer(error: unknown): boolean {
  return error instanceof Error && error.name === "PostgresError";
}

/** Whether the server closed the connection with it. */
export function isFatal(error: unknown): boolean {
  return (error as { severity?: unknown }).severity !== "ERROR";
}

/** Whether the server had no connection to give (`too_many_connections`): said before any statement is. */
export function isCrowded(error: unknown): boolean {
  return codeOf(error) === "53300";
}
