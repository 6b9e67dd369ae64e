import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { ConfigError, readConfig } from "../../lib/config/config.ts";
import { sayServing } from "../../lib/work/needs.ts";
import { createWorker } from "../../lib/work/work.ts";
import { openOtto, type Otto } from "../otto.ts";

/** Counts heartbeats as the services do, and answers with what it is told to. */
function startCounter(status = 200) {
  const calls: string[] = [];
  const answers = { status };
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
    calls.push(`${request.method} ${new URL(request.url).pathname}`);
    return answers.status === 302
      ? new Response(null, { status: 302, headers: { location: "/elsewhere" } })
      : new Response("OK", { status: answers.status });
  });
  return {
    calls,
    answers,
    url: `http://127.0.0.1:${server.addr.port}/ping/a1b2`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

const aMinuteLater = (otto: Otto) =>
  otto.services.database.query(
    "let a minute pass",
    (sql) => sql`delete from settings where name = 'turn:heartbeat'`,
  );
const checkOf = async (otto: Otto) =>
  (await otto.get("/webhook/health")).checks
    .find(({ name }: { name: string }) => name === "heartbeat");

describe("HEARTBEAT_URL", () => {
  it("is called once a minute by one of several processes, while a worker lives", async () => {
    await using counter = startCounter();
    const lines: string[] = [];
    await using otto = await openOtto({ HEARTBEAT_URL: counter.url, LOG_LEVEL: "info" }, {
      write: (line) => lines.push(line),
    });
    await sayServing(otto.services);
    assertEquals(counter.calls, [], "no worker lives");
    await createWorker(otto.services).beat();
    await aMinuteLater(otto);
    await Promise.all([sayServing(otto.services), sayServing(otto.services)]);
    await sayServing(otto.services);
    assertEquals(counter.calls, ["GET /ping/a1b2"]);
    assertEquals((await checkOf(otto)).status, "ok");
    await aMinuteLater(otto);
    await sayServing(otto.services);
    assertEquals(counter.calls.length, 2);
    const said = lines.filter((line) => line.includes("heartbeat_url"));
    assertEquals(said.length, 2, "not called; called");
    assertEquals(said.some((line) => line.includes("a1b2")), false, "the address is a secret");
  });

  it("is not followed elsewhere, and a failure is told once and seen in health", async () => {
    await using counter = startCounter(302);
    const lines: string[] = [];
    await using otto = await openOtto({ HEARTBEAT_URL: counter.url, LOG_LEVEL: "info" }, {
      write: (line) => lines.push(line),
    });
    await createWorker(otto.services).beat();
    for (const _ of [1, 2, 3]) {
      await sayServing(otto.services);
      await aMinuteLater(otto);
    }
    assertEquals(counter.calls, Array(3).fill("GET /ping/a1b2"));
    assertEquals(lines.filter((line) => line.includes("heartbeat_url.failed")).length, 1);
    const { status, detail } = await checkOf(otto);
    assertEquals(status, "degraded");
    assertMatch(detail, /redirect, which is not followed/);
    assertMatch(await (await otto.ask("/system")).text(), /redirect, which is not followed/);
    counter.answers.status = 500;
    await sayServing(otto.services);
    assertEquals(lines.filter((line) => line.includes("heartbeat_url.failed")).length, 2);
  });

  it("stops the start when it is no address", () => {
    const error = assertThrows(() => readConfig({ HEARTBEAT_URL: "hc-ping.com/x" }), ConfigError);
    assertMatch(error.message, /HEARTBEAT_URL must be a URL that starts with https:\/\//);
    assertThrows(() => readConfig({ TIMEZONE: "Berlin" }), ConfigError);
  });
});
