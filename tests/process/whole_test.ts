import { assert, assertEquals, assertMatch } from "@std/assert";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { ACCESS } from "../../handlers/access.ts";
import { listEvents, makeSample } from "../../handlers/webhook/sample.ts";
import { readConfig } from "../../lib/config/config.ts";
import { sources } from "../../sources/mod.ts";
import { createRegistry } from "../../sources/rules/registry.ts";
import type { Source } from "../../sources/source.ts";
import { json } from "../otto.ts";
import { type Main, openEvents, RUNTIME, startMain, until } from "../servers/mod.ts";
import { canProve, sampleSecrets } from "./sample_secrets.ts";

const ADMIN_TOKEN = "a token of the operator's own";
const AS_ADMIN = { authorization: `Bearer ${ADMIN_TOKEN}` };
/** A deadline, for a machine that has much to do. */
const ANSWER_MS = 20_000;
/** These never end. */
const STREAMS = ["/api/stream", "/live"];
/** These say what is missing, where nothing was chosen before. */
const WANT_MORE = ["/messages/replays", "/messages/many", "/tasks/many"];
/** Leads to itself, with the time since when it waits for a delivery. */
const LEADS_ON = ["/sources/:name/connect"];
/** Where no model is set nothing is tried. */
const NOT_THERE = ["/api/trials/:id", "/trials/:id"];
/** Its job's token opens it, and nobody else's. */
const FOR_WORKERS = ["/api/tasks/:id/messages"];
/** An id of nothing. */
const NOBODY = "01890000-0000-7000-8000-000000000000";
/** What stands for a route's parameter where it is not the id of the thing the route is about. */
const NAMES: Record<string, string> = {
  "/static/:name": "style.css",
  "/sources/:name": "github",
  "/sources/:name/connect": "github",
  "/sources/:name/try": "github",
  "/sources/:name/trials": "github",
  ...Object.fromEntries(NOT_THERE.map((path) => [path, NOBODY])),
};

/** What the other tests ask of the handlers themselves, asked of a process, on Deno or on Node. */
describe("a process of Otto", () => {
  const env: Record<string, string> = { ...sampleSecrets(), ADMIN_TOKEN };
  let folder: string;
  let main: Main;
  beforeAll(async () => {
    folder = await mkdtemp(`${tmpdir()}/otto-whole-`);
    main = await startMain({ ...env, OTTO_DATA_DIR: folder });
  });
  afterAll(async () => {
    await main?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });
  const get = (path: string) =>
    fetch(`${main.origin}${path}`, {
      headers: AS_ADMIN,
      redirect: "manual",
      signal: AbortSignal.timeout(ANSWER_MS),
    });

  it("takes what every sender sends, verified where it can be, and works it", async () => {
    const config = readConfig(env);
    const registry = createRegistry();
    for (const [name, events] of listEvents(registry)) {
      const source: Source | undefined = (sources as Record<string, Source>)[name];
      for (const event of events) {
        const sample = await makeSample({ config, sources: registry }, {
          name,
          origin: main.origin,
          event,
        });
        const answer = await fetch(sample.url, {
          method: "POST",
          headers: sample.headers,
          body: await sample.arrayBuffer(),
        });
        const said = await answer.text();
        assert(answer.ok, `${name} ${event}: ${answer.status} ${said}`);
        const id = answer.headers.get("x-message-id");
        const { verification } = await json(await get(`/api/messages/${id}`));
        const wanted = source && canProve(source) ? "verified" : "unverified";
        assertEquals(verification, wanted, `${name} ${event}`);
      }
    }
    const stats = await until(async () => {
      const { messages, jobs, ...rest } = await json(await get("/webhook/stats"));
      return messages.new + jobs.pending + jobs.running === 0 && { messages, ...rest };
    }, { what: "all to be worked", timeoutMs: 60_000 });
    assertEquals([stats.messages.failed, stats.failed_tasks], [0, []]);
  });

  it("answers on every route that is read", async () => {
    const firstId = async (thing: string) => {
      const { items: [first] } = await json(await get(`/api/${thing}`));
      return thing === "messages" ? first.message_id : first.id;
    };
    const asked = await fetch(`${main.origin}/bulk`, {
      method: "POST",
      headers: AS_ADMIN,
      body: new URLSearchParams({ of: "messages", action: "delete", source: "github" }),
    });
    assertMatch(await asked.text(), /Delete \d+ messages\?/);
    for (const [method, path] of ACCESS) {
      if (method !== "GET" || STREAMS.includes(path)) continue;
      const thing = path.split("/").find((part) => /^[a-z]+s$/.test(part));
      const filled = /:\w+/.test(path)
        ? path.replace(/:\w+/g, NAMES[path] ?? await firstId(thing ?? "bulk"))
        : path;
      const answer = await get(filled);
      const said = await answer.text();
      assertEquals(answer.status, statusOf(path), `${filled}: ${said.slice(0, 300)}`);
      if (path === "/system") assertMatch(said, RUNTIME === "node" ? /Node 2\d\./ : /Deno \d/);
    }
  });

  it("tells of what comes while somebody looks, and ends all the same", async () => {
    await using events = await openEvents(`${main.origin}/api/stream`, { headers: AS_ADMIN });
    const sent = await fetch(`${main.origin}/webhook/demo`, { method: "POST", body: "hello" });
    const id = sent.headers.get("x-message-id")!;
    await sent.body?.cancel();
    await until(async () => (await events.next()).data.includes(id), { what: "news of it" });
    assertEquals(await main.process.kill("SIGTERM"), { code: 0, signal: null });
  });
});

function statusOf(path: string): number {
  if (WANT_MORE.includes(path)) return 400;
  if (FOR_WORKERS.includes(path)) return 401;
  if (NOT_THERE.includes(path)) return 404;
  return LEADS_ON.includes(path) ? 302 : 200;
}
