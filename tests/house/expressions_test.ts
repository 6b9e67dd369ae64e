import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import jsTokens from "js-tokens";
import { readdir, readFile } from "node:fs/promises";
import { join, posix } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { check } from "recheck";

const ENTRYPOINTS = ["main.ts", "worker.ts", "otto.ts"];
const root = fileURLToPath(new URL("../..", import.meta.url));

/** Expressions that the checker does not find linear, or cannot judge, and why they may stay. */
const ALLOWED: Record<string, string> = {
  [
    String
      .raw`lib/agent/mcp/servers.ts /^[A-Za-z0-9]([A-Za-z0-9-]|_(?!_|$)){0,30}$/`
  ]: "names of servers in the operator's own file",
  [String.raw`lib/config/settings.ts /\s*=\s*/`]: "the operator's own SLACK_CHANNELS",
  [String.raw`lib/config/settings.ts /\/+$/`]: "the operator's own SLACK_API_URL",
  [String.raw`lib/arq/pickle/json.ts /([\w+-]+\/){0,2}[\w+-]{1,32}$/`]:
    "only a value's last 64 characters are looked at",
  [String.raw`lib/config/model/model_settings.ts /(?<!\/)\/+$/`]:
    "the operator's own URL of a model",
  [String.raw`lib/config/reply_settings.ts /\/+$/`]: "the operator's own URL of a vendor's API",
  [String.raw`lib/agent/fence.ts /<(?=(?:\s*\/)?\s*untrusted-data)/gi`]:
    "a look ahead, which the checker cannot judge: over the spaces behind one bracket, twice",
  [
    String.raw`lib/agent/mcp/mcp.ts /unknown tool|tool .{0,100}not found|no such tool/i`
  ]: "only an error's first 500 characters are looked at",
  [
    String
      .raw`lib/agent/provider/tool_schema.ts /(?:\btools[.[]|function_?declarations\[)(\d{1,4})\b(?!\]\.function_?declarations)/i`
  ]: "a look ahead, which the checker cannot judge: no part of it repeats",
  [String.raw`handlers/mod.ts /^\/(?!webhook|api|static)[^/\\].*[^/]\/$/`]:
    "a look ahead, which the checker cannot judge: from the beginning only, given back one by one",
  [String.raw`lib/notify/reply/client.ts /^(?!\.{1,2}$)[A-Za-z0-9._:@=-]+$/`]:
    "a look ahead, which the checker cannot judge: from the beginning only, one way",
  [
    String
      .raw`sources/kit/reply/harmless.ts /&(?:#\d+(?!\d)|#x[\da-f]+(?![\da-f])|colon|sol|period);?(?=[^\s;])/`
  ]: "looks ahead, which the checker cannot judge: one way from each &",
  [
    String
      .raw`sources/kit/reply/harmless.ts /(?:@|&(?:#0*64(?!\d)|#x0*40(?![\da-f])|commat);?)(?=\S)/gi`
  ]: "looks ahead, which the checker cannot judge: one way from each @ and each &",
  [String.raw`sources/kit/reply/harmless.ts /^@(?![a-z\d][\w.-]*\/[a-z\d])/i`]:
    "a look ahead, which the checker cannot judge: 66 characters at most",
  [String.raw`sources/kit/reply/harmless.ts /^@v?\d+(?:\.\d+)*(?![\w-]|\.\w)/i`]:
    "a look ahead, which the checker cannot judge: 30 characters at most",
  [
    "sources/kit/reply/harmless.ts " +
    String.raw`/(?<![a-z])https?\\?:\\?\/\\?\/[a-z\d\\][a-z\d.\\-]*(?::\d+)?(?:\\?[/?#][^\s<>()` +
    "`" + String.raw`|]*)?/`
  ]: "a look behind, which the checker cannot judge: one way from each scheme",
  [
    String
      .raw`sources/kit/reply/harmless.ts /^(http(s)?:\/\/[\w.-]+)(?::(\d+))?(?=\/[^?#]*\/(?:issues|merge_requests|work_items|epics)\/[\d%&])/i`
  ]: "a look ahead, which the checker cannot judge: from the beginning only, one way",
  [String.raw`sources/diagnosis/diagnosis.ts /^(["'])(.*)\1$/`]: "the operator's own secrets",
  [String.raw`sources/rules/settings.ts /^(?!\.+$)[a-z0-9._-]{1,64}$/`]:
    "names of sources in the operator's own file",
  [String.raw`handlers/webhook_type.ts /^(?!\.+$)[A-Za-z0-9._-]{1,64}$/`]:
    "a look ahead, which the checker cannot judge: one way through dots, from the beginning only",
  [String.raw`sources/kit/payload.ts /(?<![^[:,\s])-?\d{16,}(?![^\]},\s])/g`]:
    "looks around, which the checker cannot judge: digits are entered at their beginning only, " +
    "and given back one by one; tests/linear/readers_test.ts measures it",
  [
    String
      .raw`sources/kit/line.ts /(?<![[\p{L}\p{M}\p{Extended_Pictographic}\p{Emoji_Modifier}]--\p{Script=Latin}])[\u200C\u200D]|[\u200C\u200D](?![[\p{L}\p{Extended_Pictographic}]--\p{Script=Latin}])|(?<!\p{Emoji})[\uFE0E\uFE0F]/gv`
  ]: "the flag v, which the checker cannot read: each part is one character and its neighbour",
};

interface Expression {
  place: string;
  source: string;
  flags: string;
}

async function readExpressions(): Promise<Expression[]> {
  const paths = [...ENTRYPOINTS];
  for (const folder of ["commands", "handlers", "lib", "sources"]) {
    for (const name of await readdir(join(root, folder), { recursive: true })) {
      if (name.endsWith(".ts")) paths.push(posix.join(folder, name));
    }
  }
  const all = await Promise.all(paths.map(async (path) => {
    const tokens = jsTokens(await readFile(join(root, path), "utf8"));
    return [...tokens].filter(({ type }) => type === "RegularExpressionLiteral")
      .map(({ value }): Expression => {
        const end = value.lastIndexOf("/");
        const [source, flags] = [value.slice(1, end), value.slice(end + 1)];
        return { place: `${path} ${value}`, source, flags };
      });
  }));
  return all.flat();
}

/**
 * An expression in which what may be repeated often may be repeated for ever: what is
 * quadratic up to 2,000 characters is slow, too. And the checker need not count.
 */
function widened(source: string): string {
  return source.replace(
    /\\.|\[(?:[^\]\\]|\\.)*\]|\{(\d+)(,?)(\d*)\}/g,
    (whole, least?: string, comma?: string, most?: string) => {
      if (least === undefined) return whole;
      const end = most && Number(most) <= 3 ? most : "";
      return `{${Math.min(Number(least), 2)}${comma}${end}}`;
    },
  );
}

/** Its pure form needs no Java and no program of its own. */
async function loadChecker(): Promise<typeof check> {
  process.env.RECHECK_BACKEND = "pure";
  return (await import("recheck")).check;
}

describe("every regular expression", () => {
  it("is linear, or never meets a stranger's bytes", async () => {
    const checker = await loadChecker();
    const expressions = await readExpressions();
    assert(
      expressions.length > 200,
      `only ${expressions.length} expressions are found`,
    );
    const known = new Map<string, Promise<string>>();
    const judge = async ({ source, flags }: Expression) => {
      // By automata, and without a limit of time: the same on every machine, however busy it is.
      const found = await checker(widened(source), flags, {
        checker: "automaton",
        timeout: null,
      });
      if (found.status !== "vulnerable") return found.status;
      return `${found.complexity.summary}: ${JSON.stringify(found.attack.pattern)}`;
    };
    const wrong: string[] = [];
    const needed = new Set<string>();
    for (const expression of expressions) {
      const key = `/${expression.source}/${expression.flags}`;
      const verdict = known.get(key) ?? judge(expression);
      known.set(key, verdict);
      if (await verdict === "safe") continue;
      needed.add(expression.place);
      if (!Object.hasOwn(ALLOWED, expression.place)) {
        wrong.push(`${expression.place}\n    ${await verdict}`);
      }
    }
    assertEquals(wrong, []);
    assertEquals(
      Object.keys(ALLOWED).filter((place) => !needed.has(place)),
      [],
    );
  });
});
