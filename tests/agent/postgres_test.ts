import { assertEquals, assertMatch } from "@std/assert";
import { it } from "@std/testing/bdd";
import { eventsOf, finish, issue, openStage } from "./stage.ts";
import { describeWith } from "../servers/mod.ts";

describeWith({ postgres: true }, "the model's agent on PostgreSQL", (servers) => {
  it("asks, waits for a person's word, has its effects and keeps to its budgets", async () => {
    const stage = await openStage({
      sources: {
        github: {
          tools: ["add_note", "set_title", "ask_human", "notify"],
          approve: ["set_title"],
          budgets: { tasks_per_hour: 1 },
        },
      },
    }, { DATABASE_URL: await servers.postgres.createDatabase(), WORKER: "inline" });
    try {
      stage.fake.script = [
        {
          calls: [
            { tool: "add_note", args: { text: "a\u0000b" } },
            { tool: "notify", args: { destination: "web:web", text: "Heads up" } },
            { tool: "ask_human", args: { question: "Which team?" } },
            { tool: "set_title", args: { title: "New" } },
          ],
        },
        finish("Done"),
      ];
      const id = await stage.signed(issue);
      assertEquals((await stage.task(id)).question, "Which team?");
      await stage.post(`/api/tasks/${id}/answer`, { text: "Blue" });
      await stage.otto.workOff();
      const waiting = await stage.task(id);
      assertEquals(waiting.approvals.length, 1);
      await stage.post(`/api/tasks/${id}/approve`, { approval_id: waiting.approvals[0].id });
      await stage.otto.workOff();
      const done = await stage.task(id);
      assertEquals([done.status, done.title, done.approvals[0].state], [
        "completed",
        "New",
        "used",
      ]);
      assertEquals(eventsOf(done, "note")[0].data.text, "a\ufffdb");
      const second = await stage.task(await stage.signed({ ...issue, action: "edited" }));
      assertMatch(eventsOf(second, "put_off")[0].data.reason, /1 tasks an hour/);
    } finally {
      await stage[Symbol.asyncDispose]();
    }
  });
});
