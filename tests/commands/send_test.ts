import { assertEquals, assertMatch } from "@std/assert";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import { work } from "../../lib/work/work.ts";
import { openOtto, type Otto } from "../otto.ts";
import { runOtto } from "./run_otto.ts";

describe("otto send", () => {
  let otto: Otto;
  let server: Deno.HttpServer<Deno.NetAddr>;
  const env: Record<string, string> = {
    ADMIN_TOKEN: "a-token-of-the-admin",
    GITHUB_WEBHOOK_SECRET: "what GitHub signs with",
  };

  beforeAll(async () => {
    otto = await openOtto(env);
    server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen() {} },
      (request, info) => otto.app.fetch(request, { address: () => info.remoteAddr.hostname }),
    );
    env.PORT = String(server.addr.port);
  });
  afterAll(async () => {
    await server.shutdown();
    await otto[Symbol.asyncDispose]();
  });

  it("says what became of what it has sent, where it may know", async () => {
    const at = `http://localhost:${env.PORT}`;
    const send = async (args: string[], more: Record<string, string> = {}) => {
      const stop = new AbortController();
      const working = work(otto.services, stop.signal);
      const said = await runOtto(["send", "github", "push", ...args], { ...env, ...more });
      stop.abort();
      await working;
      assertEquals([said.code, said.error], [0, ""]);
      return said.out;
    };
    assertMatch(
      await send([]),
      new RegExp(`^push +200 ${at}/messages/\\S+\n  done +ada pushed 1 commit .*${at}/tasks/`),
    );
    const { outcome } = JSON.parse(await send(["--json"]));
    assertEquals([outcome.phase, outcome.link], ["done", `${at}/tasks/${outcome.task_id}`]);
    assertMatch(outcome.said, /pushed 1 commit/);
    assertEquals(JSON.parse(await send(["--json", "--no-wait"])).outcome, null);
    // Another Otto than that of these settings gets no token of theirs.
    const elsewhere = await send(["--to", at.replace("localhost", "127.0.0.1")]);
    assertMatch(elsewhere, /^push +200 .*\n +What became of it is not known here: .*OTTO_TOKEN/);
  });

  it("waits a little where nobody works, and says so", async () => {
    const { code, out } = await runOtto(["send", "github", "push"], env);
    assertEquals(code, 0);
    assertMatch(out, /\n {2}queued\n +Nobody has begun within 5 s\. Does a worker run\?/);
  });
});
