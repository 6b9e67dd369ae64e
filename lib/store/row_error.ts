import { DeadlineError } from "../async/deadline.ts";

/** Whether Postgres refused a value in a row (SQLSTATE classes 22, 23, 54), so that others may pass. */
export function isRowError(error: unknown): boolean {
  const code = (error as { code?: unknown })?.code;
  return !(error instanceof DeadlineError) && typeof code === "string" &&
    /^(22|23|54)/.test(code) && code.length === 5;
}

/**
 * Writes items together; when Postgres refuses a value in one of them, the
 * others without it.
 *
 * @returns for each item what `write` said of it, or the error it failed with alone.
 */
export async function writeEach<T, R>(
  items: readonly T[],
  write: (items: readonly T[]) => Promise<R[]>,
): Promise<(R | Error)[]> {
  try {
    return await write(items);
  } catch (error) {
    if (!isRowError(error)) throw error;
    if (items.length === 1) return [error as Error];
    const middle = items.length >> 1;
    return [
      ...await writeEach(items.slice(0, middle), write),
      ...await writeEach(items.slice(middle), write),
    ];
  }
}
