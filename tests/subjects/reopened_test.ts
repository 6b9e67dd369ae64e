import { assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { finish, type ModelStage, settle, withModel as withModelStage } from "./model_stage.ts";
import { type Any, closed, comment, opened, type SubjectStage } from "./stage.ts";

const withModel = (run: (model: ModelStage) => Promise<void>, merge?: { seconds: number }) =>
  withModelStage(() => Promise.resolve({}), run, {
    rules: { github: { later: "continue", merge } },
  });
const reopened = (more = {}) => ({ ...opened(more), action: "reopened" });
const note = { calls: [{ tool: "note", args: { text: "Still at it" } }] };

const statuses = async ({ tasks }: ModelStage) => (await tasks()).map(({ status }) => status);

/** Sends what opens, closes and opens again, and settles it at once. */
async function all(stage: SubjectStage): Promise<void> {
  for (const payload of [opened(), closed(), reopened()]) {
    await stage.send("pull_request", payload);
  }
  await settle(stage);
}

describe("what was closed and opened again", () => {
  it("is worked on, however much of it came at once", () =>
    withModel(async (model) => {
      const { stage, fake, told } = model;
      fake.script = [finish("Read"), finish("Read")];
      await all(stage);
      await stage.otto.workOff();
      // As if they had come one by one.
      assertEquals(await statuses(model), ["completed", "cancelled"]);
      assertMatch(told(), /reopened/);
      // The same where its task is there already.
      await stage.send("pull_request", opened({ number: 8 }));
      await settle(stage);
      await stage.send("pull_request", closed({ number: 8 }));
      await stage.send("pull_request", reopened({ number: 8 }));
      await stage.otto.workOff();
      assertEquals(await statuses(model), ["completed", "cancelled", "completed", "cancelled"]);
      assertMatch(told(), /reopened/);
    }));

  it("stays closed where it was closed once more, and what is said of it then is a task", () =>
    withModel(async (model) => {
      const { stage, fake, told } = model;
      fake.script = [finish("Read")];
      await stage.send("pull_request", opened());
      for (const payload of [closed(), reopened(), closed()]) {
        await stage.send("pull_request", payload);
      }
      await stage.send("issue_comment", comment("What about this?"));
      await settle(stage);
      await stage.otto.workOff();
      assertEquals(await statuses(model), ["completed", "cancelled", "cancelled"]);
      assertMatch(told(), /What about this/);
      assertEquals((await stage.get("/api/subjects")).items[0].state, "closed");
    }));

  it("is worked on as one group of a merge, too", () =>
    withModel(async (model) => {
      const { stage, fake } = model;
      fake.script = [finish("Read")];
      await all(stage);
      await stage.otto.services.database.query(
        "let time pass",
        (sql) => sql`update bursts set due_at = now()`,
      );
      await stage.otto.workOff();
      assertEquals(await statuses(model), ["completed"]);
    }, { seconds: 3_600 }));

  it("is no last step for a task at work, unless it was closed once more", () =>
    withModel(async (model) => {
      const { stage, fake, tasks, task } = model;
      let minute = 0;
      const hear = (...payloads: Any[]) => async () => {
        for (const { action, pull_request } of payloads) {
          const updated_at = `2026-11-30T10:0${minute++}:00Z`;
          await stage.send("pull_request", {
            action,
            pull_request: { ...pull_request, updated_at },
          });
          await settle(stage);
        }
        return note;
      };
      fake.script = [
        hear(closed(), reopened()),
        hear(closed(), reopened(), closed()),
        { text: "It is closed." },
      ];
      await stage.tell("pull_request", opened());
      const [{ id }, ...others] = await tasks();
      assertEquals(others, []);
      assertEquals((await task(id)).result.text, "It is closed.");
      const tools = fake.asked.map(({ body }: Any) => (body.tools ?? []).length > 0);
      assertEquals(tools, [true, true, false]);
    }));

  for (
    const [how, minute] of [
      ["is older than the close", 3],
      ["has no time", undefined],
    ] as const
  ) {
    it(`stays closed for a task at work where the opening ${how}`, () =>
      withModel(async (model) => {
        const { stage, fake, tasks, task } = model;
        const at = (minute?: number) =>
          minute === undefined ? {} : { updated_at: `2026-11-30T10:0${minute}:00Z` };
        fake.script = [
          async () => {
            await stage.send("pull_request", closed(at(5)));
            await settle(stage);
            await stage.send("pull_request", reopened(at(minute)));
            await settle(stage);
            return note;
          },
          { text: "It is closed." },
        ];
        await stage.tell("pull_request", opened(at(1)));
        const [{ id }, ...others] = await tasks();
        assertEquals(others, []);
        assertEquals((await task(id)).result.text, "It is closed.");
      }));
  }
});

describe("a task that a person tries again", () => {
  it("is the one that later messages go to, where no other one is open", () =>
    withModel(async (model) => {
      const { stage, fake, tasks, task } = model;
      fake.script = [
        { calls: [{ tool: "finish", args: { status: "failed", summary: "No" } }] },
        finish("Another one"),
        { calls: [{ tool: "ask_human", args: { question: "Go on?" } }] },
        finish("Read both"),
      ];
      await stage.tell("pull_request", opened());
      await stage.tell("issue_comment", comment("Once more"));
      const [, { id }] = await tasks();
      await stage.otto.ask(`/api/tasks/${id}/retry`, { method: "POST" });
      await stage.otto.workOff();
      const later = await stage.tell("issue_comment", comment("And this"));
      assertEquals((await stage.message(later)).task_id, id);
      await stage.otto.post(`/api/tasks/${id}/answer`, { text: "Yes" });
      await stage.otto.workOff();
      assertEquals((await task(id)).result.text, "Read both");
      assertEquals((await tasks()).length, 2);
    }));
});
