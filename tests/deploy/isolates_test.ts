import { assert, assertEquals, assertMatch } from "@std/assert";
import { beforeEach, it } from "@std/testing/bdd";
import { createHmac } from "node:crypto";
import { startOpenAi } from "../fakes/openai.ts";
import { describeWith, openRelay, startProcess, until } from "../servers/mod.ts";
import { ADMIN, ADMIN_TOKEN, type Isolate, migrate, rounds, startIsolate } from "./isolate.ts";
import { ask, outcomesOf } from "./rows.ts";

/** Leases run out after six seconds, and the machine may be busy. */
const SETTLED = { what: "all to be settled", timeoutMs: 60_000 };
const SECRET = "github-secret-4711";

describeWith({ postgres: true }, "isolates that start by request", (servers) => {
  let url: string;
  beforeEach(async () => {
    url = await servers.postgres.createDatabase();
    await migrate(url);
  });

  const isSettled = async (isolate: Isolate) => (await isolate.drain()).left === 0;

  it("work a webhook off after its answer", async () => {
    await using isolate = await startIsolate(url);
    const id = await isolate.send({ title: "Hello" });
    await until(async () => (await outcomesOf(url)).get(id)?.ends === 1, SETTLED);
  });

  it("lose nothing and do nothing twice when they are killed right after their answers", async () => {
    await using survivor = await startIsolate(url);
    const accepted: string[] = [];
    async function startSendAndKill(round: number): Promise<void> {
      await using isolate = await startIsolate(url);
      const sends = Array.from({ length: 5 }, (_, at) => isolate.send({ round, at }));
      accepted.push(...await Promise.all(sends));
      await isolate.process.kill("SIGKILL");
    }
    const all = Array.from({ length: rounds(6) }, (_, round) => round);
    let killed = false;
    const drains = (async () => {
      while (!killed) await survivor.drain();
    })();
    for (let at = 0; at < all.length; at += 2) {
      await Promise.all(all.slice(at, at + 2).map(startSendAndKill));
    }
    killed = true;
    await drains;
    await until(() => isSettled(survivor), SETTLED);
    const outcomes = await outcomesOf(url);
    assertEquals(outcomes.size, accepted.length);
    for (const id of accepted) assertEquals(outcomes.get(id), { tasks: 1, ends: 1 }, id);
  });

  it("find room in a role with ten connections, three of them at once", async () => {
    const role = `few_${crypto.randomUUID().slice(0, 8)}`;
    const name = new URL(url).pathname.slice(1);
    await ask(url, (sql) =>
      sql.unsafe(`
        create role ${role} login connection limit 10;
        grant all on all tables in schema public to ${role};
        grant all on all sequences in schema public to ${role};
        grant all on database "${name}" to ${role}`));
    const own = new URL(url);
    own.username = role;
    await using first = await startIsolate(own.href);
    await using second = await startIsolate(own.href);
    await using third = await startIsolate(own.href);
    const isolates = [first, second, third];
    const asked = Array.from({ length: 60 }, (_, at) => at).map(async (at) => {
      const isolate = isolates[at % 3];
      const answer = at % 2
        ? await isolate.ask("/webhook/demo", { method: "POST", body: JSON.stringify({ at }) })
        : await isolate.ask("/api/tasks", { headers: ADMIN });
      await answer.body?.cancel();
      return answer.status;
    });
    assertEquals(new Set(await Promise.all(asked)), new Set([200]));
    const [{ count }] = await ask(url, (sql) =>
      sql<{ count: number }[]>`
        select count(*)::int as count from pg_stat_activity where usename = ${role}`);
    assert(count <= 9, `${count} connections`);
    await until(() => isSettled(first), SETTLED);
    await ask(url, (sql) => sql.unsafe(`drop owned by ${role} cascade`));
  });

  it("end in time when a step is in hand and the database is 40 ms away, and the try counts", async () => {
    await using fake = startOpenAi();
    fake.script = ["hang"];
    await using relay = await openRelay(Number(new URL(url).port), { roundTripMs: 40 });
    const far = new URL(url);
    far.port = String(relay.port);
    await using isolate = await startIsolate(far.href, {
      GITHUB_WEBHOOK_SECRET: SECRET,
      OPENAI_API_KEY: "key",
      OPEN_AI_BASE: `${fake.url}/v1`,
    });
    const body = JSON.stringify({ action: "opened", issue: { number: 1 } });
    const signature = createHmac("sha256", SECRET).update(body).digest("hex");
    await isolate.send(body, "github", {
      "x-github-event": "issues",
      "x-hub-signature-256": `sha256=${signature}`,
      "content-type": "application/json",
    });
    await until(() => fake.asked.length === 1, SETTLED);
    // It ends with 1 when it took longer than 3.5 s.
    assertEquals(await isolate.process.kill("SIGINT"), { code: 0, signal: null });
    const rows = await ask(
      url,
      (sql) => sql`select status, attempts, lease_until < now() as free from tasks`,
    );
    assertEquals([...rows], [{ status: "running", attempts: 1, free: true }]);
  });

  it("write nothing to the disk", async () => {
    await using isolate = await startIsolate(url, {}, ["-A", "--deny-write"]);
    const id = await isolate.send({ title: "Hello" });
    await until(async () => (await outcomesOf(url)).get(id)?.ends === 1, SETTLED);
    assertEquals(isolate.process.lines.filter((line) => /denied|NotCapable/i.test(line)), []);
  });

  it("work beside a newer schema", async () => {
    await ask(url, (sql) => sql`insert into migrations (version, name) values (9999, 'newer')`);
    await using isolate = await startIsolate(url);
    const id = await isolate.send({ title: "Hello" });
    await until(async () => (await outcomesOf(url)).get(id)?.ends === 1, SETTLED);
  });

  it("say what is to be done while nobody has migrated, and take messages once somebody has", async () => {
    const empty = await servers.postgres.createDatabase();
    await using isolate = await startIsolate(empty);
    await isolate.process.waitForLine(/needs \d+: run main\.ts --migrate/);
    const refused = await isolate.ask("/webhook/demo", { method: "POST", body: "{}" });
    assertEquals(refused.status, 503);
    await refused.body?.cancel();
    await migrate(empty);
    await until(async () => {
      const answer = await isolate.ask("/webhook/demo", { method: "POST", body: "{}" });
      await answer.body?.cancel();
      return answer.status === 200;
    }, SETTLED);
  });

  it("tell in their answers and logs which setting is wrong", async () => {
    for (const [name, value] of [["ADMIN_TOKEN", ""], ["DATABASE_URL", ""], ["PORT", "many"]]) {
      await using isolate = await startIsolate(url, { [name]: value });
      const answer = await isolate.ask("/webhook/demo", { method: "POST", body: "{}" });
      assertEquals(answer.status, 503);
      assertMatch((await answer.json()).error.message, new RegExp(name));
      await isolate.process.waitForLine(new RegExp(name));
      assertEquals(await isolate.process.kill("SIGINT"), { code: 0, signal: null });
    }
  });

  it("say in the log why the database does not let them in, and nothing of it to strangers", async () => {
    const wrong = url.replace(/\/[^/]*$/, "/no_such_database");
    await using isolate = await startIsolate(wrong);
    await isolate.process.waitForLine(/there is no database "no_such_database"/);
    const answer = await isolate.ask("/webhook/demo", { method: "POST", body: "{}" });
    const said = await answer.text();
    assertEquals(answer.status, 503);
    assertMatch(said, /DATABASE_URL/);
    assert(!said.includes("no_such_database"), said);
  });

  it("are not what main.ts is for", async () => {
    await using process = startProcess(["main.ts"], {
      DENO_DEPLOY: "true",
      DATABASE_URL: url,
      ADMIN_TOKEN,
    });
    assertEquals((await process.exited).code, 1);
    assertMatch(process.lines.join("\n"), /Cannot serve on Deno Deploy with main\.ts.*deploy\.ts/);
  });

  it("tell the platform of the cron before they serve, whatever the settings are", async () => {
    await using process = startProcess(["-A", "tests/deploy/order.ts"], {}, {
      runtime: "deno",
    });
    assertEquals((await process.exited).code, 0, process.lines.join("\n"));
    assertEquals(process.lines, ['cron "otto-drain" "* * * * *"', "serve"]);
  });
});
