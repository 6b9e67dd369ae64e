import { assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { finish, settle, withModel } from "./model_stage.ts";
import { forgetSubjects } from "../../lib/message/forget/forget_subjects.ts";
import { forgetAliases } from "../../lib/message/subject/subject.ts";
import { closed, comment, opened, openSubjectStage, type SubjectStage } from "./stage.ts";

const embedded = () => Promise.resolve({});

const remove = async (stage: SubjectStage, id: string) => {
  const { status, body } = await stage.otto.ask(`/api/messages/${id}`, { method: "DELETE" });
  await body?.cancel();
  assertEquals(status < 300, true, `deleting answered ${status}`);
};

describe("a deleted message of a task that continues", () => {
  for (const [said, say] of [["finish", finish("Done")], ["words", { text: "Done" }]] as const) {
    it(`is waited for by nobody: a task that ends by ${said} ends`, () =>
      withModel(embedded, async ({ stage, fake, tasks, task }) => {
        fake.script = [
          async () => {
            const later = await stage.send("issue_comment", comment("Never mind"));
            await settle(stage);
            await remove(stage, later);
            return say;
          },
        ];
        await stage.tell("pull_request", opened());
        const [only, ...others] = await tasks();
        assertEquals([only.status, others.length], ["completed", 0]);
        assertEquals((await task(only.id)).result.text, "Done");
        assertEquals(fake.asked.length, 1);
      }));
  }

  it("is in no run of it any more, and the others are read again", () =>
    withModel(embedded, async ({ stage, fake, told, tasks, task }) => {
      let secret = "";
      fake.script = [
        async () => {
          secret = await stage.send("issue_comment", comment("The password is hunter2"));
          await stage.send("issue_comment", comment("Please mind the wording"));
          await settle(stage);
          return { calls: [{ tool: "ask_human", args: { question: "Go on?" } }] };
        },
        { calls: [{ tool: "list_tools", args: {} }] },
        async () => {
          // It has been read, and its worker has the task in hand.
          assertMatch(told(), /hunter2/);
          // What that run has lost is not the next one's.
          await stage.otto.services.database.query(
            "lose calls",
            (sql) => sql`update agent_runs set lost_tokens = 59000`,
          );
          await remove(stage, secret);
          return finish("Saved by nobody");
        },
        finish("Begun anew"),
      ];
      await stage.tell("pull_request", opened());
      const [{ id }] = await tasks();
      await stage.otto.post(`/api/tasks/${id}/answer`, { text: "Yes" });
      await stage.otto.workOff();
      assertEquals((await task(id)).result?.text, "Begun anew");
      assertMatch(told(), /mind the wording/);
      assertEquals(told().includes("hunter2"), false);
      const rows = await stage.otto.services.database.query(
        "look",
        (sql) => sql<{ state: string }[]>`select state::text as state from agent_runs`,
      );
      assertEquals(rows.filter(({ state }) => state.includes("hunter2")), []);
    }));

  it("closes nothing that has not heard of it: a task goes on waiting", () =>
    withModel(embedded, async ({ stage, fake, tasks, task }) => {
      fake.script = [
        { calls: [{ tool: "wait_for_event", args: { minutes: 60 } }] },
        { text: "It is over" },
      ];
      await stage.tell("pull_request", opened());
      const [{ id }] = await tasks();
      const end = await stage.send("pull_request", closed());
      await settle(stage);
      await remove(stage, end);
      await stage.otto.workOff();
      assertEquals((await task(id)).status, "waiting_event");
      assertEquals(fake.asked.length, 1);
      await stage.tell("pull_request", closed());
      assertEquals((await task(id)).result?.text, "It is over");
    }));

  it("begins a task anew that waits for an event, without it", () =>
    withModel(embedded, async ({ stage, fake, told, tasks, task }) => {
      const wait = { calls: [{ tool: "wait_for_event", args: { minutes: 60 } }] };
      let secret = "";
      fake.script = [
        async () => {
          secret = await stage.send("issue_comment", comment("The password is hunter2"));
          await settle(stage);
          return { calls: [{ tool: "get_payload", args: {} }] };
        },
        wait,
        finish("Begun anew"),
      ];
      await stage.tell("pull_request", opened());
      const [{ id }] = await tasks();
      assertEquals((await task(id)).status, "waiting_event");
      assertMatch(told(), /hunter2/);
      await remove(stage, secret);
      const { status, waiting_for, messages, unread } = await task(id);
      assertEquals([status, waiting_for, messages, unread], ["pending", null, 1, 0]);
      await stage.otto.workOff();
      assertEquals((await task(id)).result?.text, "Begun anew");
      assertEquals(told().includes("hunter2"), false);
    }));
});

describe("a subject", () => {
  it("goes with its last message, whatever took that, and its other names with it", async () => {
    await using stage = await openSubjectStage({ rules: {} });
    const { database } = stage.otto.services;
    const kept = async () =>
      (await database.query(
        "look",
        (sql) =>
          sql<{ subjects: number; aliases: number }[]>`
          select (select count(*)::int from subjects) as subjects,
            (select count(*)::int from subject_aliases) as aliases`,
      ))[0];
    const first = await stage.tell("pull_request", opened());
    await stage.tell("issues", { action: "opened", issue: { number: 9, title: "Nine" } });
    assertEquals(await kept(), { subjects: 2, aliases: 1 });
    await database.query("forget", (sql) => sql`delete from messages where id = ${first}`);
    assertEquals(await forgetSubjects(database, 10), 0, "somebody may be telling of it just now");
    await database.query(
      "age",
      (sql) => sql`update subjects set last_at = last_at - interval '2 hours'`,
    );
    // Another process: the walk of this one rests.
    assertEquals(await forgetSubjects({ ...database, query: database.query }, 10), 1);
    assertEquals(await kept(), { subjects: 1, aliases: 0 });
  });

  it("keeps the commits that it was known by for 30 days", async () => {
    await using stage = await openSubjectStage({ rules: {} });
    const { database } = stage.otto.services;
    await stage.tell("pull_request", opened());
    const age = (days: number) =>
      database.query(
        "age",
        (sql) => sql`update subject_aliases set seen_at = now() - make_interval(days => ${days})`,
      );
    await age(29);
    assertEquals(await forgetAliases(database, 10), 0);
    await age(31);
    assertEquals(await forgetAliases(database, 10), 1);
  });
});
