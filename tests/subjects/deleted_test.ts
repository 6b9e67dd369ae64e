import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { finish, settle, withModel } from "./model_stage.ts";
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
});
