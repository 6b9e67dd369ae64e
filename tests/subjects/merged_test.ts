import { assert, assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { ask, finish, type ModelStage, withModel } from "./model_stage.ts";
import {
  type Any,
  checked,
  closed,
  comment,
  OLD_SHA,
  opened,
  pullRequest,
  SHA,
  type SubjectStage,
} from "./stage.ts";

const MERGED = {
  github: { later: "continue", merge: { key: "{repository.full_name}", seconds: 3_600 } },
};
const BY_SUBJECT = { github: { later: "continue", merge: { seconds: 3_600 } } };

const merging = (run: (model: ModelStage) => Promise<void>) =>
  withModel(() => Promise.resolve({}), run, { rules: MERGED });

/** All that is sent in `run` is one group, whose time is over then. */
async function together(stage: SubjectStage, run: () => Promise<unknown>): Promise<void> {
  await run();
  await stage.otto.workOff();
  await stage.otto.services.database.query(
    "let time pass",
    (sql) => sql`update bursts set due_at = now()`,
  );
  await stage.otto.workOff();
}

describe("messages that are merged, of a source whose messages continue tasks", () => {
  it("join the open task as one message would", () =>
    merging(async ({ stage, fake, told, tasks, task }) => {
      fake.script = [ask, finish("Read all")];
      await together(stage, async () => {
        await stage.send("pull_request", opened());
        await stage.send("issue_comment", comment("With the first"));
      });
      const [first] = await tasks();
      assertMatch(first.title, /^2 events: first ada opened PR #7/);
      const later: string[] = [];
      await together(stage, async () => {
        // A note decides for nobody, and is none of what is read.
        later.push(
          await stage.send("pull_request", { action: "labeled", pull_request: pullRequest() }),
        );
        for (let at = 0; at < 25; at++) {
          later.push(await stage.send("issue_comment", comment(`Comment ${at}`)));
        }
      });
      assertEquals((await tasks()).length, 1);
      for (const id of later) assertEquals((await stage.message(id)).task_id, first.id);
      // Twenty-five at once are one delivery: nothing goes in circles.
      await together(stage, () => stage.send("issue_comment", comment("The last")));
      assertEquals((await stage.get("/api/subjects?state=stopped")).items, []);
      await stage.otto.post(`/api/tasks/${first.id}/answer`, { text: "Yes" });
      await stage.otto.workOff();
      assertEquals((await task(first.id)).result.text, "Read all");
      assertMatch(told(), /26 more messages/);
      assertMatch(told(), /Comment 0[\s\S]*Comment 9/);
      assertEquals(told().includes("labeled"), false);
      const { events } = await task(first.id);
      const read = events.filter(({ kind }: Any) => kind === "messages_read");
      assertEquals(read.map(({ data }: Any) => data.messages), [26]);
      const [{ left }] = await stage.otto.services.database.query(
        "look",
        (sql) => sql<{ left: number }[]>`select count(*)::int as left from bursts`,
      );
      assertEquals(left, 0);
    }));

  it("close what they close, whatever came first", () =>
    merging(async ({ stage, fake, tasks, task }) => {
      fake.script = [ask, { text: "It is closed." }];
      await together(stage, () => stage.send("pull_request", opened()));
      await together(stage, async () => {
        await stage.send("issue_comment", comment("I close it"));
        await stage.send("pull_request", closed());
      });
      const [only, ...others] = await tasks();
      assertEquals(others, []);
      assertEquals((await task(only.id)).result.text, "It is closed.");
      // Of one that nobody has begun nothing is left to do.
      await together(stage, async () => {
        await stage.send("pull_request", opened({ number: 8 }));
        await stage.send("pull_request", closed({ number: 8 }));
      });
      assertEquals((await tasks())[0].status, "cancelled");
    }));

  for (const [how, isOpen] of [["by its time", true], ["without a time", false]] as const) {
    it(`are closed for a task at work, and opened again ${how}`, () =>
      merging(async ({ stage, fake, tasks, task }) => {
        const at = (minute: number) => isOpen ? { updated_at: `2026-11-30T10:0${minute}:00Z` } : {};
        fake.script = [ask, { text: "It is closed." }];
        await together(stage, () => stage.send("pull_request", opened()));
        await together(stage, async () => {
          await stage.send("pull_request", closed(at(1)));
          await stage.send("pull_request", { ...opened(at(2)), action: "reopened" });
        });
        const [{ id }, ...others] = await tasks();
        assertEquals(others, []);
        const { status, result } = await task(id);
        assertEquals(
          [status, result?.text],
          isOpen ? ["waiting_input", undefined] : ["completed", "It is closed."],
        );
      }));
  }

  it("make no task of an end of what is not open", () =>
    merging(async ({ stage, tasks }) => {
      let end = "";
      await together(stage, async () => {
        end = await stage.send("pull_request", closed());
        await stage.send("issue_comment", comment("Thanks"));
      });
      assertEquals(await tasks(), []);
      assertEquals((await stage.message(end)).reason, "Nothing was open");
      assert(!(await stage.message(end)).title.includes("events"));
    }));

  it("tell nothing of one that was deleted while they waited", () =>
    merging(async ({ stage, fake, tasks, told }) => {
      fake.script = [finish("Read")];
      await together(stage, async () => {
        await stage.send("pull_request", opened());
        const secret = await stage.send("issue_comment", comment("hunter2"));
        await stage.otto.workOff();
        await stage.otto.ask(`/api/messages/${secret}`, { method: "DELETE" });
      });
      const [only] = await tasks();
      assertMatch(only.title, /^ada opened PR #7/);
      assert(!told().includes("hunter2"));
    }));
});

describe("messages that are merged by what they are about", () => {
  const merging = (run: (model: ModelStage) => Promise<void>, later = "continue") =>
    withModel(() => Promise.resolve({}), run, {
      rules: { github: { ...BY_SUBJECT.github, later } },
    });

  it("are one task for each subject, the checks of its commit among them", () =>
    merging(async ({ stage, fake, tasks }) => {
      fake.script = [finish("Read"), finish("Read"), finish("Read")];
      await together(stage, async () => {
        await stage.send("pull_request", opened());
        await stage.send("issue_comment", comment("About seven"));
        await stage.send(
          "pull_request",
          opened({ number: 8, title: "Other", head: { sha: OLD_SHA } }),
        );
        const check = await stage.send("check_suite", checked("success"));
        const { merge } = await stage.get(`/api/messages/${check}/explain`);
        assertEquals(merge, { key: `github:octo/phone@${SHA}`, seconds: 3_600 });
        // It is about nothing, and waits for nobody.
        await stage.send("ping", { zen: "Speak like a human" });
      });
      assertEquals((await tasks()).map(({ title }: Any) => title.slice(0, 30)).toSorted(), [
        "3 events: first ada opened PR ",
        "Ping from GitHub in octo/phone",
        'ada opened PR #8 "Other" in oc',
      ]);
    }));

  it("are so where later messages are tasks of their own, too", () =>
    merging(async ({ stage, fake, tasks }) => {
      fake.script = [finish("Read"), finish("Read")];
      for (let round = 0; round < 2; round++) {
        await together(stage, async () => {
          await stage.send("issue_comment", comment("One"));
          await stage.send("issue_comment", comment("Two"));
        });
      }
      assertEquals((await tasks()).map(({ messages }: Any) => messages), [2, 2]);
    }, "apart"));
});
