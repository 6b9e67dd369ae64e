import { assert, assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { testFolder } from "../folder.ts";
import { JSON_TYPE, openOtto, type Otto } from "../otto.ts";

const SECRET = "a-token-of-gitlab";

/** Messages of GitLab that were refused for a wrong token, by their ids. */
async function refuse(otto: Otto, count: number): Promise<string[]> {
  for (let n = 0; n < count; n++) {
    const answer = await otto.ask("/webhook/gitlab", {
      method: "POST",
      headers: { ...JSON_TYPE, "x-gitlab-token": SECRET },
      body: JSON.stringify({ object_kind: "push", n }),
    });
    assertEquals(answer.status, 401);
    await answer.body?.cancel();
  }
  await otto.services.quarantine.idle();
  const { items } = await otto.get("/api/messages?phase=refused");
  return items.map((each: { message_id: string }) => each.message_id);
}

/** How many messages are in a phase. */
async function count(otto: Otto, phase: string): Promise<number> {
  return (await otto.get(`/api/messages?phase=${phase}`)).items.length;
}

describe("acting on many messages", () => {
  it("replays those that are named, and says which are not right any more", async () => {
    await using otto = await openOtto({ WEBHOOK_SECRET_GITLAB: "another" });
    const first = await otto.send("demo", "{}", JSON_TYPE);
    const [refused] = await refuse(otto, 1);
    const made = await otto.post("/api/messages/replay", { ids: [first, refused] }, 201);
    assertEquals([made.done, made.items[0].replay_of], [1, first]);
    assertEquals([made.refused[0].message_id, made.refused[0].code], [refused, "wrong_state"]);
  });

  it("releases what is right now, and leaves the rest with its reason", async () => {
    await using otto = await openOtto({ WEBHOOK_SECRET_GITLAB: "another" });
    const ids = await refuse(otto, 3);
    const none = await otto.post("/api/messages/release", { ids });
    assertEquals([none.done, none.refused.length], [0, 3]);
    assertMatch(none.refused[0].message, /still refused/);
    assertEquals(await count(otto, "refused"), 3);
  });

  it("releases all that match once the secret is right", async () => {
    await using folder = await testFolder();
    const OTTO_DATA_DIR = folder.path;
    {
      await using otto = await openOtto({ OTTO_DATA_DIR, WEBHOOK_SECRET_GITLAB: "another" });
      await refuse(otto, 3);
    }
    await using otto = await openOtto({ OTTO_DATA_DIR, WEBHOOK_SECRET_GITLAB: SECRET });
    const filter = { phase: "refused", source: "gitlab" };
    assertEquals((await otto.post("/api/messages/release", { filter, expect: 3 })).done, 3);
    await otto.workOff();
    assertEquals([await count(otto, "refused"), await count(otto, "done")], [0, 3]);
  });

  it("deletes all that match, if they are as many as were seen", async () => {
    await using otto = await openOtto();
    for (const n of [1, 2, 3]) await otto.send("shop", `{"n":${n}}`, JSON_TYPE);
    const other = await otto.send("demo", "{}", JSON_TYPE);
    const filter = { source: "shop" };
    const wrong = await otto.post("/api/messages/delete", { filter, expect: 2 }, 409);
    assertEquals(wrong.error.code, "count_changed");
    assertMatch(wrong.error.message, /2 were expected to match, and 3 do now/);
    assertEquals((await otto.post("/api/messages/delete", { filter, expect: 3 })).done, 3);
    const { items } = await otto.get("/api/messages");
    assertEquals(items.map((each: { message_id: string }) => each.message_id), [other]);
    const gone = await otto.post("/api/messages/delete", { ids: [other, other.toUpperCase()] });
    assertEquals([gone.done, gone.refused], [1, []]);
    const again = await otto.post("/api/messages/delete", { ids: [other] });
    assertEquals([again.done, again.refused[0].code], [0, "message_not_found"]);
  });

  it("never takes no filter, an unknown one or too many ids for all", async () => {
    await using otto = await openOtto();
    for (
      const body of [
        { filter: {}, expect: 0 },
        { filter: { colour: "red" }, expect: 0 },
        { filter: { source: "shop" } },
        { ids: [] },
        { ids: ["x"] },
        {},
        { ids: Array.from({ length: 1_001 }, () => crypto.randomUUID()) },
      ]
    ) {
      const { error } = await otto.post("/api/messages/delete", body, 400);
      assert(error.message.length > 0);
    }
  });
});

describe("acting on many tasks", () => {
  it("retries those that have failed and cancels those that are open", async () => {
    await using otto = await openOtto();
    const { database } = otto.services;
    for (const n of [1, 2, 3]) await otto.send("demo", `{"n":${n}}`, JSON_TYPE);
    await otto.workOff();
    const fail = () =>
      database.query(
        "fail them",
        (sql) =>
          sql`update tasks set status = 'failed', error_code = 'agent_failed', error_message = 'no'`,
      );
    await fail();
    const filter = { phase: "failed", source: "generic" };
    assertEquals((await otto.post("/api/tasks/retry", { filter, expect: 3 })).done, 3);
    assertEquals(await count(otto, "queued"), 3);
    const { items } = await otto.get("/api/tasks?phase=queued");
    const ids = items.map((each: { id: string }) => each.id);
    assertEquals((await otto.post("/api/tasks/cancel", { ids })).done, 3);
    const { done, refused } = await otto.post("/api/tasks/cancel", { ids });
    assertEquals([done, refused.length, refused[0].code], [0, 3, "wrong_status"]);
    assertEquals(await count(otto, "cancelled"), 3);
  });
});

describe("the pages for many messages", () => {
  const form = (ids: readonly string[]) => ({
    method: "POST",
    headers: {
      "content-type": "application/x-www-form-urlencoded",
      origin: "http://localhost:8000",
    },
    body: new URLSearchParams({ ids: ids.join(",") }),
  });

  it("show why each was refused, and release all that match in three steps", async () => {
    await using folder = await testFolder();
    const OTTO_DATA_DIR = folder.path;
    {
      await using otto = await openOtto({ OTTO_DATA_DIR, WEBHOOK_SECRET_GITLAB: "another" });
      await refuse(otto, 3);
    }
    await using otto = await openOtto({ OTTO_DATA_DIR, WEBHOOK_SECRET_GITLAB: SECRET });
    const list = await (await otto.ask("/messages?phase=refused")).text();
    assertMatch(list, /(unverified claim)/);
    assertMatch(list, /class="why"[^>]*>[^<]*token/i);
    const [, link] = list.match(/href="(\/messages\/many\?[^"]+)"/)!;
    const asked = await (await otto.ask(link.replaceAll("&amp;", "&"))).text();
    assertMatch(asked, /3 of GitLab; 3 refused/);
    assertMatch(asked, /Verify again and release 3/);
    assert(!asked.includes("/messages/many/replay"), "nobody vouches for them");
    const [, ids] = asked.match(/many\/release"[^]*?name="ids" value="([^"]+)"/)!;
    const done = await (await otto.ask("/messages/many/release", form(ids.split(",")))).text();
    assertMatch(done, /3 released/);
    assertEquals(await count(otto, "refused"), 0);
    assert(done.includes(`href="/messages/${ids.split(",")[0]}"`), done);
    const again = await (await otto.ask("/messages/many/release", form(ids.split(",")))).text();
    assertMatch(again, /0 released, 3 left as they are/);
    assertMatch(again, /3 ×/);
  });

  it("act on those that were chosen, as each is", async () => {
    await using otto = await openOtto({ WEBHOOK_SECRET_GITLAB: "another" });
    const [refused] = await refuse(otto, 1);
    const sent = await otto.send("demo", '{"title":"a < b"}', JSON_TYPE);
    const failed = await otto.send("demo", "{}", JSON_TYPE);
    await otto.workOff();
    await otto.services.database.query(
      "fail it",
      (sql) =>
        sql`update tasks set status = 'failed', error_code = 'agent_failed',
        error_message = 'the model answered <400>' where message_id = ${failed}`,
    );
    assertMatch(
      await (await otto.ask("/messages?phase=failed")).text(),
      /the model answered &lt;400&gt;/,
    );
    const asked = await (await otto.ask(
      `/messages/many?id=${refused}&id=${sent}&id=${failed}`,
    )).text();
    for (const label of ["release 1", "Retry 1 failed", "Replay 2", "Delete 3"]) {
      assert(asked.includes(label), label);
    }
    const replayed = await otto.ask("/messages/many/replay", form([sent]));
    assertEquals(replayed.status, 303);
    assertMatch(replayed.headers.get("location")!, /^\/messages\/replays\?/);
    await (await otto.ask("/messages/many/delete", form([sent, failed, refused]))).body?.cancel();
    const { items } = await otto.get("/api/messages");
    assertEquals(items.map((each: { replay_of: string }) => each.replay_of), [sent]);
    assertEquals((await otto.ask("/messages/many")).status, 400);
  });
});
