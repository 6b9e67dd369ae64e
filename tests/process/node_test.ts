import { assertEquals, assertMatch } from "@std/assert";
import { afterAll, beforeAll, it } from "@std/testing/bdd";
import { execFile } from "node:child_process";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describeWith, freePort, ROOT, startProcess, until } from "../servers/mod.ts";

const NEEDED = [
  "main.ts",
  "worker.ts",
  "lib",
  "handlers",
  "sources",
  "package.json",
  "package-lock.json",
];

describeWith({ node: true, postgres: true, redis: true }, "on Node", (servers) => {
  let cwd: string;
  beforeAll(async () => {
    cwd = await mkdtemp(join(tmpdir(), "otto-node-"));
    for (const name of NEEDED) await cp(join(ROOT, name), join(cwd, name), { recursive: true });
    await promisify(execFile)("npm", ["ci", "--ignore-scripts"], { cwd, timeout: 120_000 });
  });
  afterAll(() => rm(cwd, { recursive: true, force: true }));

  it("main.ts and worker.ts turn webhooks into finished tasks, and stop in order", async () => {
    const port = await freePort();
    const env = {
      PORT: String(port),
      DATABASE_URL: await servers.postgres.createDatabase(),
      REDIS_URL: servers.redis.url,
    };
    await using web = startProcess(["main.ts"], env, { runtime: "node", cwd });
    await using worker = startProcess(["worker.ts"], env, { runtime: "node", cwd });
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
    await using web = startProcess(["main.ts"], { PORT: String(port) }, { runtime: "node", cwd });
    await web.waitForLine(/Otto is ready/, { timeoutMs: 30_000 });
    const origin = `http://127.0.0.1:${port}`;
    const sent = await fetch(`${origin}/webhook/demo`, { method: "POST", body: "hello" });
    assertEquals(sent.status, 200);
    await sent.body?.cancel();
    await until(async () => {
      const tasks = await (await fetch(`${origin}/api/tasks`)).json();
      return tasks.items[0]?.status === "completed";
    }, { what: "the finished task", timeoutMs: 20_000 });
    assertEquals((await web.kill("SIGTERM")).code, 0);
  });
});
