/** What is sent as a form, as its text. */
export function formOf(fields: Readonly<Record<string, unknown>>): string {
  return new URLSearchParams(
    Object.entries(fields).map(([name, value]) => [name, String(value)]),
  ).toString();
}

/** Whether a request that failed cannot have reached anybody: no name, no connection (Deno; Node). */
export function neverSent(error: unknown): boolean {
  return /client error \(Connect\)|dns error|ECONNREFUSED|ENOTFOUND|EAI_AGAIN|UND_ERR_CONNECT/
    .test(codesOf(error));
}

function codesOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, cause } = error as { code?: unknown; cause?: unknown };
  return `${error.message} ${code ?? ""} ${cause ? codesOf(cause) : ""}`;
}
