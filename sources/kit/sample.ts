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
