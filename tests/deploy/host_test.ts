import { assert, assertEquals, assertMatch } from "@std/assert";
import { beforeEach, describe, it } from "@std/testing/bdd";
import { readConfig } from "../../lib/config/config.ts";
import { readDeployConfig } from "../../lib/config/deploy_config.ts";
import { isDeployedHost } from "../../lib/config/deno_deploy.ts";
import { requireMigrated } from "../../lib/store/schema/schema_version.ts";
import { drain } from "../../lib/work/drain.ts";
import { startOpenAi } from "../fakes/openai.ts";
import { json, openOtto } from "../otto.ts";
import { describeWith, startPgBouncer } from "../servers/mod.ts";
import { ADMIN, ADMIN_TOKEN, migrate, startIsolate } from "./isolate.ts";
import { outcomesOf } from "./rows.ts";

/** As the platform names an app of its own (docs.deno.com/deploy/reference/env_vars_and_contexts). */
const APP = {
  DENO_DEPLOY: "true",
  DENO_DEPLOY_ORG_SLUG: "acme",
  DENO_DEPLOY_APP_SLUG: "otto",
  DENO_TIMELINE: "production",
  DATABASE_URL: "postgres://127.0.0.1/otto",
  ADMIN_TOKEN,
};
const HOST = "otto.acme.deno.net";

describe("the settings on Deno Deploy", () => {
  it("make the app's own address the public one, in production alone", () => {
    assertEquals(readConfig(APP).publicUrl, `https://${HOST}`);
    for (const timeline of ["git-branch/main", "preview/abc123"]) {
      assertEquals(readConfig({ ...APP, DENO_TIMELINE: timeline }).publicUrl, undefined);
    }
    const own = "https://otto.example.com";
    assertEquals(readConfig({ ...APP, PUBLIC_URL: own }).publicUrl, own);
  });

  it("take the names of the app's branches and previews for its own, and no other", () => {
    const { denoDeploy } = readConfig(APP);
    for (const name of [HOST, "otto--my-branch.acme.deno.net", "otto-4f5e6d.acme.deno.net"]) {
      assert(isDeployedHost(denoDeploy, name), name);
    }
    const strange = ["evil.acme.deno.net", "otto.evil.deno.net", `otto.evil.com.${HOST}`];
    for (const name of [...strange, "ottoevil.acme.deno.net", `${HOST}.evil.com`, "otto"]) {
      assert(!isDeployedHost(denoDeploy, name), name);
    }
    assert(!isDeployedHost(readConfig({}).denoDeploy, HOST));
  });

  it("have few connections, and no prepared statements that a pooler would mix up", () => {
    const { databasePrepare, usualConnections } = readConfig(APP);
    assertEquals([databasePrepare, usualConnections], [false, 3]);
    assertEquals(readConfig({ ...APP, DATABASE_PREPARE: "true" }).databasePrepare, true);
    assertEquals(readConfig({ ...APP, DATABASE_CONNECTIONS: "2" }).databaseConnections, 2);
  });

  it("let the agent only observe outside production, unless it may act there", () => {
    const model = { OPENAI_API_KEY: "key" };
    const modeOf = (env: Record<string, string>) =>
      readConfig({ ...APP, ...model, ...env }).agent.mode;
    assertEquals(modeOf({}), "on");
    const branch = { DENO_TIMELINE: "git-branch/next" };
    assertEquals(modeOf({ ...branch, AGENT_MODE: "on" }), "observe");
    assertEquals(modeOf({ ...branch, AGENT_MODE: "off" }), "off");
    assertEquals(modeOf({ ...branch, ACT_ON_TIMELINES: "git-branch/next" }), "on");
    assertEquals(modeOf({ ...branch, ACT_ON_TIMELINES: "git-branch/other" }), "observe");
  });

  it("need an admin token, since logs are read by many", () => {
    const { ADMIN_TOKEN: _, ...without } = APP;
    let said = "";
    try {
      readDeployConfig(without);
    } catch (error) {
      said = (error as Error).message;
    }
    assertMatch(said, /without ADMIN_TOKEN/);
  });
});

describeWith({ postgres: true }, "an isolate on deno.net", (servers) => {
  let url: string;
  beforeEach(async () => {
    url = await servers.postgres.createDatabase();
    await migrate(url);
  });
  const open = (env: Record<string, string> = {}) =>
    openOtto({ ...APP, DATABASE_URL: url, ...env });

  it("trusts nobody because of an address, and signs in with a Secure cookie", async () => {
    await using otto = await open();
    const page = { accept: "text/html", host: HOST };
    assertEquals((await otto.ask("/tasks", { headers: page })).status, 303);
    assertEquals((await otto.ask("/api/tasks", { headers: { host: "localhost" } })).status, 401);
    const signedIn = await otto.ask("/sign-in", {
      method: "POST",
      body: new URLSearchParams({ token: ADMIN_TOKEN }),
      headers: { host: HOST, origin: `https://${HOST}` },
    });
    assertEquals(signedIn.status, 303);
    const cookie = signedIn.headers.get("set-cookie")!;
    assertMatch(cookie, /; Secure/);
    const shown = await otto.ask("/tasks", { headers: { ...page, cookie: cookie.split(";")[0] } });
    assertEquals(shown.status, 200);
    const elsewhere = await otto.ask("/tasks", { headers: { ...page, host: "evil.deno.net" } });
    assertEquals(elsewhere.status, 421);
  });

  it("gives a model what is vouched for or listed, wherever it seems to come from", async () => {
    await using fake = startOpenAi();
    await using otto = await open({
      OPENAI_API_KEY: "key",
      OPEN_AI_BASE: `${fake.url}/v1`,
      AGENT_TRUST_UNVERIFIED: "listed",
    });
    await otto.send("demo", '{"a":1}');
    await drain(otto.services, { maxMs: 60_000 });
    assertEquals(fake.asked.length, 0);
    await otto.send("listed", '{"a":2}');
    await drain(otto.services, { maxMs: 60_000 });
    assert(fake.asked.length > 0);
  });

  it("tells Slack nothing outside production, unless it may act there", async () => {
    const env = { SLACK_BOT_TOKEN: "xoxb-1", SLACK_CHANNELS: "*=C0123ABCD" };
    for (
      const [more, slack] of [
        [{}, true],
        [{ DENO_TIMELINE: "preview/1" }, false],
        [{ DENO_TIMELINE: "preview/1", ACT_ON_TIMELINES: "*" }, true],
      ] as const
    ) {
      await using otto = await open({ ...env, ...more });
      assertEquals(otto.services.slack !== undefined, slack);
    }
  });

  it("says that its counters are its own", async () => {
    await using otto = await open();
    const metrics = await (await otto.ask("/metrics", { headers: ADMIN })).text();
    assertMatch(metrics, /# HELP otto_webhooks_total .*this one isolate/);
  });

  it("answers as a plain Web handler does: without a connection, without a Host header", async () => {
    await using otto = await open();
    const ask = async (request: Request) => await otto.app.fetch(request);
    const webhook = `https://${HOST}/webhook/demo`;
    assertEquals((await ask(new Request(webhook, { method: "POST", body: "{}" }))).status, 200);
    assertEquals((await ask(new Request(`https://${HOST}/`))).status, 401);
    const page = new Request(`https://${HOST}/`, { headers: { accept: "text/html" } });
    assertEquals((await ask(page)).status, 303);
    assertEquals((await ask(new Request(`https://${HOST}/health`))).status, 200);
    const tasks = new Request(`https://${HOST}/api/tasks`, { headers: ADMIN });
    assertEquals((await json(await ask(tasks))).items, []);
    const odd = { headers: { host: "x/h?" } };
    assertEquals((await ask(new Request(`https://${HOST}/health`, odd))).status, 400);
  });

  it("asks one statement about the schema", async () => {
    await using otto = await open();
    let asked = 0;
    await requireMigrated({
      ...otto.services.database,
      query: (...args) => {
        asked++;
        return otto.services.database.query(...args);
      },
    });
    assertEquals(asked, 1);
  });

  it("works behind PgBouncer in transaction mode, which nothing in the URL tells of", async () => {
    const bouncer = await startPgBouncer(servers.postgres, { mode: "transaction" });
    if (bouncer === undefined) return;
    try {
      const pooled = bouncer.urlOf(await servers.postgres.createDatabase());
      await migrate(pooled);
      await using first = await startIsolate(pooled);
      await using second = await startIsolate(pooled);
      const ids = await Promise.all(
        Array.from({ length: 20 }, (_, at) => (at % 2 ? first : second).send({ at })),
      );
      let left: number;
      do ({ left } = await first.drain()); while (left > 0);
      const outcomes = await outcomesOf(pooled);
      for (const id of ids) assertEquals(outcomes.get(id), { tasks: 1, ends: 1 });
    } finally {
      await bouncer.stop();
    }
  });
});
