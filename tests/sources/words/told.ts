import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { sources } from "../../../sources/mod.ts";
import type { Source } from "../../../sources/source.ts";
import { assertDescription } from "../request.ts";
import { assertReads } from "./grammar.ts";

/** What a person would say, what is sent, and with which headers. */
export type Told = [title: string, payload: unknown, headers?: HeadersInit];

/** Holds what a source says of each payload to what a person would say. */
export function itSays(name: keyof typeof sources, cases: readonly Told[]): void {
  const source: Source = sources[name];
  describe(`a title of ${source.label}`, () => {
    for (const [title, payload, headers] of cases) {
      it(`is ${title}`, () => {
        const description = source.describe(payload, { headers: new Headers(headers) });
        assertDescription(description);
        assertEquals(description.title, title);
        assertReads(description.title);
      });
    }
  });
}
