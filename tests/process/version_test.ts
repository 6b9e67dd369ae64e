import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { readFile } from "node:fs/promises";
import { readConfig } from "../../lib/config/config.ts";
import { readVersion } from "../../lib/process/version.ts";
import { json, openOtto } from "../otto.ts";

const COMMIT = "0123456789abcdef0123456789abcdef01234567";

describe("the version", () => {
  it("and the commit stand in /health for anyone, and on the System page", async () => {
    const { version } = JSON.parse(
      await readFile(new URL("../../package.json", import.meta.url), "utf8"),
    );
    await using otto = await openOtto({ OTTO_COMMIT: COMMIT, ADMIN_TOKEN: "a".repeat(20) });
    const health = await otto.ask("/health", { from: "192.0.2.1" });
    assertEquals(await json(health), { status: "ok", version, commit: COMMIT });
    const page = await (await otto.ask("/system", {
      headers: { authorization: `Bearer ${"a".repeat(20)}` },
    })).text();
    assertMatch(page, new RegExp(`<dt>Otto</dt>\\s*<dd>${version}</dd>`));
    assertMatch(page, new RegExp(`<dt>Commit</dt>\\s*<dd>${COMMIT.slice(0, 12)}</dd>`));
  });

  it("has the commit that is checked out, as git keeps it, and none where nothing says so", async () => {
    const folder = await Deno.makeTempDir();
    const root = new URL(`file://${folder}/`);
    const write = async (path: string, text: string) => {
      await Deno.mkdir(new URL(`.git/${path}/..`, root), { recursive: true });
      await Deno.writeTextFile(new URL(`.git/${path}`, root), text);
    };
    try {
      assertEquals(readVersion(undefined, root).commit, undefined);
      await write("HEAD", `${COMMIT}\n`);
      assertEquals(readVersion(undefined, root).commit, COMMIT);
      await write("HEAD", "ref: refs/heads/a-branch/of-two\n");
      assertEquals(readVersion(undefined, root).commit, undefined);
      const packed = COMMIT.replaceAll("0", "a");
      await write("packed-refs", `# pack-refs\n${packed} refs/heads/a-branch/of-two\n^${COMMIT}\n`);
      assertEquals(readVersion(undefined, root).commit, packed);
      await write("refs/heads/a-branch/of-two", `${COMMIT}\n`);
      assertEquals(readVersion(undefined, root).commit, COMMIT);
      assertEquals(readVersion(packed, root).commit, packed);
      await write("HEAD", "ref: refs/../../../etc/passwd\n");
      assertEquals(readVersion(undefined, root).commit, undefined);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });

  it("of a commit that is none stops the start with words", () => {
    assertThrows(() => readConfig({ OTTO_COMMIT: "main" }), Error, "OTTO_COMMIT must be a commit");
  });
});
