import { assert, assertEquals, assertMatch } from "@std/assert";
import { it } from "@std/testing/bdd";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import postgres from "postgres";
import { testFolder } from "../folder.ts";
import { json } from "../otto.ts";
import { describeWith, freePort, startProcess, until } from "../servers/mod.ts";
import { describeWithFaketime, wrongClock } from "./faketime.ts";

/** A start of the embedded size makes a database first, on a machine that may have much to do. */
const START = { timeoutMs: 120_000 };
const DAY_SECONDS = 24 * 60 * 60;
const SHIFTS = {
  "-100d": -100 * DAY_SECONDS,
  "+400d": 400 * DAY_SECONDS,
  "-1h": -3_600,
  "+1h": 3_600,
};

describeWithFaketime("a process with a wrong clock", () => {
  describeWith({ postgres: true }, "beside PostgreSQL", (servers) => {
    for (const [shift, seconds] of Object.entries(SHIFTS)) {
      it(`takes messages, deletes none and says so: ${shift}`, async () => {
        const DATABASE_URL = await servers.postgres.createDatabase();
        const port = await freePort();
        await using otto = startProcess(["main.ts"], {
          DATABASE_URL,
          WORKER: "inline",
          PORT: String(port),
          ...wrongClock(shift),
        });
        await otto.waitForLine(/Otto is ready/, START);
        await otto.waitForLine(/clock\.wrong/, START);
        const [old, fresh] = [await send(port), await send(port)];
        for (const id of [old, fresh]) await untilProcessed(port, id);
        const sql = postgres(DATABASE_URL, { max: 1 });
        try {
          await sql`update messages set stored_at = stored_at - interval '100 days',
            settled_at = settled_at - interval '100 days' where id = ${old}`;
          // Two more times it would have tidied.
          for (let round = 0; round < 2; round++) {
            const [{ value }] = await sql`select value from settings where name = 'clock_apart'`;
            await until(async () => {
              const [row] = await sql`select value from settings where name = 'clock_apart'`;
              return row.value !== value;
            }, { what: "the next time it would tidy", timeoutMs: 60_000 });
          }
          const left = await sql`select id from messages order by id`;
          assertEquals(left.map(({ id }) => id), [old, fresh].sort());
        } finally {
          await sql.end();
        }
        const health = await healthOf(port);
        assertEquals(health.status, "degraded");
        const { detail } = health.checks.find(({ name }) => name === "clock")!;
        const [, apart, where] = /is (\d+) s (ahead of|behind) PostgreSQL's/.exec(detail)!;
        assert(Math.abs(Number(apart) - Math.abs(seconds)) < 60, detail);
        assertEquals(where, seconds > 0 ? "ahead of" : "behind");
      });
    }
  });

  it("of the embedded size keeps all after a jump, until a person confirms the time", async () => {
    await using folder = await testFolder();
    const file = join(folder.path, "time");
    await writeFile(file, "+0d\n");
    const port = await freePort();
    const env = {
      OTTO_DATA_DIR: join(folder.path, "data"),
      PORT: String(port),
      ...wrongClock({ file }),
    };
    let id: string;
    {
      await using otto = startProcess(["main.ts"], env);
      await otto.waitForLine(/Otto is ready/, START);
      id = await send(port);
      await untilProcessed(port, id);
      await writeFile(file, "+400d\n");
      await otto.waitForLine(/clock\.wrong/, START);
      const clock = (await healthOf(port)).checks.find(({ name }) => name === "clock");
      assertMatch(clock!.detail, /has gone 345\d{5} s ahead/);
      assertMatch(clock!.hint!, /--confirm-clock/);
      await json(await fetch(`http://localhost:${port}/api/messages/${id}`));
    }
    {
      await using confirming = startProcess(["main.ts", "--confirm-clock"], env);
      await confirming.waitForLine(/The clock counts from now on/, START);
      assertEquals((await confirming.exited).code, 0);
    }
    await using again = startProcess(["main.ts"], env);
    await again.waitForLine(/Otto is ready/, START);
    await until(async () => {
      const answer = await fetch(`http://localhost:${port}/api/messages/${id}`);
      await answer.body?.cancel();
      return answer.status === 404;
    }, { what: "the message to go by its age", timeoutMs: 60_000 });
  });

  for (const shift of ["-100d", "+400d"]) {
    it(`of the embedded size keeps all when it starts ${shift} from where it ended`, async () => {
      await using folder = await testFolder();
      const port = await freePort();
      const env = { OTTO_DATA_DIR: folder.path, PORT: String(port) };
      let id: string;
      {
        await using otto = startProcess(["main.ts"], env);
        await otto.waitForLine(/Otto is ready/, START);
        id = await send(port);
        await untilProcessed(port, id);
      }
      await using wrong = startProcess(["main.ts"], { ...env, ...wrongClock(shift) });
      await wrong.waitForLine(/clock\.wrong/, START);
      const { status, checks } = await healthOf(port);
      assertEquals(status, "degraded");
      assert(checks.some(({ name }) => name === "clock"));
      await json(await fetch(`http://localhost:${port}/api/messages/${id}`));
    });
  }
});

async function send(port: number): Promise<string> {
  const answer = await fetch(`http://localhost:${port}/webhook/demo`, {
    method: "POST",
    body: "{}",
  });
  assertEquals(answer.status, 200, await answer.text());
  return answer.headers.get("x-message-id")!;
}

async function untilProcessed(port: number, id: string): Promise<void> {
  await until(async () => {
    const { state } = await json(await fetch(`http://localhost:${port}/api/messages/${id}`));
    return state === "processed";
  }, { what: "the message to be worked on", timeoutMs: 60_000 });
}

async function healthOf(port: number): Promise<{
  status: string;
  checks: { name: string; detail: string; hint?: string }[];
}> {
  return await json(await fetch(`http://localhost:${port}/webhook/health`));
}
