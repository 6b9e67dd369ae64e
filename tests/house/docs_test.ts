import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { readFile } from "node:fs/promises";
import { writePage } from "../../docs/sources.ts";
import { readConfig } from "../../lib/config/config.ts";
import { parseJson } from "../../lib/config/json_file.ts";
import { sources } from "../../sources/mod.ts";
import { sourcesFile } from "../../sources/rules/settings.ts";
import type { Source } from "../../sources/source.ts";

const read = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), "utf8");
/** Text without what a formatter may change. */
const bare = (text: string) => text.replace(/-{3,}/g, "---").replace(/\s+/g, " ").trim();

describe("the page about senders", () => {
  it("is what the modules say", async () => {
    assertEquals(
      bare(await read("docs/sources.md")),
      bare(writePage()),
      "run: deno task sources-table",
    );
  });

  it("names every source with its variable, which the settings hear", async () => {
    const page = await read("docs/sources.md");
    for (const [name, source] of Object.entries<Source>(sources)) {
      assert(page.includes(`\`/webhook/${name}\``), name);
      const variable = source.secretVariable ??
        `WEBHOOK_SECRET_${name.toUpperCase()}`;
      assert(page.includes(`\`${variable}\``), variable);
      assertEquals(readConfig({ [variable]: "x" }).secrets.get(variable), [
        "x",
      ]);
    }
  });
});

describe("the page about the file of sources", () => {
  it("shows a file that Otto takes, and names every field of it", async () => {
    const text = await read("docs/sources-file.md");
    const [, example] = /```json\n([\s\S]*?)```/.exec(text)!;
    const settings = parseJson("the example", example, sourcesFile);
    assertEquals(Object.keys(settings), ["acme", "github"]);
    for (const field of Object.keys(sourcesFile.valueType.shape)) {
      assert(
        text.includes(`\`${field}\``),
        `docs/sources-file.md does not name ${field}`,
      );
    }
  });
});
