import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { createLog } from "../../lib/process/log.ts";
import { ConfigError, readConfig } from "../../lib/config/config.ts";
import { secretsIn } from "../../lib/config/secrets_in.ts";
import { checkStores } from "../../lib/monitor/checkup.ts";
import { Refusal } from "../../lib/process/refusal.ts";
import { openServer } from "../../lib/store/server/server.ts";
import { readServerAddress, type ServerAddress } from "../../lib/store/server/address.ts";
import { openOtto } from "../otto.ts";
import { describeWith } from "../servers/mod.ts";

/** As their consoles give them to people. */
const VENDORS: Record<string, { url: string; is: Partial<ServerAddress>; tls: string }> = {
  Neon: {
    url: "postgresql://otto:npg_s3cret@ep-cool-1234-pooler.eu-central-1.aws.neon.tech/neondb" +
      "?sslmode=require&channel_binding=require",
    is: { user: "otto", password: "npg_s3cret", database: "neondb", pooled: false },
    tls: "require",
  },
  Prisma: {
    url: "postgres://abc:sk_key@db.prisma.io:5432/?schema=otto&connection_limit=5&pgbouncer=true" +
      "&pool_timeout=15&connect_timeout=10&sslmode=require",
    is: { searchPath: '"otto"', connections: 5, pooled: true, connectSeconds: 10 },
    tls: "require",
  },
  Supabase: {
    url: "postgres://postgres.ref:p%40ss@aws-0-eu-central-1.pooler.supabase.com:6543/postgres" +
      "?sslmode=require&supa=base-pooler.x&pgbouncer=true&connection_limit=1",
    is: { user: "postgres.ref", password: "p@ss", pooled: true, connections: 1 },
    tls: "require",
  },
  RDS: {
    url: "postgres://otto:a%25b@otto.c1.eu-west-1.rds.amazonaws.com:5432/otto?sslmode=verify-full" +
      "&sslrootcert=./global-bundle.pem&application_name=otto-web&target_session_attrs=primary" +
      "&keepalives_idle=30",
    is: { password: "a%b", applicationName: "otto-web", role: "primary", keepAliveSeconds: 30 },
    tls: "verify-full",
  },
  Heroku: {
    url: "postgres://u1:p2@ec2-1-2-3-4.eu-west-1.compute.amazonaws.com:5432/d3",
    is: { database: "d3" },
    // It insists on TLS, and says nothing of it.
    tls: "prefer",
  },
};

describe("the address of the database", () => {
  for (const [vendor, { url, is, tls }] of Object.entries(VENDORS)) {
    it(`is understood as ${vendor} gives it`, () => {
      const address = readServerAddress(url);
      for (const [name, value] of Object.entries(is)) {
        assertEquals(address[name as keyof ServerAddress], value, name);
      }
      assertEquals([address.tls.mode, address.unknown], [tls, []]);
      assertEquals(address.hosts, [{ host: new URL(url).hostname, port: portOf(url) }]);
    });
  }

  it("may be several hosts, IPv6, a socket's folder, or nothing but a name", () => {
    const hosts = (url: string) => readServerAddress(url).hosts;
    assertEquals(hosts("postgres://u@db1:5433,db2,[fd00::1]:5434/otto"), [
      { host: "db1", port: 5433 },
      { host: "db2", port: undefined },
      { host: "fd00::1", port: 5434 },
    ]);
    assertEquals(hosts("postgres:///otto?host=/var/run/postgresql&port=5433"), [
      { host: "/var/run/postgresql", port: 5433 },
    ]);
    assertEquals(hosts("postgres:///otto"), []);
    assertEquals(hosts("postgres://h1,h2/otto?port=1,2").map(({ port }) => port), [1, 2]);
  });

  it("has libpq's meanings of sslmode, and those of other drivers", () => {
    const mode = (query: string) =>
      readServerAddress(`postgres://db.example/otto?${query}`).tls.mode;
    assertEquals(
      [
        ...["", "sslmode=disable", "sslmode=allow", "sslmode=require", "sslmode=verify-ca"],
        ...["sslmode=require&sslrootcert=a.pem", "sslrootcert=system", "ssl=true", "requiressl=1"],
        ...["sslmode=no-verify", "ssl=false"],
      ].map(mode),
      [
        ...["prefer", "disable", "prefer", "require", "verify-ca"],
        ...["verify-ca", "verify-full", "require", "require"],
        ...["require", "disable"],
      ],
    );
    assertEquals(readServerAddress("postgres://localhost/otto").tls.mode, "disable");
  });

  it("names what it does not know", () => {
    const url = "postgres://db.example/otto?sslmode=require&max=5&statement_timeout=9&gssencmode=x";
    assertEquals(readServerAddress(url).unknown, ["max", "statement_timeout"]);
  });

  it("is refused with words, and without what stands in it", () => {
    const refusal = (url: string) => {
      const { message } = assertThrows(() => readServerAddress(url), Refusal);
      assert(!message.includes("hunter"), message);
      return message;
    };
    assertStringIncludes(refusal("postgres://otto:hunter#2@db.example/otto"), "# in the user");
    assertStringIncludes(refusal("postgres://otto:hunter/2@db.example/otto"), "%2F");
    assertStringIncludes(refusal("postgres://db.example/otto?sslmode=hunter"), "verify-full");
    assertStringIncludes(refusal("postgres://db.example/otto?connect_timeout=hunter"), "number");
    assertStringIncludes(
      refusal("postgres://db.example/otto?target_session_attrs=standby"),
      "primary, read-write or any",
    );
    assertStringIncludes(refusal("postgres://db.example:99999/otto"), "65535");
  });

  it("says how to write a % in a password, Redis' too", () => {
    const DATABASE_URL = "postgres://otto:100%hunter@db.example/otto";
    const REDIS_URL = "redis://:100%hunter@redis.example";
    for (const env of [{ DATABASE_URL }, { DATABASE_URL: "postgres://db.example/x", REDIS_URL }]) {
      const { message } = assertThrows(() => readConfig(env), ConfigError);
      assertStringIncludes(message, "write % itself as %25");
      assert(!message.includes("hunter"), message);
    }
    const { password } = readServerAddress(DATABASE_URL.replace("%", "%25"));
    assertEquals(password, "100%hunter");
  });

  it("keeps its passwords out of what is shown", () => {
    const secrets = secretsIn(readConfig({
      DATABASE_URL: "postgres://otto:s%40one@db1:5432,db2:5433/otto?sslpassword=two&password=three",
    }));
    assertEquals(secrets, ["s@one", "two", "three"]);
  });
});

/** Each URL's parameters, on the server of the test, which has no TLS. */
describeWith({ postgres: true }, "a server", (servers) => {
  for (const [vendor, { url }] of Object.entries(VENDORS)) {
    it(`answers with the parameters that ${vendor} gives`, async () => {
      const here = new URL(await servers.postgres.createDatabase());
      here.search = new URL(url).search;
      here.searchParams.delete("sslrootcert");
      here.searchParams.set("sslmode", "prefer");
      await using server = openServer({ url: here.href, log: createLog("silent") });
      const [row] = await server.query(
        "ask for the settings",
        (sql) =>
          sql<Record<string, unknown>[]>`
          select current_setting('application_name') as name, current_setting('search_path') as path,
            ${1}::int + 1 as two`,
      );
      const { applicationName = "otto", searchPath } = readServerAddress(url);
      assertEquals(row, { name: applicationName, path: searchPath ?? '"$user", public', two: 2 });
    });
  }

  it("takes the operator's options", async () => {
    const url = `${await servers.postgres.createDatabase()}?options=-c%20work_mem%3D7MB`;
    await using server = openServer({ url, log: createLog("silent") });
    const [{ is }] = await server.query(
      "ask for a setting",
      (sql) => sql`select current_setting('work_mem') as is`,
    );
    assertEquals(is, "7MB");
  });

  it("is told with the parameters that are not known, at the start and by the doctor", async () => {
    const url = `${await servers.postgres.createDatabase()}?max=5&sslmode=disable`;
    const lines: string[] = [];
    const env = { DATABASE_URL: url, LOG_LEVEL: "warn" };
    await using _otto = await openOtto(env, { write: (line) => lines.push(line) });
    assertStringIncludes(lines.join(), "does not know and leaves out: max.");
    const [check] = await checkStores(readConfig(env), createLog("silent"));
    assertStringIncludes(check.detail, "does not know and leaves out: max.");
  });

  it("is found behind a host that is not there", async () => {
    const { host, pathname, username } = new URL(await servers.postgres.createDatabase());
    const url =
      `postgres://${username}@127.0.0.1:9,${host}${pathname}?target_session_attrs=primary`;
    await using server = openServer({ url, log: createLog("silent") });
    const answers = await Promise.all(
      [1, 2, 3].map((n) => server.query("ask", (sql) => sql`select ${n}::int as n`)),
    );
    assertEquals(answers.map(([{ n }]) => n), [1, 2, 3]);
  });
});

function portOf(url: string): number | undefined {
  const { port } = new URL(url);
  return port === "" ? undefined : Number(port);
}
