import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { existsSync } from "node:fs";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, posix } from "node:path";
import { pathToFileURL } from "node:url";
import { writePage } from "../../docs/sources.ts";
import { readConfig } from "../../lib/config/config.ts";
import { parseJson } from "../../lib/config/json_file.ts";
import { sources } from "../../sources/mod.ts";
import { sourcesFile } from "../../sources/rules/settings.ts";
import type { Source } from "../../sources/source.ts";
import { assertDescription, described, request, signedSample } from "../sources/request.ts";

const at = (path: string) => new URL(`../../${path}`, import.meta.url);
const read = (path: string) => readFile(at(path), "utf8");
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

  it("says of every source where to set it up, how to try it, and what is verified", async () => {
    const page = bare(await read("docs/sources.md"));
    for (const [name, source] of Object.entries<Source>(sources)) {
      assert(source.setup && source.proof, `${name} needs setup and proof`);
      assert(page.includes(bare(source.setup)), name);
      assert(page.includes(`\`deno task send ${name}\``), name);
      for (const trouble of source.troubles ?? []) {
        assert(/^[A-Z].*[.)]$/.test(trouble), `${name}: ${trouble}`);
        assert(page.includes(bare(trouble)), name);
      }
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

describe("the page about changing Otto", () => {
  it("shows a source that keeps what all of them promise", async () => {
    const shown = [...(await read("CONTRIBUTING.md")).matchAll(/```ts\n([\s\S]*?)```/g)];
    const code = shown.map(([, block]) => block.replaceAll('"./', `"${at("sources/")}`)).join("\n");
    const file = await Deno.makeTempFile({ suffix: ".ts" });
    try {
      await writeFile(file, code);
      const source: Source = await import(pathToFileURL(file).href);
      const [sample] = source.samples!;
      const signed = await signedSample(source, sample, "a-secret-key");
      assertEquals(await source.verify!(signed, ["a-secret-key"]), { ok: true });
      assertEquals((await source.verify!(signed, ["another"])).ok, false);
      assertEquals(source.deliveryId!(signed), "SAMPLE");
      assertEquals(described(source, signed).title, "Globex shipped order 7");
      assertDescription(described(source, request("{}")));
    } finally {
      await rm(file);
    }
  });
});

describe("the pages about Otto", () => {
  /** A file that the reader is told to write. */
  const EXAMPLES = ["sources/globex.ts"];

  async function listDocs(): Promise<string[]> {
    const names = await readdir(at("docs"));
    return names.filter((name) => name.endsWith(".md")).map((name) => `docs/${name}`);
  }

  async function listPages(): Promise<string[]> {
    return [
      ...["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "bench/README.md", "tests/std/README.md"],
      ...await listDocs(),
    ];
  }

  /** What a page links to on this disk, as paths from the repository's root. */
  async function linksOf(page: string): Promise<string[]> {
    const links = (await read(page)).matchAll(/\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)/gm);
    return [...links].map(([, inline, apart]) => (inline ?? apart).replace(/#.*/, ""))
      .filter((link) => link !== "" && !/^[a-z]+:/.test(link))
      .map((link) => posix.join(dirname(page), link));
  }

  it("begin with one that is short enough to decide by", async () => {
    const lines = (await read("README.md")).trimEnd().split("\n").length;
    assert(lines <= 150, `README.md has ${lines} lines; what is more belongs into docs/`);
  });

  it("link to files that are there", async () => {
    for (const page of await listPages()) {
      const links = await linksOf(page);
      assertEquals(links.filter((link) => !existsSync(at(link))), [], page);
    }
    assert((await linksOf("README.md")).length > 5, "the links were not found");
  });

  it("name files and folders that are there", async () => {
    for (const page of await listPages()) {
      // Not within an address or a longer path, such as `mcp.example.com/docs/`.
      const named = (await read(page)).matchAll(
        /(?<![\w./:-])(?:handlers|lib|sources|tests|bench|docs|deploy)\/[\w./-]*\w?/g,
      );
      const paths = [...named].map(([path]) => path.replace(/\.$/, ""));
      const missing = paths.filter((path) => !existsSync(at(path)) && !EXAMPLES.includes(path));
      assertEquals(missing, [], page);
    }
  });

  it("are all in the index", async () => {
    const indexed = await linksOf("docs/README.md");
    const pages = (await listDocs()).filter((page) => page !== "docs/README.md");
    assertEquals(pages.filter((page) => !indexed.includes(page)), []);
  });
});
