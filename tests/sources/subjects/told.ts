import { assert, assertEquals } from "@std/assert";
import { sources } from "../../../sources/mod.ts";
import type { Source } from "../../../sources/source.ts";
import type { Subject } from "../../../sources/subject.ts";

export type SourceName = keyof typeof sources;

/** What a source says that a payload with these headers is about. */
export function about(
  name: SourceName,
  payload: unknown,
  headers: Record<string, string> = {},
): Subject | undefined {
  const source: Source = sources[name];
  assert(source.subject, `${name} has no subjects`);
  return source.subject(payload, { type: name, headers: new Headers(headers) });
}

/** `opens octo/phone#7`, or nothing. */
export function summary(
  name: SourceName,
  payload: unknown,
  headers?: Record<string, string>,
): string | undefined {
  const found = about(name, payload, headers);
  return found && `${found.role} ${found.key}`;
}

/** Each payload, and the role and key that it must have. */
export function assertTold(
  name: SourceName,
  told: readonly (readonly [
    payload: unknown,
    expected: string | undefined,
    headers?: Record<string, string>,
  ])[],
): void {
  for (const [payload, expected, headers] of told) {
    assertEquals(summary(name, payload, headers), expected, JSON.stringify(payload));
  }
}
