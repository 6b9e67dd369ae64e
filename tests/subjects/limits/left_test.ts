import { assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { finish, settle, withModel } from "../model_stage.ts";
import { comment, opened } from "../stage.ts";

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
