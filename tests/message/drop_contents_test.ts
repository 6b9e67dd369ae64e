import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { createWorker } from "../../lib/work/work.ts";
import { json, JSON_TYPE, openOtto, type Otto } from "../otto.ts";

/** Otto with a message of four days ago that became a task, and its id. */
async function withOld(env: Record<string, string> = {}) {
  const otto = await openOtto({ BODY_RETENTION_DAYS: "3", ...env });
  const id = await otto.send("demo", '{"title":"Sofa"}', { ...JSON_TYPE, "x-delivery": "1" });
  await otto.workOff();
  return { otto, id };
}

async function age({ services: { database } }: Otto): Promise<void> {
  await database.query(
    "age them",
    (sql) => sql`update messages set stored_at = now() - interval '4 days'`,
  );
}

const tidy = ({ services }: Otto) => createWorker(services).tidy();

describe("what messages said", () => {
  it("is dropped by its age, and what became of it stays", async () => {
    const { otto, id } = await withOld();
    await using _ = otto;
    await age(otto);
    const fresh = await otto.send("demo", '{"title":"Chair"}', JSON_TYPE);
    await otto.workOff();
    await tidy(otto);

    const old = await otto.get(`/api/messages/${id}`);
    assertEquals([old.dropped, old.payload, old.headers, old.size], [true, null, {}, 16]);
    assertMatch(old.payload_left_out, /BODY_RETENTION_DAYS/);
    assertMatch(old.title, /Sofa/);
    assertEquals((await otto.get(`/api/tasks/${old.task_id}`)).status, "completed");
    const { dropped, payload } = await otto.get(`/api/messages/${fresh}`);
    assertEquals([dropped, payload], [false, { title: "Chair" }]);
  });

  it("is asked for in vain, with words", async () => {
    const { otto, id } = await withOld();
    await using _ = otto;
    await age(otto);
    await tidy(otto);
    const page = await (await otto.ask(`/messages/${id}`)).text();
    assertMatch(page, /are gone: they are kept for\s+<code>BODY_RETENTION_DAYS/);
    assert(!page.includes("/replay"));
    for (
      const answer of [
        await otto.ask(`/api/messages/${id}/body`),
        await otto.ask(`/api/messages/${id}/replay`, { method: "POST" }),
      ]
    ) {
      assertEquals((await json(answer, 410)).error.code, "body_dropped");
    }
    const many = await otto.ask("/api/messages/replay", {
      method: "POST",
      headers: JSON_TYPE,
      body: JSON.stringify({ ids: [id] }),
    });
    const { items, refused } = await json(many, 201);
    assertEquals([items.length, refused[0].code], [0, "body_dropped"]);
  });

  it("stays where it can be worked again: failed messages, open tasks, new ones", async () => {
    const { otto, id } = await withOld();
    await using _ = otto;
    const open = await otto.send("demo", "{}", JSON_TYPE);
    await otto.workOff();
    const fresh = await otto.send("demo", "{}", JSON_TYPE);
    const { database } = otto.services;
    await database.query(
      "fail it",
      (sql) => sql`update messages set state = 'failed' where id = ${id}`,
    );
    await database.query(
      "open it",
      (sql) => sql`update tasks set status = 'waiting_input' where message_id = ${open}`,
    );
    await age(otto);
    await tidy(otto);
    const { items } = await otto.get("/api/messages");
    const states = items.map((each: { message_id: string; dropped: boolean }) => [
      each.message_id,
      each.dropped,
    ]);
    assertEquals(states, [[fresh, false], [open, false], [id, false]]);
  });

  it("is not needed to know a repeat", async () => {
    await using otto = await openOtto({ BODY_RETENTION_DAYS: "3" });
    const github = {
      ...JSON_TYPE,
      "x-github-event": "ping",
      "x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
    };
    const id = await otto.send("github", '{"zen":"Design for failure."}', github);
    await otto.workOff();
    await age(otto);
    await tidy(otto);
    assertEquals(await otto.send("github", '{"zen":"Design for failure."}', github), id);
    const { items } = await otto.get("/api/messages");
    assertEquals(items.map((each: { repeats: number }) => each.repeats), [1]);
  });

  it("is not needed to tell another content under its id", async () => {
    await using otto = await openOtto({ BODY_RETENTION_DAYS: "3" });
    const event = (more: object) =>
      JSON.stringify({ id: "evt_\0 1", type: "charge.failed", ...more });
    const stripe = (more: object) => otto.send("stripe", event(more), JSON_TYPE);
    const github = (body: string | Uint8Array<ArrayBuffer>) =>
      otto.send("github", body, { ...JSON_TYPE, "x-github-delivery": "1" });
    const bytes = new Uint8Array([0xff, 0, 1]);
    const ids = [await stripe({ pending_webhooks: 2 }), await github(bytes)];
    await otto.workOff();
    await age(otto);
    await tidy(otto);
    const { database } = otto.services;
    const digests = () =>
      database.query("look", (sql) =>
        sql<{ id: string }[]>`
        select message_id as id from message_digests order by 1`);
    assertEquals((await digests()).map(({ id }) => id), ids.toSorted());

    assertEquals(await github(bytes), ids[1]);
    assertNotEquals(await github('{"zen":"Another."}'), ids[1]);
    assertEquals(await stripe({ pending_webhooks: 1 }), ids[0], "its sender tries again");
    assertNotEquals(await stripe({ livemode: true }), ids[0]);

    for (const id of ids) {
      await database.query("forget it", (sql) => sql`delete from messages where id = ${id}`);
    }
    assertEquals((await digests()).length, 0, "they go with their messages");
  });

  it("stays as long as its message unless that is set", async () => {
    const { otto, id } = await withOld({ BODY_RETENTION_DAYS: "" });
    await using _ = otto;
    await age(otto);
    await tidy(otto);
    assertEquals((await otto.get(`/api/messages/${id}`)).dropped, false);
  });
});
