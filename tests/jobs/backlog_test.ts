import { assert, assertEquals } from "@std/assert";
import { it } from "@std/testing/bdd";
import { createClient } from "redis";
import { ensureWebhookUser } from "../../lib/people/user.ts";
import { createWorker } from "../../lib/work/work.ts";
import { openOtto } from "../otto.ts";
import { describeWith } from "../servers/mod.ts";

describeWith({ postgres: true, redis: true }, "a backlog of tasks", (servers) => {
  it("waits in the database, as far as it is longer than agents can see to the end of", async () => {
    await servers.redis.flush();
    await using otto = await openOtto({
      DATABASE_URL: await servers.postgres.createDatabase(),
      REDIS_URL: servers.redis.url,
      AGENT: "external",
    });
    const { database } = otto.services;
    const assignee = await ensureWebhookUser(database);
    await database.query("fill", (sql) =>
      sql`
        with made as (
          insert into messages (id, webhook_type, source, verification, size, received_at, state)
          select gen_random_uuid(), 'test', 'generic', 'unverified', 2, now(), 'processed'
          from generate_series(1, 6000) returning id
        )
        insert into tasks (id, message_id, source, title, description, assigned_to)
        select gen_random_uuid(), id, 'generic', 't', 'd', ${assignee} from made`);
    const worker = createWorker(otto.services);
    await worker.collect();
    await using stack = new AsyncDisposableStack();
    const raw = stack.adopt(createClient({ url: servers.redis.url }), (client) => client.destroy());
    await raw.connect();
    const waiting = await raw.zCard("arq:interactive");
    assert(waiting >= 5_000 && waiting < 5_400, `${waiting} jobs`);

    // However often it is looked again.
    for (const began = performance.now(); performance.now() - began < 1_500;) {
      await worker.collect();
    }
    assertEquals(await raw.zCard("arq:interactive"), waiting);

    // Room again, as if 1,000 had ended.
    await database.query("end some", (sql) =>
      sql`
        update tasks set status = 'completed', job_state = null, finished_at = now()
        where id in (select id from tasks where job_state is not null limit 1000)`);
    let submitted = 0;
    while (submitted === 0) {
      await worker.collect();
      submitted = await raw.zCard("arq:interactive") - waiting;
    }
    const [{ left }] = await database.query("count what is left", (sql) =>
      sql<{ left: number }[]>`
        select count(*)::int as left from tasks where job_state is null and open`);
    assertEquals(left, 6_000 - waiting - submitted);
  });
});
