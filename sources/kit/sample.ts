import type { Sample } from "../source.ts";

/** A system of which Otto has samples to send. */
export interface Sampled {
  name: string;
  label: string;
  /** The variable that must be set first; undefined when a sample can be sent now. */
  missing?: string;
}

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

/**
 * A JSON object with one more field, so that no other delivery has the same bytes: of those that
 * are signed, Otto takes the second for captured, and makes no task of it. Other texts stay as they
 * are.
 */
export function withMark(body: string, id: string): string {
  const end = body.trimEnd();
  if (!/^\s*\{/.test(body) || !end.endsWith("}")) return body;
  const fields = end.slice(0, -1).trimEnd();
  return `${fields}${fields.endsWith("{") ? "" : ","}"otto_sample":"${id}"}`;
}
