import {
  assert,
  assertArrayIncludes,
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { env } from "node:process";
import { fileURLToPath } from "node:url";
import postgres from "postgres";
import { createClient } from "redis";
import { borrowPostgres } from "./postgres.ts";
import { borrowRedis } from "./redis.ts";
import { commandOf, ROOT, type RuntimeName, taskFlags } from "./command.ts";
import {
  describeWith,
  freePort,
  missingLine,
  openEvents,
  requireOrSkip,
  startProcess,
  startRedis,
  until,
  WaitedTooLong,
  within,
} from "./mod.ts";

const FIXTURE = "tests/servers/fixture.ts";
const CONFIG = file("../deno.json");
const FLAGS = [
  "--allow-net",
  "--allow-read",
  "--allow-write",
  "--allow-env",
  "--allow-run",
  "--allow-sys",
];

describeWith({ postgres: "own" }, "a private PostgreSQL", (servers) => {
  it("answers, on 127.0.0.1 alone", async () => {
    await using sql = client(servers.postgres.url);
    assertEquals([...await sql`select 1 as one`], [{ one: 1 }]);
    const [row] = await sql`show listen_addresses`;
    assertEquals(row.listen_addresses, "127.0.0.1");
  });

  it("gives every test an empty database, or a copy of another", async () => {
    const one = await servers.postgres.createDatabase();
    const other = await servers.postgres.createDatabase("named_by_me");
    assertNotEquals(one, other);
    {
      await using sql = client(one);
      await sql`create table things (name text)`;
    }
    await using sql = client(other);
    assertEquals(
      (await sql`select to_regclass('things') as found`)[0].found,
      null,
    );
    const template = new URL(one).pathname.slice(1);
    await using copy = client(
      await servers.postgres.createDatabase(undefined, { template }),
    );
    assertEquals(
      (await copy`select to_regclass('things') as found`)[0].found,
      "things",
    );
  });

  it("keeps what was committed through kill and restart", async () => {
    const url = await servers.postgres.createDatabase();
    await using sql = client(url);
    await sql`create table things (name text)`;
    await sql`insert into things values ('kept')`;
    await servers.postgres.kill();
    await assertRejects(() => sql`select 1`);
    await servers.postgres.restart();
    await using again = client(url);
    assertEquals([...await again`select name from things`], [{ name: "kept" }]);
  });

  it("hangs while frozen, and goes on when thawed", async () => {
    await using sql = client(servers.postgres.url);
    await sql`select 1`;
    await servers.postgres.freeze();
    const answer = sql`select 2 as two`.execute();
    await assertRejects(() => within(answer, 300, "an answer"), WaitedTooLong);
    await servers.postgres.thaw();
    assertEquals([...await within(answer, 5000, "the late answer")], [{
      two: 2,
    }]);
  });

  it("can be killed while frozen, and restarted while running", async () => {
    await servers.postgres.freeze();
    await servers.postgres.kill();
    await servers.postgres.restart();
    await servers.postgres.restart();
    await using sql = client(servers.postgres.url);
    assertEquals((await sql`select 1 as one`)[0].one, 1);
  });
});

describeWith(
  { postgres: true, redis: true },
  "somebody's servers",
  (servers) => {
    it("lend databases of PostgreSQL, dropped in the end", async () => {
      const lent = await borrowPostgres(servers.postgres.url);
      const names = [lent.url, await lent.createDatabase()]
        .map((url) => new URL(url).pathname.slice(1));
      await using sql = client(servers.postgres.url);
      const count = async () =>
        (await sql`select 1 from pg_database where datname in ${sql(names)}`)
          .count;
      assertEquals(await count(), 2);
      assertEquals(lent.own, false);
      await assertRejects(() => lent.kill(), Error, 'postgres: "own"');
      await lent.stop();
      assertEquals(await count(), 0);
    });

    it("lend databases of Redis that are empty", async () => {
      const one = await borrowRedis(servers.redis.url);
      const other = await borrowRedis(servers.redis.url);
      assertNotEquals(one.url, other.url);
      {
        await using redis = await connectRedis(one.url);
        await redis.set("name", "ours");
        await other.flush();
        assertEquals(await redis.get("name"), "ours");
      }
      await assertRejects(() => one.freeze(), Error, 'redis: "own"');
      await one.stop();
      const again = await borrowRedis(servers.redis.url);
      assertEquals(again.url, one.url);
      await again.stop();
      await other.stop();
    });
  },
);

describeWith({ redis: "durable" }, "a private, durable Redis", (servers) => {
  it("keeps what it answered through kill and restart, until it is flushed", async () => {
    {
      await using redis = await connectRedis(servers.redis.url);
      await redis.set("name", "kept");
      assertEquals(await redis.configGet("appendfsync"), {
        appendfsync: "always",
      });
      assertEquals(await redis.configGet("maxmemory-policy"), {
        "maxmemory-policy": "noeviction",
      });
    }
    await servers.redis.kill();
    await assertRejects(() => connectRedis(servers.redis.url));
    await servers.redis.restart();
    await using redis = await connectRedis(servers.redis.url);
    assertEquals(await redis.get("name"), "kept");
    await servers.redis.flush();
    assertEquals(await redis.dbSize(), 0);
  });

  it("hangs while frozen, and goes on when thawed", async () => {
    await using redis = await connectRedis(servers.redis.url);
    await servers.redis.freeze();
    const answer = redis.ping();
    await assertRejects(() => within(answer, 300, "an answer"), WaitedTooLong);
    await servers.redis.thaw();
    assertEquals(await within(answer, 5000, "the late answer"), "PONG");
  });
});

requireOrSkip("Redis")("a private Redis", () => {
  it("takes more settings, and forgets when killed", async () => {
    const server = await startRedis({ settings: { maxmemory: "10mb" } });
    assert(server?.own);
    try {
      {
        await using redis = await connectRedis(server.url);
        assertEquals(await redis.configGet("maxmemory"), {
          maxmemory: `${10 * 1024 * 1024}`,
        });
        await redis.set("name", "lost");
      }
      await server.kill();
      await server.restart();
      await using redis = await connectRedis(server.url);
      assertEquals(await redis.get("name"), null);
    } finally {
      await server.stop();
    }
    await assertRejects(() => connectRedis(server.url));
    await server.stop();
  });

  it("goes when the tests that started it are killed", async () => {
    await using owner = startProcess(
      [
        ...[`--config=${CONFIG}`, "--allow-net", "--allow-read", "--allow-write"],
        ...["--allow-env", "--allow-run", "--allow-sys", FIXTURE, "redis"],
      ],
      {},
      { runtime: "deno" },
    );
    const [, url] = await owner.waitForLine(/^redis at (\S+)$/, {
      timeoutMs: 20_000,
    });
    (await connectRedis(url)).destroy();
    await owner.kill("SIGKILL");
    await until(
      () => connectRedis(url).then((redis) => redis.destroy(), () => true),
      {
        what: "the orphaned Redis to go",
      },
    );
  });
});

describe("what is not here", () => {
  it("is told in one line that says how to get it", () => {
    const line = missingLine("the queue", [{ kind: "PostgreSQL", own: true }, {
      kind: "Redis",
      own: false,
    }]);
    assertMatch(
      line,
      /^"the queue": a PostgreSQL of our own and Redis not found\. To get it: /,
    );
    assertStringIncludes(line, "apt-get install postgresql");
    assertStringIncludes(line, "apt-get install redis-server");
    assert(!line.includes("\n"));
  });

  it("skips its suites, saying so, and the others run", async () => {
    const { code, output } = await runSuite({ OTTO_TEST_REQUIRE_SERVERS: "" });
    assertStringIncludes(
      output,
      'Skipped "needs a store": a PostgreSQL of our own not found. To get',
    );
    assertMatch(output, /1 passed.*0 failed.*1 ignored/);
    assertEquals(code, 0);
  });

  it("fails its suites where servers are required", async () => {
    const { code, output } = await runSuite({ OTTO_TEST_REQUIRE_SERVERS: "1" });
    assertStringIncludes(
      output,
      '"needs a store": a PostgreSQL of our own not found',
    );
    assertMatch(output, /1 passed.*1 failed/);
    assertEquals(code, 1);
  });

  function runSuite(
    more: Record<string, string>,
  ): Promise<{ code: unknown; output: string }> {
    return new Promise((resolve) => {
      execFile(
        Deno.execPath(),
        [
          "test",
          "--config",
          CONFIG,
          ...FLAGS,
          file("fixture_skipped.ts"),
        ],
        {
          env: {
            ...env,
            ...more,
            NO_COLOR: "1",
            OTTO_TEST_POSTGRES_BIN: "/nowhere",
          },
        },
        (error, stdout, stderr) => resolve({ code: error?.code ?? 0, output: stdout + stderr }),
      );
    });
  }
});

describe("a process of ours", () => {
  it("sees only PATH, HOME, DENO_DIR and what it was given", async () => {
    await using child = startProcess(["--allow-env", FIXTURE], {
      GREETING: "hi",
    }, { runtime: "deno" });
    const [, json] = await child.waitForLine(/^env (.*)$/);
    const names: string[] = JSON.parse(json);
    assertArrayIncludes(names, ["GREETING", "PATH"]);
    assertEquals(
      names.filter((name) => !["DENO_DIR", "GREETING", "HOME", "PATH"].includes(name)),
      [],
    );
    await child.waitForLine(/^runtime deno$/);
    assertEquals(await child.exited, { code: 0, signal: null });
  });

  it("is refused what its flags do not allow", async () => {
    await using child = startProcess(["--deny-env", FIXTURE], {}, { runtime: "deno" });
    await child.waitForLine(/NotCapable/);
    assertEquals((await child.exited).code, 1);
  });

  it("says why a line did not come", async () => {
    await using child = startProcess(["--allow-env", FIXTURE], {}, { runtime: "deno" });
    const error = await assertRejects(
      () => child.waitForLine(/never said/),
      Error,
      "ended (0)",
    );
    assertStringIncludes(error.message, "runtime deno");
  });

  it("takes its flags from the task that runs it", () => {
    const config = JSON.stringify({
      tasks: {
        dev: "deno run --watch -A main.ts",
        start: "deno run --allow-net --allow-read=. main.ts",
        worker: { command: "deno run --allow-net ./worker.ts" },
        shell: 'deno run --allow-read="$HOME" shell.ts',
        data: "mkdir -p .otto $OTTO_DATA_DIR && deno run " +
          "--allow-write=$(cd $OTTO_DATA_DIR 2> /dev/null && pwd || echo .otto) data.ts",
      },
    });
    assertEquals(taskFlags("main.ts", config), [
      "--allow-net",
      "--allow-read=.",
    ]);
    assertEquals(taskFlags("worker.ts", config), ["--allow-net"]);
    assertEquals(taskFlags("data.ts", config), ["--allow-write=.otto"]);
    assertEquals(taskFlags("data.ts", config, "/tmp/data"), [
      "--allow-write=/tmp/data",
    ]);
    assertThrows(() => taskFlags("shell.ts", config), Error, "needs a shell");
    assertThrows(
      () => taskFlags("other.ts", config),
      Error,
      "Cannot find the flags",
    );
  });

  it("is frozen, thawed and ended by its number", () => servesAndEnds("deno"));
});

describeWith({ node: true }, "a process of ours on Node", () => {
  it("takes its flags from the script that runs it, and none of Deno's", () => {
    const onNode = (...args: string[]) => commandOf(args, { runtime: "node" }).slice(1);
    assertEquals(onNode("main.ts", "--help"), [
      ...["-r", `${ROOT}/require_node.cjs`],
      ...[`${ROOT}/main.ts`, "--help"],
    ]);
    assertEquals(onNode("--allow-net", FIXTURE, "serve"), [`${ROOT}/${FIXTURE}`, "serve"]);
    assertThrows(() => onNode("other.ts"), Error, "no script of package.json");
  });

  it("is frozen, thawed and ended by its number", () => servesAndEnds("node"));
});

async function servesAndEnds(runtime: RuntimeName): Promise<void> {
  const port = await freePort();
  const flags = ["--allow-net", "--allow-env"];
  const child = startProcess([...flags, FIXTURE, "serve", `${port}`], {}, {
    runtime,
  });
  try {
    await child.waitForLine(/listening/);
    const url = `http://127.0.0.1:${port}/`;
    const ask = async () => await (await fetch(url)).text();
    assertEquals(await ask(), "hello");

    {
      await using events = await openEvents(`${url}events`);
      assertEquals(await events.next(), {
        id: "7",
        event: "told",
        data: "one\ntwo",
      });
      assertEquals(await events.next(), {
        id: undefined,
        event: "message",
        data: "three",
      });
      await assertRejects(() => events.next({ timeoutMs: 50 }), WaitedTooLong);
    }
    await assertRejects(() => openEvents("http://127.0.0.1:1/"), TypeError);

    child.freeze();
    const late = ask();
    await assertRejects(() => within(late, 300, "an answer"), WaitedTooLong);
    child.thaw();
    assertEquals(await within(late, 5000, "the late answer"), "hello");

    assertEquals(await child.kill("SIGTERM"), { code: 3, signal: null });
    assertEquals(child.lines.at(-1), "bye");
  } finally {
    await child[Symbol.asyncDispose]();
  }
  const again = startProcess([...flags, FIXTURE, "serve", `${port}`], {}, {
    runtime,
  });
  await again.waitForLine(/listening/);
  await again[Symbol.asyncDispose]();
  assertEquals(await again.exited, { code: null, signal: "SIGKILL" });
}

describe("waiting", () => {
  it("ends as soon as the check holds, and returns what it gave", async () => {
    let tries = 0;
    assertEquals(
      await until(() => ++tries === 3 && "there", { what: "the third try" }),
      "there",
    );
    assertEquals(tries, 3);
  });

  it("says what it waited for, and what the last try said", async () => {
    await assertRejects(
      () =>
        until(() => assertEquals(1, 2), {
          what: "one to be two",
          timeoutMs: 30,
        }),
      WaitedTooLong,
      "Waited 30 ms for one to be two; the last try said: Values are not equal",
    );
    await assertRejects(
      () => until(() => new Promise(() => {}), { what: "nothing", timeoutMs: 30 }),
      WaitedTooLong,
    );
  });

  it("finds a port nobody listens on", async () => {
    const server = createServer().listen(await freePort(), "127.0.0.1");
    await once(server, "listening");
    server.close();
  });
});

function file(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

function client(url: string): postgres.Sql & AsyncDisposable {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  return Object.assign(sql, {
    [Symbol.asyncDispose]: () => sql.end({ timeout: 1 }),
  });
}

async function connectRedis(url: string) {
  const redis = createClient({ url, socket: { reconnectStrategy: false } });
  redis.on("error", () => {});
  await redis.connect();
  return Object.assign(redis, {
    [Symbol.asyncDispose]() {
      if (redis.isOpen) redis.destroy();
      return Promise.resolve();
    },
  });
}
