import type { Sample } from "../source.ts";

/** A system that a sample can be sent of. */
export interface Sampled {
  name: string;
  label: string;
  /** What must be set before; undefined when it can be sent now. */
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
