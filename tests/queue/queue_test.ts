import { assert, assertEquals } from "@std/assert";
import { it } from "@std/testing/bdd";
import { createClient } from "redis";
import { storeMessages } from "../../lib/message/insert.ts";
import { INBOX_STREAM } from "../../lib/queue/redis.ts";
import { work } from "../../lib/work/work.ts";
import { openPlace } from "../place.ts";
import { ask, messageOf, type Place, queueContract } from "./contract.ts";
import { describeWith, until } from "../servers/mod.ts";

queueContract("memory", () => openPlace({ OTTO_DATA_DIR: ":memory:" }, { processes: 1 }));

describeWith({ postgres: true }, "with PostgreSQL", (servers) => {
  queueContract(
    "NOTIFY",
    async () => openPlace({ DATABASE_URL: await servers.postgres.createDatabase() }),
  );
});

describeWith({ postgres: true, redis: "own" }, "with PostgreSQL and Redis", (servers) => {
  const open = async () =>
    await openPlace({
      DATABASE_URL: await servers.postgres.createDatabase(),
      REDIS_URL: servers.redis.url,
    });

  queueContract("a Redis stream", open);

  it("brings news again after Redis has forgotten everything", async () => {
    await using place = await open();
    await using news = await startNews(place);
    await servers.redis.flush();
    await news.arrives("news after the group was lost");
  });

  it("loses nothing while Redis is dead, and brings news again when it is back", async () => {
    await using place = await open();
    const [here, there] = place.processes;
    await using news = await startNews(place);
    await servers.redis.kill();
    const left = messageOf();
    await storeMessages(here.database, [left]);
    there.queue.send([left.id]);
    // It was stored as too young for the floor; now it is old enough.
    await ask(here, (sql) => sql`update messages set stored_at = now() - interval '1 minute'`);
    await news.processed(left.id, "a message that came while Redis was dead");
    await servers.redis.restart();
    await news.arrives("news after the restart");
  });

  it("loses nothing while Redis is frozen, and brings news again when it thaws", async () => {
    await using place = await open();
    const [here, there] = place.processes;
    await using news = await startNews(place);
    await servers.redis.freeze();
    const left = messageOf();
    await storeMessages(here.database, [left]);
    there.queue.send([left.id]);
    await ask(here, (sql) => sql`update messages set stored_at = now() - interval '1 minute'`);
    await news.processed(left.id, "a message that came while Redis was frozen");
    await servers.redis.thaw();
    await news.arrives("news after the thaw");
  });

  it("leaves nothing in Redis behind", async () => {
    await using place = await open();
    await using news = await startNews(place);
    await news.arrives("news");
    const redis = createClient({ url: servers.redis.url });
    redis.on("error", () => {});
    await redis.connect();
    using _closed = { [Symbol.dispose]: () => redis.destroy() };
    await until(async () => await redis.xLen(INBOX_STREAM) === 0, { what: "an empty stream" });
    const [group] = await redis.xInfoGroups(INBOX_STREAM);
    assertEquals([group.pending, group.consumers], [0, 1]);
  });
});

/** A worker that lives on news alone, because all messages look too young for its floor. */
async function startNews({ processes: [here, there] }: Place) {
  const stop = new AbortController();
  await ask(
    here,
    (sql) => sql`alter table messages alter stored_at set default now() + interval '1 day'`,
  );
  const working = work(there, stop.signal);

  const isProcessed = async (id: string) => {
    const [row] = await ask(here, (sql) => sql`select state from messages where id = ${id}`);
    return row.state === "processed";
  };
  async function arrives(what: string): Promise<void> {
    const message = messageOf();
    await storeMessages(here.database, [message]);
    await until(() => {
      here.queue.send([message.id]);
      return isProcessed(message.id);
    }, { what, timeoutMs: 10_000 });
  }
  await arrives("the worker to listen");
  assert(!stop.signal.aborted);
  return {
    arrives,
    processed: (id: string, what: string) =>
      until(() => isProcessed(id), { what, timeoutMs: 10_000 }),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await working;
    },
  };
}
