import { assert, assertEquals, assertMatch } from "@std/assert";
import { beforeEach, it } from "@std/testing/bdd";
import { createHmac } from "node:crypto";
import { drain, drainBy } from "../../lib/work/drain.ts";
import { openDrainer } from "../../lib/work/drainer.ts";
import { deadline } from "../../lib/async/deadline.ts";
import { createWorker } from "../../lib/work/work.ts";
import type { Database } from "../../lib/store/database.ts";
import type { Services } from "../../lib/services.ts";
import { startOpenAi } from "../fakes/openai.ts";
import { json, openOtto, type Otto } from "../otto.ts";
import { describeWith, until } from "../servers/mod.ts";
import { ADMIN, ADMIN_TOKEN, migrate } from "./isolate.ts";
import { ask, outcomesOf } from "./rows.ts";

const SECRET = "github-secret-4711";
const SETTLED = { what: "all to be settled", timeoutMs: 30_000 };

/** Otto as an isolate has it, in this process. */
const openIsolated = (url: string, env: Record<string, string> = {}) =>
  openOtto({ DENO_DEPLOY: "true", ADMIN_TOKEN, DATABASE_URL: url, ...env });

/** A message that a model may work. */
async function sendSigned(otto: Otto, number: number): Promise<string> {
  const body = JSON.stringify({ action: "opened", issue: { number } });
  const signature = createHmac("sha256", SECRET).update(body).digest("hex");
  return await otto.send("github", body, {
    "content-type": "application/json",
    "x-github-event": "issues",
    "x-hub-signature-256": `sha256=${signature}`,
  });
}

/** These services, and what each of their statements is for. */
function counted(services: Services): { services: Services; asked: string[] } {
  const asked: string[] = [];
  const database: Database = {
    ...services.database,
    query: (what, ...rest) => {
      asked.push(what);
      return services.database.query(what, ...rest);
    },
  };
  return { services: { ...services, database }, asked };
}

describeWith({ postgres: true }, "a drain", (servers) => {
  let url: string;
  beforeEach(async () => {
    url = await servers.postgres.createDatabase();
    await migrate(url);
  });

  it("asks at most four statements when there is nothing to do", async () => {
    await using otto = await openIsolated(url);
    const { services, asked } = counted(otto.services);
    const stop = new AbortController();
    const { left } = await openDrainer(services, stop.signal).drain();
    assertEquals(left, 0);
    assert(asked.length <= 4, asked.join(", "));
    stop.abort();
  });

  it("waits for what it has begun, however long: a model is asked once", async () => {
    await using fake = startOpenAi();
    const asked = Promise.withResolvers<void>();
    const answers = Promise.withResolvers<void>();
    await using slow = startSlowly(fake.url, asked.resolve, answers.promise);
    await using otto = await openIsolated(url, {
      GITHUB_WEBHOOK_SECRET: SECRET,
      OPENAI_API_KEY: "key",
      OPEN_AI_BASE: `${slow.url}/v1`,
    });
    await sendSigned(otto, 1);
    let over = false;
    const limit = { mayStart: () => !over, signal: new AbortController().signal };
    const draining = drainBy(createWorker(otto.services), otto.services, limit);
    await asked.promise;
    over = true;
    answers.resolve();
    assertEquals((await draining).settled, 1);
    assertEquals(fake.asked.length, 1);
  });

  it("begins with nothing after its time, and leaves it to the next", async () => {
    await using otto = await openIsolated(url);
    await otto.send("demo", "{}");
    assertEquals((await drain(otto.services, { maxMs: 0 })).settled, 0);
    assertEquals((await drain(otto.services, { maxMs: 60_000 })).settled, 1);
  });

  it("counts steps that the host cut off, and fails a task with words after three", async () => {
    await using fake = startOpenAi();
    fake.script = ["hang"];
    await using otto = await openIsolated(url, {
      GITHUB_WEBHOOK_SECRET: SECRET,
      OPENAI_API_KEY: "key",
      OPEN_AI_BASE: `${fake.url}/v1`,
    });
    await sendSigned(otto, 1);
    for (let life = 1; life <= 3; life++) {
      const stop = new AbortController();
      const drainer = openDrainer(otto.services, stop.signal);
      drainer.ring();
      await until(() => fake.asked.length === life, SETTLED);
      stop.abort();
      await drainer.stopped;
    }
    const stop = new AbortController();
    await openDrainer(otto.services, stop.signal).drain();
    stop.abort();
    const { items: [task] } = await json(await otto.ask("/api/tasks", { headers: ADMIN }));
    assertEquals([task.status, task.error.code], ["failed", "host_stopped"]);
    assertMatch(task.error.message, /does not live as long as a step .*step_seconds/);
    assertEquals(fake.asked.length, 3);
  });

  it("goes along with one that is on, and loses no message that comes meanwhile", async () => {
    await using otto = await openIsolated(url);
    const stop = new AbortController();
    const drainer = openDrainer(otto.services, stop.signal);
    const ids = await Promise.all(Array.from({ length: 20 }, async (_, at) => {
      const id = await otto.send("demo", JSON.stringify({ at }));
      drainer.ring();
      return id;
    }));
    await until(async () => {
      const outcomes = await outcomesOf(url);
      return ids.every((id) => outcomes.get(id)?.ends === 1);
    }, SETTLED);
    stop.abort();
    await drainer.stopped;
  });

  it("ends a minute's turn in its time, however often somebody rings meanwhile", async () => {
    await using otto = await openIsolated(url);
    const stop = new AbortController();
    const drainer = openDrainer(otto.services, stop.signal, { mostMs: 300 });
    const ringing = setInterval(drainer.ring, 20);
    try {
      await deadline("a minute's turn", 20_000, drainer.everyMinute());
    } finally {
      clearInterval(ringing);
      stop.abort();
      await drainer.stopped;
    }
  });

  it("of several at once gives each task to one", async () => {
    await using otto = await openIsolated(url);
    await Promise.all(
      Array.from({ length: 100 }, (_, at) => otto.send("demo", JSON.stringify({ at }))),
    );
    await using second = await openIsolated(url);
    await using third = await openIsolated(url);
    const drained = await Promise.all(
      [otto, second, third].map(({ services }) => drain(services, { maxMs: 60_000 })),
    );
    assertEquals(drained.reduce((sum, { settled }) => sum + settled, 0), 100);
    for (const outcome of (await outcomesOf(url)).values()) {
      assertEquals(outcome, { tasks: 1, ends: 1 });
    }
  });

  it("in the last three minutes is what health takes for a worker", async () => {
    await using otto = await openIsolated(url);
    const workers = async () => {
      const { checks } = await otto.get("/webhook/health");
      return checks.find(({ name }: { name: string }) => name === "workers");
    };
    await drain(otto.services, { maxMs: 1_000 });
    assertEquals((await workers()).status, "ok");
    const status = await json(await otto.ask("/webhook/status", { headers: ADMIN }));
    assertEquals(status.running, true);
    await ask(url, (sql) => sql`update workers set last_seen = now() - interval '181 seconds'`);
    await until(async () => (await workers()).status === "degraded", SETTLED);
    assertMatch((await workers()).hint, /otto-drain/);
  });

  it("asked for over HTTP says each moment that it goes on, and in the end what it did", async () => {
    await using otto = await openIsolated(url, { DRAIN_TOKEN: "a token that only drains" });
    await otto.send("demo", "{}");
    const answer = await otto.ask("/api/drain", {
      method: "POST",
      headers: { authorization: "Bearer a token that only drains" },
    });
    assertEquals(answer.status, 200);
    const lines = (await answer.text()).trimEnd().split("\n").map((line) => JSON.parse(line));
    assertEquals(lines[0], {});
    const { settled, left, ms } = lines.at(-1);
    assertEquals([settled, left, typeof ms], [1, 0, "number"]);
  });
});

/** A provider's front that answers only when it is told to. */
function startSlowly(url: string, asked: () => void, answers: Promise<void>) {
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    async (request) => {
      const body = await request.text();
      asked();
      await answers;
      const { pathname } = new URL(request.url);
      return await fetch(url + pathname, { method: "POST", body, headers: request.headers });
    },
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
