import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { readFile } from "node:fs/promises";
import { parsePayload } from "../../../sources/kit/payload.ts";
import * as generic from "../../../sources/generic.ts";

type Row = [title: string, type: string, payload: unknown, headers?: Record<string, string>];

/** A line is the name of a kind, or a payload of that kind with the title a person would want. */
const lines = (await readFile(new URL("titles.jsonl", import.meta.url), "utf8")).trim().split("\n")
  .map((line): string | Row => JSON.parse(line));

describe("the title of a payload of nobody we know", () => {
  const rows: Row[] = [];
  let kind = "";
  let titles: [string, string][] = [];
  for (const line of [...lines, ""]) {
    if (typeof line === "string") {
      const [name, its] = [kind, titles];
      if (name) {
        it(`says who or what: ${name}`, () =>
          assertEquals(its.map(([was]) => was), its.map(([, is]) => is)));
      }
      [kind, titles] = [line, []];
    } else {
      rows.push(line);
      titles.push([told(line).title, line[0]]);
    }
  }

  it("is a bare one for nothing alone", () => {
    const bare = rows.filter((row) => told(row).title === `${row[1]} webhook`);
    assertEquals(bare.map(([, , payload]) => JSON.stringify(payload)), ["{}", "[]", '{"ok":true}']);
    assert(rows.length > 150);
  });

  it("has the event, wherever that stands", () => {
    for (const row of rows) {
      const { event, title } = told(row);
      assert(!event || title.includes(event), `${event} is missing in: ${title}`);
    }
  });
});

function told([, type, payload, headers = {}]: Row) {
  const parsed = typeof payload === "string"
    ? parsePayload(new TextEncoder().encode(payload), headers["content-type"])
    : payload;
  return generic.describe(parsed, { type, headers: new Headers(headers) });
}
