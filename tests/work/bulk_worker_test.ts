import { assertEquals } from "@std/assert";
import { it } from "@std/testing/bdd";
import { describeWith, startWorker, until } from "../servers/mod.ts";
import { openOtto } from "../otto.ts";

const CROWD = 1_500;

describeWith({ postgres: true }, "a bulk action on a server", (servers) => {
  it("goes on after kill -9 of its worker, beside another one, and makes each replay once", async () => {
    const env = { DATABASE_URL: await servers.postgres.createDatabase() };
    await using otto = await openOtto(env);
    const { database } = otto.services;
    await database.query("make a crowd", (sql) =>
      sql`
        insert into messages (id, webhook_type, source, verification, size, received_at, state,
          settled_at, envelope, body)
        select gen_random_uuid(), 'crowd', 'generic', 'unverified', 2, now(), 'processed', now(),
          '{"method":"POST","url":"http://localhost/webhook/crowd","headers":[],"client_ip":null}',
          '{}' from generate_series(1, ${CROWD})`);
    const made = await otto.post("/api/messages/replay", {
      filter: { webhook_type: "crowd" },
      expect: CROWD,
    }, 202);
    const read = () => otto.get(`/api/bulk/${made.id}`);
    await using worker = await startWorker(env);
    await using _other = await startWorker(env);
    for (const done of [100, 500, 900]) {
      await until(async () => (await read()).done >= done, {
        what: `${done} to be replayed`,
        timeoutMs: 60_000,
      });
      await worker.restart();
    }
    await until(async () => (await read()).state === "done", {
      what: "all to be replayed",
      timeoutMs: 90_000,
    });
    const { done, failed } = await read();
    assertEquals([done, failed], [CROWD, 0]);
    const [{ replays, originals }] = await database.query(
      "count",
      (sql) =>
        sql<{ replays: number; originals: number }[]>`
        select count(*)::int as replays, count(distinct replay_of)::int as originals
        from messages where replay_of is not null`,
    );
    assertEquals([replays, originals], [CROWD, CROWD]);
  });
});
