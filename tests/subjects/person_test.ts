import { assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { answerTask, cancelTask } from "../../lib/task/task.ts";
import { finishTasks } from "../../lib/task/finish.ts";
import { describeWith } from "../servers/mod.ts";
import { ask, finish, settle as settleNow, withModel } from "./model_stage.ts";
import { claimOne, openRace, type Race, settle } from "./races/race_stage.ts";
import { comment, opened } from "./stage.ts";

describe("a person who cancels and retries a task with later messages", () => {
  it("leaves them unread, and has all of them read again", () =>
    withModel(() => Promise.resolve({}), async ({ stage, fake, tasks, task, told }) => {
      fake.script = [
        async () => {
          await stage.send("issue_comment", comment("Read before"));
          await settleNow(stage);
          return { calls: [{ tool: "list_tools", args: {} }] };
        },
        ask,
        finish("Read all again"),
      ];
      await stage.tell("pull_request", opened());
      await stage.tell("issue_comment", comment("Never read"));
      const [{ id }] = await tasks();
      assertEquals(told().includes("Never read"), false);
      await stage.otto.post(`/api/tasks/${id}/cancel`);
      await stage.otto.workOff();
      assertEquals((await tasks()).map(({ status }) => status), ["cancelled"]);
      const [subject] = (await stage.get("/api/subjects")).items;
      const read = async (how: string) =>
        (await stage.get(`/api/subjects/${subject.id}?limit=50`)).timeline.items
          .filter(({ reading }: { reading?: string }) => reading === how).length;
      assertEquals(await read("not_read"), 1);
      await stage.otto.post(`/api/tasks/${id}/retry`, {});
      assertEquals(await read("unread"), 2);
      await stage.otto.workOff();
      assertEquals((await task(id)).result.text, "Read all again");
      assertMatch(told(), /Read before[\s\S]*Never read/);
      assertEquals([await read("unread"), await read("not_read")], [0, 0]);
    }));
});

describeWith({ postgres: true }, "a person and a message, in whatever order", (servers) => {
  const race = async (run: (race: Race) => Promise<void>) => {
    await using opened = await openRace(await servers.postgres.createDatabase());
    await run(opened);
  };

  for (const first of ["the message", "the person"]) {
    it(`both get through to a task that asks, with ${first} first`, () =>
      race(async ({ stage, sql, inTurn }) => {
        const { database } = stage.otto.services;
        await stage.send("pull_request", opened());
        await settle(stage);
        const task = await claimOne(stage);
        const turn = { taskId: task.id, epoch: task.epoch, actor: "test", tell: [] };
        await finishTasks(database, [{ ...turn, status: "waiting_input", question: "Go on?" }]);
        await stage.send("issue_comment", comment("No answer at all"));
        const acts = [
          () => settle(stage),
          () => answerTask(database, { id: task.id, text: "Yes", actor: "ada" }),
        ];
        if (first === "the person") acts.reverse();
        await inTurn<unknown, unknown>(task.id, acts[0], acts[1]);
        const [row] = await sql`select status, answer, news, read_news from tasks`;
        assertEquals({ ...row }, { status: "pending", answer: "Yes", news: 1, read_news: 0 });
      }));

    it(`leave no message nowhere when the task is cancelled, with ${first} first`, () =>
      race(async ({ stage, sql, inTurn }) => {
        const { database } = stage.otto.services;
        await stage.send("pull_request", opened());
        await settle(stage);
        const task = await claimOne(stage);
        const later = await stage.send("issue_comment", comment("Just then"));
        const acts = [
          () => settle(stage),
          () => cancelTask(database, { id: task.id, actor: "ada" }),
        ];
        if (first === "the person") acts.reverse();
        await inTurn<unknown, unknown>(task.id, acts[0], acts[1]);
        const [{ task_id, inboxes }] = await sql`
          select m.task_id, (select count(*)::int from task_inbox i where i.message_id = m.id
            and i.task_id = m.task_id) as inboxes
          from messages m where id = ${later}`;
        // Part of what was cancelled, or of a task of its own.
        const [{ status }] = await sql`select status from tasks where id = ${task_id}`;
        assertEquals(
          [task_id === task.id, inboxes, status],
          task_id === task.id ? [true, 1, "cancelled"] : [false, 0, "pending"],
        );
      }));
  }
});
