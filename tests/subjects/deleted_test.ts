import { assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { json } from "../otto.ts";
import { finish, post, settle, withModel } from "./model_stage.ts";
import { comment, opened, type SubjectStage } from "./stage.ts";

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
          await remove(stage, secret);
          return finish("Saved by nobody");
        },
        finish("Begun anew"),
      ];
      await stage.tell("pull_request", opened());
      const [{ id }] = await tasks();
      await json(await stage.otto.ask(`/api/tasks/${id}/answer`, post({ text: "Yes" })));
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
});
