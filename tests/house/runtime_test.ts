import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import jsTokens from "js-tokens";
import { readdir, readFile } from "node:fs/promises";
import { join, posix } from "node:path";
import { fileURLToPath } from "node:url";

/** Where only Web APIs are used, so that it runs on any of their runtimes: what is pure, and what the web sees. */
const WEB_ONLY = ["sources/", "handlers/"];

/** The built-ins of Node that these use none the less, and which Web API is missing. */
const MUST_STAY: Record<string, string> = {
  "sources/kit/body/content.ts node:zlib *":
    "DecompressionStream makes all that a chunk says at once on Deno, and knows no Brotli on Node 22",
  "sources/rules/address_list.ts node:net BlockList isIP":
    "no Web API reads addresses and networks: an own reader of them decides whom to let in",
  "sources/signature/bytes.ts node:crypto timingSafeEqual":
    "no Web API compares in constant time; what is written in JavaScript is not sure to",
  "sources/signature/hmac.ts node:crypto createHash":
    "Web Crypto hashes only asynchronously: ids of deliveries, and what a registry is built of, are not waited for",
};

/** The only files of the product that speak to Deno itself; Node runs all others as they are. */
const MAY_NAME_DENO = ["lib/process/fetch_alone.ts", "lib/process/serve.ts", "deploy.ts"];

/** What Node has without an import, and browsers and workers have not. */
const NODE_GLOBALS = new Set([
  ...["process", "Buffer", "global", "setImmediate", "clearImmediate", "__dirname", "__filename"],
]);

const root = fileURLToPath(new URL("../..", import.meta.url));

interface Code {
  path: string;
  text: string;
  /** Names that are used by themselves: neither after a dot nor as the name of a property. */
  names: Set<string>;
}

async function readCode(): Promise<Code[]> {
  const paths = (await readdir(root)).filter((name) => name.endsWith(".ts"));
  for (const folder of ["commands", "handlers", "lib", "sources"]) {
    for (const name of await readdir(join(root, folder), { recursive: true })) {
      if (name.endsWith(".ts")) paths.push(posix.join(folder, name));
    }
  }
  return await Promise.all(
    paths.sort().map(async (path) => {
      const text = await readFile(join(root, path), "utf8");
      return { path, text, names: namesIn(text) };
    }),
  );
}

function namesIn(text: string): Set<string> {
  const tokens = [...jsTokens(text)]
    .filter(({ type }) => !/^(WhiteSpace|LineTerminatorSequence|.*Comment)$/.test(type));
  const names = new Set<string>();
  tokens.forEach(({ type, value }, at) => {
    const [before, after] = [tokens[at - 1]?.value, tokens[at + 1]?.value];
    if (type === "IdentifierName" && before !== "." && before !== "?." && after !== ":") {
      names.add(value);
    }
  });
  return names;
}

const isWebOnly = (path: string) => WEB_ONLY.some((place) => path.startsWith(place));

describe("what the code asks of its runtime", () => {
  it("is Web APIs alone in sources and handlers, but for what none of them does", async () => {
    const found: string[] = [];
    for (const { path, text } of await readCode()) {
      if (!isWebOnly(path)) continue;
      for (const [line, module] of text.matchAll(/^.*"(node:[\w/]+)".*$/gm)) {
        const imported = /{(.*)}/.exec(line)?.[1].split(",").map((name) => name.trim()) ?? ["*"];
        found.push([path, module, ...imported].join(" "));
      }
    }
    assertEquals(found, Object.keys(MUST_STAY));
  });

  it("is none of Node's own names there", async () => {
    for (const { path, names } of await readCode()) {
      if (isWebOnly(path)) {
        assertEquals([...names].filter((name) => NODE_GLOBALS.has(name)), [], path);
      }
    }
  });

  it("is Deno's own only where one serves", async () => {
    for (const { path, names } of await readCode()) {
      if (names.has("Deno")) assertEquals(MAY_NAME_DENO.includes(path), true, path);
    }
  });
});
