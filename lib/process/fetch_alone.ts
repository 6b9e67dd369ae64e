/** What of Deno is used here; Node has none of it. */
interface DenoClients {
  createHttpClient?(options: { poolMaxIdlePerHost: number }): unknown;
}

const client = (globalThis as { Deno?: DenoClients }).Deno
  ?.createHttpClient?.({ poolMaxIdlePerHost: 0 });

/**
 * `fetch` over a connection that nothing was sent on before, and nothing is sent on after. On one
 * that was kept, Deno sends a request again by itself when the answer is lost: an effect that
 * happens twice, and nobody knows.
 *
 * `connection: close` does so on Node alone. Deno sends that header and keeps the connection, if
 * the server's answer lets it; and Node's servers refuse what comes on it next with 400 (those of
 * the MCP SDK say `keep-alive` in each stream, typescript-sdk#2553).
 */
export function fetchAlone(
  input: Parameters<typeof fetch>[0],
  init: RequestInit = {},
): Promise<Response> {
  if (client !== undefined) return fetch(input, { ...init, client } as RequestInit);
  const headers = new Headers(init.headers);
  headers.set("connection", "close");
  return fetch(input, { ...init, headers });
}
