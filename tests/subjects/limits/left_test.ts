import { assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { continueLeftovers } from "../../../lib/message/subject/leftover.ts";
import { ensureWebhookUser } from "../../../lib/people/user.ts";
import { finishTasks } from "../../../lib/task/finish.ts";
import { testFolder } from "../../folder.ts";
import { finish, settle, withModel } from "../model_stage.ts";
import { claimOne, done, parked } from "../races/race_stage.ts";
import { comment, opened, openSubjectStage, type SubjectStage } from "../stage.ts";

const CONTINUE = { github: { later: "continue" } };

describe("messages that a failed task has not read", () => {
  it("become one new task", () =>
    withModel(() => Promise.resolve({}), async ({ stage, fake, tasks }) => {
      fake.script = [
        async () => {
          await stage.send("issue_comment", comment("First"));
          await stage.send("issue_comment", comment("Second"));
          await settle(stage);
          return { status: 400, message: "no such model" };
        },
        finish("Read by the next"),
      ];
      await stage.tell("pull_request", opened());
      const all = await tasks();
      assertEquals(all.map(({ status }) => status), ["completed", "failed"]);
      assertMatch(all[0].title, /^2 events: first/);
    }));
});

describe("messages that a task has left, where a newer one has made the next task already", () => {
  /** A full task has ended with two unread, and a third has made the next task before. */
  async function withGap(
    run: (gap: {
      stage: SubjectStage;
      next: { id: string; epoch: number };
      left: string[];
      leftovers(): Promise<number>;
    }) => Promise<void>,
  ) {
    await using folder = await testFolder();
    const AGENT_CONFIG = await folder.write("agent.json", { default: { budgets: { inbox: 2 } } });
    await using stage = await openSubjectStage({ rules: CONTINUE, env: { AGENT_CONFIG } });
    const { database } = stage.otto.services;
    const assignee = await ensureWebhookUser(database);
    await stage.send("pull_request", opened());
    await settle(stage);
    const first = await claimOne(stage);
    const left = [
      await stage.send("issue_comment", comment("First")),
      await stage.send("issue_comment", comment("Second")),
    ];
    await settle(stage);
    await stage.send("issue_comment", comment("Third"));
    await settle(stage);
    const next = await claimOne(stage);
    await finishTasks(database, [done(first, { readsAll: false })]);
    await run({ stage, next, left, leftovers: () => continueLeftovers(database, assignee) });
  }

  it("go to that one, so that two are never at work on the same", () =>
    withGap(async ({ stage, next, left, leftovers }) => {
      await leftovers();
      const { items } = await stage.get("/api/tasks?status=running");
      assertEquals(items.map(({ id }: { id: string }) => id), [next.id]);
      for (const id of left) assertEquals((await stage.message(id)).task_id, next.id);
      const task = await stage.get(`/api/tasks/${next.id}`);
      assertEquals([task.messages, task.unread], [3, 2]);
      assertEquals(await leftovers(), 0);
    }));

  it("wake it where it waits", () =>
    withGap(async ({ stage, next, leftovers }) => {
      const { database } = stage.otto.services;
      await finishTasks(database, [parked(next, 0)]);
      await leftovers();
      const [row] = await database.query(
        "look",
        (sql) => sql`select wake_at is not null as wakes from tasks where id = ${next.id}`,
      );
      assertEquals({ ...row }, { wakes: true });
    }));
});
