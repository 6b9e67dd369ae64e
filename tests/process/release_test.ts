import { assert, assertEquals, assertMatch } from "@std/assert";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import { execFileSync } from "node:child_process";
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT, startProcess } from "../servers/mod.ts";

const FILES = ["package.json", "package-lock.json", "CHANGELOG.md", "deploy/kubernetes.yaml"];
const AUTHOR = {
  GIT_AUTHOR_NAME: "Ada",
  GIT_AUTHOR_EMAIL: "ada@example.com",
  GIT_COMMITTER_NAME: "Ada",
  GIT_COMMITTER_EMAIL: "ada@example.com",
};

describe("deno task release", () => {
  let cwd: string;
  const git = (...args: string[]) =>
    execFileSync("git", args, { cwd, encoding: "utf8", env: { ...AUTHOR, PATH: "/usr/bin:/bin" } });
  const read = (name: string) => readFile(join(cwd, name), "utf8");
  /** Runs it with the permissions of its task, and gives its exit code and all that it says. */
  async function release(...args: string[]): Promise<[code: number | null, said: string]> {
    const { tasks } = JSON.parse(await readFile(join(ROOT, "deno.json"), "utf8"));
    const flags = tasks.release.command.split(" ").filter((word: string) => /^--/.test(word));
    await using child = startProcess([...flags, "deploy/release.ts", ...args], AUTHOR, { cwd });
    const { code } = await child.exited;
    return [code, child.lines.join("\n")];
  }

  beforeAll(async () => {
    cwd = await mkdtemp(join(tmpdir(), "otto-release-"));
    for (const name of FILES) await cp(join(ROOT, name), join(cwd, name));
    git("init", "--quiet");
    git("add", ".");
    git("commit", "--quiet", "--message", "Begin");
  });
  afterAll(() => rm(cwd, { recursive: true, force: true }));

  it("changes nothing when it is asked what it would do", async () => {
    const [code, said] = await release("7.1.0", "--dry-run");
    assertEquals(code, 0, said);
    assertMatch(said, /would change CHANGELOG\.md[^]*tag v7\.1\.0; nothing was done/);
    assertEquals(git("status", "--porcelain") + git("tag"), "");
  });

  it("refuses what is no later version, in one sentence", async () => {
    for (const version of ["0.0.9", "next", "1.0"]) {
      const [code, said] = await release(version);
      assertEquals(code, 1);
      assertMatch(said, /^Cannot release [^\n]+$/);
    }
  });

  it("makes version, section and image's tag in one commit, which its own words undo", async () => {
    const before = git("rev-parse", "HEAD");
    const [code, said] = await release("7.1.0");
    assertEquals(code, 0, said);
    assertEquals(git("status", "--porcelain"), "");
    assertEquals(git("describe").trim(), "v7.1.0");
    assertEquals(git("rev-parse", "HEAD~1"), before);
    assertEquals(JSON.parse(await read("package.json")).version, "7.1.0");
    const lock = JSON.parse(await read("package-lock.json"));
    assertEquals([lock.version, lock.packages[""].version], ["7.1.0", "7.1.0"]);
    assertMatch(await read("CHANGELOG.md"), /## Unreleased\n\n## 7\.1\.0 \(\d{4}-\d\d-\d\d\)\n\n#/);
    const images = (await read("deploy/kubernetes.yaml")).match(/image: \S+/g)!;
    assertEquals([...new Set(images)], ["image: otto:7.1.0"]);

    const [again, refused] = await release("7.1.0");
    assertEquals(again, 1);
    assertMatch(refused, /says nothing under "Unreleased"/);

    const undo = /undo it: git (.+) && git (.+)$/m.exec(said)!;
    git(...undo[1].split(" "));
    git(...undo[2].split(" "));
    assertEquals(git("rev-parse", "HEAD"), before);
    assertEquals(git("tag"), "");
    assert((await read("package.json")).includes('"version": "0.'));
  });
});
