import { assert, assertEquals, assertMatch } from "@std/assert";
import { afterAll, beforeAll, it } from "@std/testing/bdd";
import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describeWith, freePort, ROOT, startProcess, until } from "../servers/mod.ts";
import { findNode } from "../servers/node.ts";

const NEEDED = [
  "main.ts",
  "worker.ts",
  "lib",
  "handlers",
  "sources",
  "package.json",
  "package-lock.json",
];

describeWith({ node: true }, "npm start", () => {
  let cwd: string;
  beforeAll(async () => {
    cwd = await mkdtemp(join(tmpdir(), "otto-node-"));
    for (const name of ["main.ts", "require_node.cjs", "package.json"]) {
      await cp(join(ROOT, name), join(cwd, name));
    }
    await writeFile(
      join(cwd, "old.cjs"),
      'Object.defineProperty(process, "version", { value: "v22.17.9" });',
    );
  });
  afterAll(() => rm(cwd, { recursive: true, force: true }));

  /** Runs what package.json runs for each entrypoint, and gives all that it says. */
  async function start(...flags: string[]): Promise<string[]> {
    const { scripts } = JSON.parse(await readFile(join(cwd, "package.json"), "utf8"));
    return await Promise.all(
      Object.values<string>(scripts).map(async (script) => {
        const [, ...args] = script.split(" ");
        const { status, said } = await runNode([...flags, ...args], cwd);
        assertEquals(status, 1, script);
        return said;
      }),
    );
  }

  it("says in one line that Node is too old", async () => {
    for (const said of await start("-r", "./old.cjs")) {
      assertMatch(said, /^Cannot start on Node v22\.17\.9: Otto needs 22\.18 or newer.*\n$/);
    }
  });

  it("says in one line that the packages are not installed", async () => {
    for (const said of await start()) {
      assertMatch(said, /^Cannot start: (\d+) of \1 packages are not installed\. Run: npm ci\n$/);
    }
  });
});

function runNode(args: string[], cwd: string): Promise<{ status: number | null; said: string }> {
  return new Promise((resolve) => {
    const child = execFile(
      findNode()!,
      args,
      { cwd, timeout: 20_000 },
      (_error, stdout, stderr) => resolve({ status: child.exitCode, said: stdout + stderr }),
    );
  });
}

describeWith({ node: true, postgres: true, redis: true }, "on Node", (servers) => {
  let cwd: string;
  beforeAll(async () => {
    cwd = await mkdtemp(join(tmpdir(), "otto-node-"));
    for (const name of NEEDED) await cp(join(ROOT, name), join(cwd, name), { recursive: true });
    // npm may run on an older Node than the one that runs Otto here.
    await promisify(execFile)("npm", ["ci", "--ignore-scripts", "--engine-strict=false"], {
      cwd,
      timeout: 120_000,
    });
  });
  afterAll(() => rm(cwd, { recursive: true, force: true }));

  it("main.ts and worker.ts turn webhooks into finished tasks, and stop in order", async () => {
    const port = await freePort();
    const env = {
      PORT: String(port),
      DATABASE_URL: await servers.postgres.createDatabase(),
      REDIS_URL: servers.redis.url,
    };
    await using web = startProcess([join(cwd, "main.ts")], env, { runtime: "node", cwd });
    await using worker = startProcess([join(cwd, "worker.ts")], env, { runtime: "node", cwd });
    await web.waitForLine(/Otto is ready/, { timeoutMs: 20_000 });
    const origin = `http://127.0.0.1:${port}`;
    for (let number = 0; number < 20; number++) {
      const answer = await until(async () => {
        const sent = await fetch(`${origin}/webhook/github`, {
          method: "POST",
          body: JSON.stringify({ zen: `number ${number}` }),
          headers: { "x-github-event": "ping", "x-github-delivery": `node-${number}` },
        });
        if (sent.status === 200) return sent;
        await sent.body?.cancel();
      }, { what: "the message to be taken", timeoutMs: 20_000 });
      assertMatch(await answer.text(), /^{"status":"received","message_id":"[0-9a-f-]{36}"/);
    }
    const tasks = await until(async () => {
      const { items } = await (await fetch(`${origin}/api/tasks?status=completed`)).json();
      return items.length === 20 && items;
    }, { what: "twenty finished tasks", timeoutMs: 20_000 });
    assertEquals(new Set(tasks.map((task: { message_id: string }) => task.message_id)).size, 20);
    assertEquals((await web.kill("SIGTERM")).code, 0);
    assertEquals((await worker.kill("SIGTERM")).code, 0);
  });

  it("main.ts alone keeps everything in its folder", async () => {
    const port = await freePort();
    await using web = startProcess([join(cwd, "main.ts")], { PORT: String(port) }, {
      runtime: "node",
      cwd,
    });
    await web.waitForLine(/Otto is ready/, { timeoutMs: 30_000 });
    const origin = `http://127.0.0.1:${port}`;
    const sent = await fetch(`${origin}/webhook/demo`, { method: "POST", body: "hello" });
    assertEquals(sent.status, 200);
    await sent.body?.cancel();
    const finished = (count: number) =>
      until(async () => {
        const { items } = await (await fetch(`${origin}/api/tasks`)).json();
        return items.length === count &&
          items.every(({ status }: { status: string }) => status === "completed") && items[0];
      }, { what: "the finished task", timeoutMs: 60_000 });
    await finished(1);
    // Large enough for a thread of its own.
    const issue = { title: "Ring twice", number: 7, labels: Array(200_000).fill({ id: 1 }) };
    const large = await fetch(`${origin}/webhook/github`, {
      method: "POST",
      body: JSON.stringify({
        action: "opened",
        issue,
        repository: { full_name: "octo/phone" },
        sender: { login: "ada" },
      }),
      headers: { "x-github-event": "issues" },
    });
    assertEquals(large.status, 200);
    await large.body?.cancel();
    assertMatch((await finished(2)).title, /Ring twice/);
    assert(!web.lines.some((line) => line.includes("reading.no_thread")), web.lines.join("\n"));
    assertEquals((await web.kill("SIGTERM")).code, 0);
  });
});
