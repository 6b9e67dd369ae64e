import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { beforeEach, describe, it } from "@std/testing/bdd";
import { readdir, rename, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import postgres from "postgres";
import { createLog } from "../../lib/process/log.ts";
import { readConfig } from "../../lib/config/config.ts";
import { LockedError, lockFolder } from "../../lib/store/embedded/lock.ts";
import { lockFile } from "../../lib/store/embedded/lock_file.ts";
import { Refusal } from "../../lib/process/refusal.ts";
import { openServices } from "../../lib/services.ts";
import { createWorker } from "../../lib/work/work.ts";
import { testFolder } from "../folder.ts";
import {
  describeWith,
  type EventStream,
  freePort,
  openEvents,
  ROOT,
  startMain,
  startProcess,
  startWorker,
  until,
  within,
} from "../servers/mod.ts";
import { ask, auditAll, startLoad } from "./load.ts";

/** Section 6: a stopping process ends, a dead one is replaced. */
const STOP_MS = 8_000;
const TAKEOVER_MS = 10_000;
const DRAIN_MS = 40_000;

describeWith(
  { postgres: "own", redis: "durable" },
  "Otto with PostgreSQL and Redis",
  (servers) => {
    let env: Record<string, string>;
    beforeEach(async () => {
      await servers.redis.flush();
      env = {
        DATABASE_URL: await servers.postgres.createDatabase(),
        REDIS_URL: servers.redis.url,
      };
    });

    it("loses and doubles nothing while all its parts are killed and frozen in turn", async () => {
      await using main = await startMain(env);
      await using worker = await startWorker(env);
      await using load = startLoad(main.origin, { parallel: 8 });
      await load.acked(20);

      await worker.restart();
      await load.acked(20);
      await main.restart();
      await load.acked(20);
      await servers.redis.kill();
      await load.acked(20);
      await servers.redis.restart();
      await load.acked(20);
      await servers.postgres.kill();
      // The spill takes them.
      await load.acked(20);
      await servers.postgres.restart();
      await load.acked(20);
      await servers.redis.freeze();
      await load.acked(20);
      await servers.redis.thaw();
      await load.acked(20);
      await servers.postgres.freeze();
      await load.acked(20);
      await servers.postgres.thaw();
      await load.acked(20);
      // And everything at once, what has been spilled included.
      await servers.postgres.kill();
      await load.acked(20);
      await Promise.all([main.kill(), worker.kill(), servers.redis.kill()]);
      await Promise.all([servers.postgres.restart(), servers.redis.restart()]);
      await Promise.all([main.start(), worker.start()]);
      await load.acked(20);

      const sent = await load.end();
      await auditAll(main.origin, sent);
    });

    it("takes messages while PostgreSQL is down from the start, and works them when it comes", async () => {
      await servers.postgres.kill();
      await using main = await startMain(env);
      await using worker = await startWorker(env, { wait: false });
      await using load = startLoad(main.origin, { parallel: 4 });
      await load.acked(20);
      assertEquals((await ask(main.origin, "/webhook/health")).status, "degraded");
      await servers.postgres.restart();
      await load.acked(20);
      await auditAll(main.origin, await load.end());
      assert(worker.process.lines.length > 0);
    });

    it("ends in order with a live stream open and work to do", async () => {
      await using main = await startMain(env);
      await using worker = await startWorker(env);
      await using load = startLoad(main.origin, { parallel: 4 });
      await using stream = await openEvents(`${main.origin}/api/stream`);
      await load.acked(20);
      await stream.next();
      // Somebody who keeps a connection and says nothing, and one in the middle of a body.
      await using _idle = await openSocket(main.port, "");
      await using _slow = await openSocket(
        main.port,
        `POST /webhook/test HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\nhalf`,
      );
      const ended = await within(
        Promise.all([main.process.kill("SIGTERM"), worker.process.kill("SIGTERM")]),
        STOP_MS,
        "both to end",
      );
      assertEquals(ended.map((exit) => exit.code), [0, 0]);
      await Promise.all([main.start(), worker.start()]);
      await auditAll(main.origin, await load.end());
    });
  },
);

describeWith({ postgres: "own", redis: "own" }, "Otto with frozen stores", (servers) => {
  it("ends in time all the same", async () => {
    const env = {
      DATABASE_URL: await servers.postgres.createDatabase(),
      REDIS_URL: servers.redis.url,
    };
    await using main = await startMain(env);
    await using worker = await startWorker(env);
    await using load = startLoad(main.origin, { parallel: 4 });
    await load.acked(20);
    await Promise.all([servers.postgres.freeze(), servers.redis.freeze()]);
    await load.refused(1);
    const ended = await within(
      Promise.all([main.process.kill("SIGTERM"), worker.process.kill("SIGTERM")]),
      STOP_MS,
      "both to end",
    );
    assertEquals(ended.map((exit) => exit.code), [0, 0]);
    await Promise.all([servers.postgres.thaw(), servers.redis.thaw()]);
    await Promise.all([main.start(), worker.start()]);
    await auditAll(main.origin, await load.end());
  });
});

describeWith({ postgres: "own" }, "Otto with PostgreSQL alone", (servers) => {
  let env: Record<string, string>;
  beforeEach(async () => {
    env = { DATABASE_URL: await servers.postgres.createDatabase() };
  });

  it("loses and doubles nothing while its parts are killed and frozen in turn", async () => {
    await using main = await startMain(env);
    await using worker = await startWorker(env);
    await using load = startLoad(main.origin, { parallel: 8 });
    await load.acked(20);
    await worker.restart();
    await load.acked(20);
    await servers.postgres.kill();
    await load.refused(10);
    await servers.postgres.restart();
    await load.acked(20);
    await main.restart();
    await load.acked(20);
    await servers.postgres.freeze();
    await load.refused(10);
    await servers.postgres.thaw();
    await load.acked(20);
    await Promise.all([main.kill(), worker.kill(), servers.postgres.kill()]);
    await servers.postgres.restart();
    await Promise.all([main.start(), worker.start()]);
    await load.acked(20);
    await auditAll(main.origin, await load.end());
  });

  it("refuses a database that would not take every text, saying how to make one", async () => {
    const DATABASE_URL = await servers.postgres.createDatabase(undefined, { encoding: "LATIN1" });
    await using child = startProcess(["main.ts"], { DATABASE_URL, PORT: String(await freePort()) });
    assertEquals((await child.exited).code, 1);
    assertMatch(child.lines.join(" "), /encoding LATIN1\. Make one with: .*'UTF8'/);
    assert(!child.lines.some((line) => /^\s+at /.test(line)), child.lines.join("\n"));
  });

  it("listens while PostgreSQL is down, says 503, and recovers by itself", async () => {
    await servers.postgres.kill();
    await using main = await startMain(env);
    await using _worker = await startWorker(env, { wait: false });
    const answer = await fetch(`${main.origin}/webhook/test`, { method: "POST", body: "{}" });
    assertEquals([answer.status, answer.headers.has("retry-after")], [503, true]);
    assertEquals((await answer.json()).error.code, "no_store");
    const health = await fetch(`${main.origin}/webhook/health`);
    assertEquals([health.status, (await health.json()).status], [503, "unhealthy"]);
    await servers.postgres.restart();
    await using load = startLoad(main.origin, { parallel: 4 });
    await load.acked(20);
    await auditAll(main.origin, await load.end());
  });

  it("hands a killed worker's messages to another in time", async () => {
    await using main = await startMain(env);
    await using sql = client(env.DATABASE_URL);
    await using load = startLoad(main.origin, { parallel: 8 });
    await load.acked(40);
    const sent = await load.end();
    // Younger ones are left to whoever hears of them, and nobody did.
    await until(async () => {
      const [{ n }] = await sql`
        select count(*)::int as n from messages where received_at > now() - interval '1 second'`;
      return n === 0;
    }, { what: "the messages to be a second old" });
    // Tasks cannot be made now, so the worker has its hands full and gets no further.
    await using lock = await lockTable(env.DATABASE_URL, "tasks");
    await using worker = await startWorker(env);
    await until(async () => {
      const [{ n }] = await sql`
        select count(*)::int as n from messages where lease_until > now()`;
      return n >= 20;
    }, { what: "the worker to have its hands full" });
    await worker.kill();
    const killedAt = performance.now();
    // The server would go on with what the dead worker asked for last.
    await cutOff(sql);
    await lock.release();
    await worker.start();
    await until(async () => {
      const [{ n }] = await sql`select count(*)::int as n from messages where state = 'new'`;
      return n === 0;
    }, { what: "another worker to take all over", timeoutMs: TAKEOVER_MS });
    const tookMs = Math.round(performance.now() - killedAt);
    assert(tookMs < TAKEOVER_MS, `The last was taken over after ${tookMs} ms`);
    await auditAll(main.origin, sent);
  });

  it("hands a frozen worker's tasks to another in time, and refuses its late writes", async () => {
    await using main = await startMain(env);
    await using sql = client(env.DATABASE_URL);
    // Fewer than one worker has hands for: the other one starts all of them, or this waits in vain.
    await using load = startLoad(main.origin, { parallel: 4 });
    await load.acked(1);
    const sent = await load.end();
    assert(sent.length <= 16, `${sent.length} tasks`);
    await makeTasks(env);
    // Nobody can be told of anything, so tasks can be started and not finished.
    await using lock = await lockTable(env.DATABASE_URL, "notifications");
    await using worker = await startWorker(env);
    const running = async (epoch: number) => {
      const [{ n }] = await sql`
        select count(*)::int as n from tasks where status = 'running' and epoch = ${epoch}`;
      return n;
    };
    await until(() => running(1), { what: "the worker to start tasks" });
    await until(() => waitingForLocks(sql), { what: "the worker to try to finish them" });
    const held = await running(1);
    worker.process.freeze();
    const frozenAt = performance.now();
    await using other = await startWorker(env);
    await until(async () => await running(2) >= held, {
      what: "another worker to start what the frozen one held",
      timeoutMs: TAKEOVER_MS,
    });
    const tookMs = Math.round(performance.now() - frozenAt);
    assert(tookMs < TAKEOVER_MS, `The last was started again after ${tookMs} ms`);
    // Now what the frozen one asked for goes through as well, and must change nothing.
    await lock.release();
    worker.process.thaw();
    await auditAll(main.origin, sent);
    const takenOver = await sql`
      select epoch from tasks
      where id in (select task_id from task_events where kind = 'taken_over')`;
    assertEquals(takenOver.map((task) => task.epoch), new Array(held).fill(2));
    // It works on, like any other.
    await other.kill();
    await using more = startLoad(main.origin, { parallel: 2 });
    await more.acked(5);
    await auditAll(main.origin, [...sent, ...await more.end()]);
  });
});

describe("Otto embedded", () => {
  it("loses and doubles nothing when it is killed under load", async () => {
    await using folder = await testFolder();
    await using main = await startMain({ OTTO_DATA_DIR: folder.path });
    await using load = startLoad(main.origin, { parallel: 8 });
    await load.acked(20);
    for (let kill = 1; kill <= 2; kill++) {
      await main.restart();
      await load.acked(20);
    }
    await auditAll(main.origin, await load.end());
  });

  it("ends in order, and opens again", async () => {
    await using folder = await testFolder();
    await using main = await startMain({ OTTO_DATA_DIR: folder.path });
    await using load = startLoad(main.origin, { parallel: 4 });
    await using stream = await openEvents(`${main.origin}/api/stream`);
    await load.acked(20);
    const end = lastWordOf(stream);
    assertEquals(await within(main.process.kill("SIGTERM"), STOP_MS, "it to end"), {
      code: 0,
      signal: null,
    });
    assertMatch(await end, /has ended/);
    await main.start();
    await load.acked(5);
    await auditAll(main.origin, await load.end());
  });

  it("refuses a folder that another one has open, saying so", async () => {
    await using folder = await testFolder();
    await using main = await startMain({ OTTO_DATA_DIR: folder.path });
    await using second = startProcess(["main.ts"], {
      OTTO_DATA_DIR: folder.path,
      PORT: String(await freePort()),
    });
    assertEquals((await second.exited).code, 1);
    assertMatch(
      second.lines.join("\n"),
      /^Cannot open the data folder .*: another Otto is running on it\. Stop that one, /m,
    );
    assert(!second.lines.some((line) => /^\s+at /.test(line)), second.lines.join("\n"));
    assertEquals((await ask(main.origin, "/health")).status, "ok");
  });

  it("gives a folder whose owner was killed to one, however many ask at once", async () => {
    for (let round = 0; round < 30; round++) {
      await using folder = await testFolder();
      await leaveStaleLock(folder.path);
      const asked = await Promise.allSettled(
        Array.from({ length: 4 }, () => lockFolder(folder.path)),
      );
      const given = asked.flatMap((each) => each.status === "fulfilled" ? each.value : []);
      assertEquals(given.length, 1);
      await assertRejects(() => lockFolder(folder.path), LockedError, "another Otto is running");
      await given[0][Symbol.asyncDispose]();
      await (await lockFolder(folder.path))[Symbol.asyncDispose]();
    }
  });
});

describe("the lock of a folder", () => {
  it("is a file where there can be no socket, as exclusive and as sure to end", async () => {
    await using folder = await testFolder();
    const asked = await Promise.all(Array.from({ length: 4 }, () => lockFile(folder.path)));
    const given = asked.filter((lock) => lock !== undefined);
    assertEquals(given.length, 1);
    // Who could have a socket there refuses, too.
    await assertRejects(() => lockFolder(folder.path), LockedError, "another Otto is running");
    await given[0][Symbol.asyncDispose]();
    const both = await lockFolder(folder.path);
    assertEquals(await lockFile(folder.path), undefined);
    await both[Symbol.asyncDispose]();

    await using elsewhere = await testFolder();
    const script = `${elsewhere.path}/hold.ts`;
    await writeFile(
      script,
      `import { lockFile } from "${ROOT}/lib/store/embedded/lock_file.ts";
      const lock = await lockFile("${folder.path}");
      console.log(lock ? "It is taken" : "It is refused");
      setInterval(() => lock, 1_000);`,
    );
    await using holder = startProcess(["--allow-read", "--allow-write", script]);
    await holder.waitForLine(/It is taken/);
    await assertRejects(() => lockFolder(folder.path), LockedError);
    await holder.kill("SIGKILL");
    await (await lockFolder(folder.path))[Symbol.asyncDispose]();
  });

  it("is refused in words where a folder cannot be locked", async () => {
    await assertRejects(
      () => lockFolder("/nonexistent/otto"),
      Refusal,
      "Cannot lock the data folder /nonexistent/otto: ",
    );
  });
});

describe("Otto does not start", () => {
  const refusals: [string, string, Record<string, string>, RegExp][] = [
    [
      "with REDIS_URL alone",
      "main.ts",
      { REDIS_URL: "redis://127.0.0.1:1" },
      /Cannot start with REDIS_URL alone.* Set DATABASE_URL too, or unset REDIS_URL/,
    ],
    [
      "as a worker without DATABASE_URL",
      "worker.ts",
      {},
      /Cannot work without DATABASE_URL.* Set DATABASE_URL/,
    ],
    [
      "on a disk that does not last",
      "main.ts",
      { DENO_DEPLOY: "1" },
      /Cannot keep messages on Deno Deploy without a database.* set DATABASE_URL/,
    ],
  ];
  for (const [name, file, env, message] of refusals) {
    it(`${name}, saying what to set`, async () => {
      await using child = startProcess([file], { ...env, PORT: String(await freePort()) });
      assertEquals((await child.exited).code, 1);
      assertMatch(child.lines.join(" "), message);
      assert(!child.lines.some((line) => /^\s+at /.test(line)), child.lines.join("\n"));
    });
  }
});

/** Listens until there is no more, and tells how it ended. */
async function lastWordOf(stream: EventStream): Promise<string> {
  try {
    while (true) await stream.next({ timeoutMs: DRAIN_MS });
  } catch (error) {
    return String(error);
  }
}

function client(url: string): postgres.Sql & AsyncDisposable {
  const sql = postgres(url, { max: 1, fetch_types: false, onnotice: () => {} });
  return Object.assign(sql, { [Symbol.asyncDispose]: () => sql.end({ timeout: 1 }) });
}

/** Keeps everybody else from writing into a table. */
async function lockTable(url: string, table: string) {
  const sql = client(url);
  await sql`begin`;
  await sql`lock table ${sql(table)} in share row exclusive mode`;
  return {
    release: () => sql`rollback`,
    [Symbol.asyncDispose]: () => sql[Symbol.asyncDispose](),
  };
}

async function waitingForLocks(sql: postgres.Sql): Promise<number> {
  const [{ n }] = await sql`
    select count(*)::int as n from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`;
  return n;
}

/** Ends the connections that wait for a lock. */
async function cutOff(sql: postgres.Sql): Promise<void> {
  await sql`
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`;
  await until(async () => await waitingForLocks(sql) === 0, { what: "them to be gone" });
}

/** Makes the tasks of all messages, and leaves them to others. */
async function makeTasks(env: Record<string, string>): Promise<void> {
  const stop = new AbortController();
  const config = readConfig({ ...env, LOG_LEVEL: "silent" });
  const services = await openServices(config, createLog("silent"), stop.signal);
  const worker = createWorker(services);
  while (await worker.takeMessages(0, stop.signal) > 0);
  stop.abort();
  await services[Symbol.asyncDispose]();
}

/** Leaves behind what a lock's owner leaves when it is killed: a socket that nobody listens on. */
async function leaveStaleLock(folder: string): Promise<void> {
  const lock = await lockFolder(folder);
  const [name] = await readdir(folder);
  await rename(`${folder}/${name}`, `${folder}/kept`);
  await lock[Symbol.asyncDispose]();
  await rename(`${folder}/kept`, `${folder}/${name}`);
}

/** A connection that sends this and then nothing. */
async function openSocket(port: number, text: string) {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  await new Promise<void>((resolve) => socket.write(text, () => resolve()));
  return {
    [Symbol.asyncDispose]() {
      socket.destroy();
      return Promise.resolve();
    },
  };
}
