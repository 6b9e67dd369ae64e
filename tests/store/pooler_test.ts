import { assert, assertEquals, assertMatch } from "@std/assert";
import { it } from "@std/testing/bdd";
import { createLog } from "../../lib/process/log.ts";
import { openServer } from "../../lib/store/server/server.ts";
import { openOtto } from "../otto.ts";
import {
  freePort,
  requireOrSkip,
  startPgBouncer,
  startPostgres,
  startProcess,
} from "../servers/mod.ts";

/** A database, and its URL by way of a pooler. */
async function startPooled(
  mode: "session" | "transaction",
  settings: Record<string, string> = {},
) {
  const postgres = (await startPostgres())!;
  const pooler = (await startPgBouncer(postgres, { mode, settings }))!;
  return {
    url: pooler.urlOf(await postgres.createDatabase()),
    async [Symbol.asyncDispose]() {
      await pooler.stop();
      await postgres.stop();
    },
  };
}

const log = createLog("silent");

requireOrSkip("PostgreSQL", "PgBouncer")("Otto behind PgBouncer", () => {
  for (const mode of ["session", "transaction"] as const) {
    it(`works by itself with its default settings, in ${mode} mode`, async () => {
      await using place = await startPooled(mode);
      await using otto = await openOtto({ DATABASE_URL: place.url });
      const messages = await Promise.all(
        Array.from({ length: 40 }, (_, n) => otto.send("test", JSON.stringify({ n }))),
      );
      await otto.workOff();
      for (const id of messages) {
        const { state, task_id } = await otto.get(`/api/messages/${id}`);
        const { status } = await otto.get(`/api/tasks/${task_id}`);
        assertEquals([state, status], ["processed", "completed"]);
      }
    });
  }

  it("hears NOTIFYs in session mode, and in transaction mode says that it does not", async () => {
    for (const mode of ["session", "transaction"] as const) {
      await using place = await startPooled(mode);
      const lines: string[] = [];
      const told = createLog("warn", { write: (line) => lines.push(line) });
      await using server = openServer({ url: place.url, log: told });
      assertEquals(await server.hears(), mode === "session");
      assertEquals(/no NOTIFY is heard/.test(server.remarks().join()), mode === "transaction");
      assertEquals(/database\.not_heard/.test(lines.join()), mode === "transaction");
      assertMatch(server.remarks().join(), /statements are not prepared/);
    }
  });

  it("says so in health, too", async () => {
    await using place = await startPooled("transaction");
    await using otto = await openOtto({ DATABASE_URL: place.url, ADMIN_TOKEN: "a".repeat(16) });
    await otto.services.queue.receive(1, 0, AbortSignal.timeout(5_000));
    const { checks } = await otto.get("/webhook/health");
    const { detail } = checks.find((check: { name: string }) => check.name === "database");
    assertMatch(detail, /behind a pooler/);
  });

  it("stops preparing where a pooler takes the parameters and swaps the sessions", async () => {
    await using place = await startPooled("transaction", {
      ignore_startup_parameters: "statement_timeout,bytea_output",
    });
    await using server = openServer({ url: place.url, connections: 4, log });
    const ask = (n: number) =>
      server.query("ask", (sql) => sql`select ${n}::int as n, pg_sleep(0.005)`);
    for (let round = 0; round < 5; round++) {
      const answers = await Promise.all(Array.from({ length: 12 }, (_, n) => ask(n)));
      assertEquals(answers.map(([{ n }]) => n), Array.from({ length: 12 }, (_, n) => n));
    }
  });

  it("does as DATABASE_PREPARE says, where the pooler lets it", async () => {
    await using place = await startPooled("session");
    await using server = openServer({ url: place.url, connections: 1, prepare: true, log });
    const count = async (n: number) => {
      const [row] = await server.query(
        "count what is prepared",
        (sql) => sql`select count(*)::int as n from pg_prepared_statements where ${n} = ${n}`,
      );
      return row.n;
    };
    await count(1);
    assert(await count(1) > 0);
  });

  it("ends the start with words where it needs what the pooler does not take", async () => {
    await using place = await startPooled("transaction");
    await using child = startProcess(["main.ts"], {
      DATABASE_URL: `${place.url}?options=-c%20work_mem%3D7MB`,
      PORT: String(await freePort()),
    });
    assertEquals((await child.exited).code, 1);
    assertMatch(child.lines.join(" "), /a pooler in between does not take options\. Take options/);
    assert(!child.lines.join(" ").includes("Otto is ready"));
  });
});
