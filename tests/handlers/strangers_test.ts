import { assert, assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { createApp } from "../../handlers/mod.ts";
import { clientPrefix } from "../../lib/ingress/client_prefix.ts";
import { createDailyBuckets, type DailyAmount } from "../../lib/ingress/daily_buckets.ts";
import { json, openOtto, type Otto } from "../otto.ts";
import { until } from "../servers/mod.ts";

const SECRET = "a-token-of-gitlab";
const NETWORK = {
  HOST: "0.0.0.0",
  ADMIN_TOKEN: "a token of the admin",
  WEBHOOK_SECRET_GITLAB: SECRET,
};
const MANY_BYTES = 1024 * 1024;

interface Sent {
  from: string;
  type?: string;
  body?: string;
  headers?: Record<string, string>;
  inside?: true;
}

/** A web process on the database of another; it ends with the test. */
function startWeb({ services }: Otto, unverifiedDaily: DailyAmount, stop: AbortSignal) {
  const config = { ...services.config, unverifiedDaily };
  const app = createApp({ services: { ...services, config }, stop });
  return async ({ from, type = "demo", body = "{}", headers, inside }: Sent) => {
    const url = `http://otto.example.com/webhook/${type}`;
    const host = { host: "otto.example.com" };
    const request = new Request(url, { method: "POST", body, headers: { ...host, ...headers } });
    return await app.fetch(request, { address: () => from, isInside: inside });
  };
}

const rowsOf = ({ services: { database } }: Otto) =>
  database.query(
    "read the days",
    (sql) =>
      sql<{ prefix: string; type: string; messages: number }[]>`
      select prefix, type, messages::int from unverified_days
      where day = (now() at time zone 'UTC')::date order by prefix, type`,
  );

describe("what strangers send on the network", () => {
  it("is taken from each prefix and type up to its share of the day", async () => {
    await using otto = await openOtto(NETWORK);
    const stop = new AbortController();
    const send = startWeb(otto, { messages: 3, bytes: MANY_BYTES }, stop.signal);
    const status = async (sent: Sent) => (await send(sent)).status;
    for (const last of [1, 2, 3]) assertEquals(await status({ from: `203.0.113.${last}` }), 200);

    const refused = await send({ from: "::ffff:203.0.113.9" });
    const seconds = Number(refused.headers.get("retry-after"));
    assert(seconds >= 1 && seconds <= 86_400, `${seconds}`);
    const { error } = await json(refused, 429);
    assertEquals(error.code, "daily_share_used");
    assertMatch(error.message, /203\.0\.113\.0\/24/);
    assertMatch(error.hint, /SOURCES_FILE.*UNVERIFIED_DAILY_MESSAGES/);

    // An unknown name in the URL is no new type.
    assertEquals(await status({ from: "203.0.113.4", type: "demo2" }), 429);
    assertEquals(await status({ from: "203.0.113.4", type: "grafana" }), 200);
    assertEquals(await status({ from: "203.0.114.1" }), 200);
    const signed = { type: "gitlab", headers: { "x-gitlab-token": SECRET } };
    for (let round = 0; round < 5; round++) {
      assertEquals(await status({ from: "203.0.113.1", ...signed }), 200);
      assertEquals(await status({ from: "", inside: true }), 200);
    }

    // Another process, or this one after a restart, knows of it.
    await until(async () => {
      assertEquals([...await rowsOf(otto)], [
        { prefix: "203.0.113.0/24", type: "generic", messages: 3 },
        { prefix: "203.0.113.0/24", type: "grafana", messages: 1 },
        { prefix: "203.0.114.0/24", type: "generic", messages: 1 },
      ]);
      return true;
    }, { what: "the counts of the day to be kept", timeoutMs: 30_000 });
    const sendAgain = startWeb(otto, { messages: 3, bytes: MANY_BYTES }, stop.signal);
    let taken = 0;
    await until(async () => {
      const answer = await sendAgain({ from: "203.0.113.1" });
      if (answer.status === 200) taken++;
      return answer.status === 429;
    }, { what: "the other process to know", timeoutMs: 30_000 });
    assert(taken < 3, `${taken} more were taken`);
    stop.abort();
  });

  it("leaves a share to those who came on earlier days", async () => {
    await using otto = await openOtto(NETWORK);
    const stop = new AbortController();
    await otto.services.database.query("have seen one yesterday", (sql) =>
      sql`
        insert into unverified_days (day, prefix, type, messages, bytes)
        values ((now() at time zone 'UTC')::date - 1, '198.51.100.0/24', 'generic', 1, 2)`);
    // Of 10 for all, newcomers may have 5.
    const send = startWeb(otto, { messages: 1, bytes: MANY_BYTES }, stop.signal);
    const status = async (from: string) => (await send({ from })).status;
    assertEquals(await status("10.0.0.1"), 200);
    // It has read who came before it writes who came today.
    await until(async () => (await rowsOf(otto)).length > 0, {
      what: "the counts of the day to be kept",
      timeoutMs: 30_000,
    });
    const flood: number[] = [];
    for (let net = 1; net < 8; net++) flood.push(await status(`10.0.${net}.1`));
    assertEquals(flood.slice(-2), [429, 429]);
    assertEquals(await status("198.51.100.7"), 200);
    assertEquals(await status("198.51.100.7"), 429);
    stop.abort();
  });

  it("leaves none of that share to a flood of the day before, but to who came quietly", async () => {
    await using otto = await openOtto(NETWORK);
    const stop = new AbortController();
    const { database } = otto.services;
    const seen = (daysAgo: number, prefix: string, messages: number) =>
      database.query("have seen one", (sql) =>
        sql`
        insert into unverified_days (day, prefix, type, messages, bytes)
        values ((now() at time zone 'UTC')::date - ${daysAgo}::int, ${prefix}, 'generic',
          ${messages}, ${messages * 100})`);
    // Buckets of 4, 40 for all, 20 of them for newcomers. A flood came yesterday from 16 networks,
    // some of which hardly sent anything; two came on quiet days, too.
    for (let net = 0; net < 8; net++) await seen(1, `192.0.${net}.0/24`, 4);
    for (let net = 8; net < 16; net++) await seen(1, `192.0.${net}.0/24`, 1);
    await seen(1, "198.51.100.0/24", 1);
    await seen(2, "198.51.100.0/24", 2);
    await seen(7, "198.51.101.0/24", 2);
    const send = startWeb(otto, { messages: 4, bytes: MANY_BYTES }, stop.signal);
    const status = async (from: string) => (await send({ from })).status;
    assertEquals(await status("10.0.0.1"), 200);
    await until(async () => (await rowsOf(otto)).length > 0, {
      what: "the counts of the day to be kept",
      timeoutMs: 30_000,
    });
    for (let net = 1; net <= 20; net++) await status(`10.0.${net}.1`);
    assertEquals(await status("10.0.21.1"), 429);
    assertEquals([await status("192.0.0.1"), await status("192.0.9.1")], [429, 429]);
    assertEquals([await status("198.51.100.7"), await status("198.51.101.7")], [200, 200]);
    stop.abort();
  });

  it("counts its bytes, headers too, and takes back what could not be kept", async () => {
    await using otto = await openOtto(NETWORK);
    const stop = new AbortController();
    const send = startWeb(otto, { messages: 100, bytes: 4_000 }, stop.signal);
    const large = { from: "203.0.113.1", headers: { "x-much": "x".repeat(2_500) } };
    assertEquals((await send(large)).status, 200);
    assertEquals((await send(large)).status, 429);
    assertEquals((await send({ from: "203.0.113.1" })).status, 200);
    stop.abort();
  });
});

describe("a day's buckets", () => {
  const sender = { prefix: "203.0.113.0/24", type: "generic" };

  it("are empty again on the next day", () => {
    let now = Date.parse("2026-01-31T23:59:58.500Z");
    const buckets = createDailyBuckets({ messages: 1, bytes: 100 }, () => now);
    assertEquals([buckets.take(sender, 1), buckets.take(sender, 1)], [undefined, "own"]);
    assertEquals(buckets.secondsLeft(), 2);
    now += 2_000;
    assertEquals(buckets.take(sender, 1), undefined);
  });

  it("get back what could not be kept", () => {
    const buckets = createDailyBuckets({ messages: 1, bytes: 100 });
    buckets.take(sender, 100);
    buckets.giveBack(sender, 100);
    assertEquals(buckets.unsaved(), []);
    assertEquals(buckets.take(sender, 100), undefined);
  });

  it("count what other processes have taken, once", () => {
    const buckets = createDailyBuckets({ messages: 5, bytes: 100 });
    buckets.take(sender, 1);
    const ours = buckets.unsaved();
    buckets.take(sender, 1);
    buckets.saved(buckets.day(), ours, [{ ...sender, messages: 4, bytes: 4 }]);
    assertEquals(buckets.unsaved(), [{ ...sender, messages: 1, bytes: 1 }]);
    assertEquals(buckets.take(sender, 1), "own");
    // The store's day is another one: its clock differs.
    buckets.saved("1999-01-01", [], [{ ...sender, messages: 0, bytes: 0 }]);
    assertEquals(buckets.take(sender, 1), "own");
  });

  it("count what other processes have taken of all senders, too", () => {
    const buckets = createDailyBuckets({ messages: 10, bytes: 1_000 });
    buckets.take(sender, 1);
    const ours = buckets.unsaved();
    buckets.take(sender, 1);
    const all = { messages: 98, bytes: 98 };
    buckets.saved(buckets.day(), ours, [{ ...sender, messages: 1, bytes: 1 }], all);
    // Ten buckets are there for all: one message of these 100 is left.
    assertEquals([buckets.take(sender, 1), buckets.take(sender, 1)], [undefined, "all"]);
  });

  it("do not know a flood on the next day, before the store has said who is known", () => {
    let now = Date.parse("2026-01-31T12:00:00Z");
    const buckets = createDailyBuckets({ messages: 4, bytes: 1_000 }, () => now);
    buckets.load(buckets.day(), []);
    const of = (n: number) => ({ prefix: `${n}`, type: "generic" });
    for (let round = 0; round < 4; round++) buckets.take(of(0), 1);
    buckets.take(of(1), 1);
    now += 24 * 60 * 60 * 1_000;
    for (let n = 10; n < 30; n++) assertEquals(buckets.take(of(n), 1), undefined);
    assertEquals([buckets.take(of(0), 1), buckets.take(of(1), 1)], ["all", undefined]);
  });

  it("do not grow without end, however many prefixes there are", () => {
    const buckets = createDailyBuckets({ messages: 100_000, bytes: 1e9 });
    for (let n = 0; n < 10_500; n++) buckets.take({ prefix: `${n}`, type: "generic" }, 1);
    assertEquals(buckets.unsaved().length, 10_000);
  });
});

describe("the prefix of an address", () => {
  it("is the /24 or /48 that it is in", () => {
    for (
      const [address, prefix] of [
        ["203.0.113.7", "203.0.113.0/24"],
        ["::ffff:203.0.113.7", "203.0.113.0/24"],
        ["::ffff:cb00:7107", "203.0.113.0/24"],
        ["2001:DB8:1:2:3:4:5:6", "2001:db8:1::/48"],
        ["2001:db8::1", "2001:db8:0::/48"],
        ["fe80::1%eth0", "fe80:0:0::/48"],
        ["::1", "0:0:0::/48"],
        ["", "unknown"],
        ["_hidden", "unknown"],
      ]
    ) assertEquals(clientPrefix(address), prefix, address);
  });
});
