import type { Sample } from "./source.ts";

/** A JSON event of our own making; each `SAMPLE` in it wants to be unique. */
export function jsonSample(
  event: string,
  payload: unknown,
  headers: Record<string, string> = {},
): Sample {
  return {
    event,
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(payload),
  };
}
