import { assert, assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { wakeAged } from "../../../lib/task/age.ts";
import { createWorker } from "../../../lib/work/work.ts";
import { answer, change, meanwhile, waiting, waitOut, within } from "./limit_stage.ts";
import { ask, call, finish, settle } from "../model_stage.ts";
import { type Any, checked, comment, opened } from "../stage.ts";

describe("the limits of a task that continues", () => {
  it("let in as many messages as its inbox has room for", () =>
    within({ inbox: 2 }, async (model) => {
      const { stage, fake, tasks, told } = model;
      fake.script = [ask, finish("Read two"), finish("Read the third")];
      await stage.tell("pull_request", opened());
      for (const words of ["One", "Two", "Three"]) {
        await stage.tell("issue_comment", comment(words));
      }
      assertEquals((await tasks()).length, 2);
      assertMatch(told(), /Three/);
      await answer(model);
      assertEquals((await tasks()).map(({ status }) => status), ["completed", "completed"]);
    }));

  it("end it after its rounds, and make one new task of what it has not read", () =>
    within({ rounds: 1 }, async ({ stage, fake, tasks, task }) => {
      fake.script = [
        meanwhile(stage, "Round one", finish("First")),
        meanwhile(stage, "Round two", finish("Second")),
        finish("By the next"),
      ];
      await stage.tell("pull_request", opened());
      const [next, first] = await tasks();
      assertEquals((await task(first.id)).result.text, "Second");
      assertEquals((await task(next.id)).result.text, "By the next");
      assertEquals((await tasks()).length, 2);
    }));

  it("count each round among the tasks of an hour: the next waits for the next hour", () =>
    within({ tasks_per_hour: 2 }, async ({ stage, fake, tasks, task }) => {
      fake.script = [
        meanwhile(stage, "Round one", finish("First")),
        meanwhile(stage, "Round two", finish("Second")),
        finish("Third"),
      ];
      await stage.tell("pull_request", opened());
      const [only] = await tasks();
      assertEquals([only.status, fake.asked.length], ["pending", 2]);
      const putOff = (await task(only.id)).events.findLast(({ kind }: Any) => kind === "put_off");
      assertMatch(putOff.data.reason, /budget of 2 tasks an hour for github is used up/);
      // The next hour has come.
      await change(stage, "update agent_usage set hour = hour - interval '1 hour'");
      await change(stage, "update tasks set not_before = null");
      await stage.otto.workOff();
      assertEquals((await task(only.id)).result.text, "Third");
      const [row] = await change(stage, "select sum(tasks)::int as tasks from agent_usage");
      assertEquals(row.tasks, 3);
    }));

  it("count a task that has heard of more before its first call, once", () =>
    within({}, async ({ stage, fake }) => {
      fake.script = [finish("Read")];
      await stage.send("pull_request", opened());
      await stage.send("issue_comment", comment("Before it began"));
      await stage.otto.workOff();
      const [row] = await change(stage, "select sum(tasks)::int as tasks from agent_usage");
      assertEquals(row.tasks, 1);
    }));

  it("give one subject its tokens of a day, and others theirs", () =>
    within({ subject_tokens_per_day: 20_000 }, async ({ stage, fake, tasks, task }) => {
      fake.script = [{ text: "Dear", usage: { prompt_tokens: 15_000, completion_tokens: 3_000 } }];
      await stage.tell("pull_request", opened());
      await stage.tell("issue_comment", comment("Once more"));
      const [second] = await tasks();
      assertEquals([second.status, fake.asked.length], ["pending", 1]);
      const { data } = (await task(second.id)).events.at(-1);
      assertMatch(data.reason, /20000 tokens a day for one subject of github is used up/);
      const page = (await (await stage.otto.ask("/system")).text())
        .replaceAll(/<[^>]+>/g, " ").replaceAll(/\s+/g, " ");
      assertMatch(page, /PR #7 &quot;Greet callers&quot; in octo\/phone 18,000 2,000/);
      fake.script = [finish("Another")];
      await stage.tell("issues", { action: "opened", issue: { number: 9, title: "Nine" } });
      assertEquals((await tasks())[0].status, "completed");
      const [row] = await change(
        stage,
        "select count(*)::int as count from budget_reservations",
      );
      assertEquals(row.count, 0);
    }));

  it("let one wait so often and so long, and tell the model when it may not", () =>
    within({ waits: 1, wait_hours: 1 }, async (model) => {
      const { stage, fake, told, tasks, task } = model;
      fake.script = [
        call("wait_for_event", { minutes: 61 }),
        waiting,
        waiting,
        finish("So be it"),
      ];
      await stage.tell("pull_request", opened());
      assertMatch(told(), /a wait may take 60 minutes at most/);
      const [{ id }] = await tasks();
      assertEquals((await task(id)).status, "waiting_event");
      await waitOut(model);
      assertMatch(told(), /Nothing came until 2020/);
      assertMatch(told(), /the task has waited once already/);
      assertEquals((await task(id)).result.text, "So be it");
    }));

  it("let no more wait at once than the whole may have", () =>
    within({}, async ({ stage, fake, told, task }) => {
      const first = await stage.send("pull_request", opened());
      await settle(stage);
      await change(
        stage,
        `with copied as (
          insert into messages (id, webhook_type, source, verification, envelope, body, size,
            received_at, state)
          select gen_random_uuid(), 'github', 'github', 'verified', '{}', '{}', 2, now(),
            'processed' from generate_series(1, 1000) returning id)
        insert into tasks (id, message_id, source, title, description, assigned_to, status,
          wait_until, wait_key)
        select gen_random_uuid(), copied.id, 'github', 'waits', 'd',
          (select assigned_to from tasks limit 1), 'waiting_event', now() + interval '1 hour', 'k'
        from copied`,
      );
      fake.script = [waiting, finish("Not waited")];
      await stage.otto.workOff();
      assertMatch(told(), /1000 tasks wait already/);
      const { task_id } = await stage.message(first);
      assertEquals((await task(task_id)).result.text, "Not waited");
    }));

  it("end it with a last step when it is open for too long, whatever it waits for", () =>
    within({ days: 2 }, async (model) => {
      const { stage, fake, tasks, task, told } = model;
      fake.script = [waiting, ask, { text: "Too old now" }];
      await stage.tell("pull_request", opened());
      const [{ id }] = await tasks();
      const { database } = stage.otto.services;
      const ages = [{ source: "github", days: 2 }];
      assertEquals(await wakeAged(database, ages), 0);
      await waitOut(model);
      assertEquals((await task(id)).status, "waiting_input");
      const age = "update tasks set started_at = started_at - interval '49 hours'";
      await change(stage, age);
      assertEquals(await wakeAged(database, [{ source: "gitlab", days: 2 }]), 0);
      assertEquals(await wakeAged(database, ages), 1);
      await stage.otto.workOff();
      const done = await task(id);
      assertEquals([done.status, done.result.text], ["completed", "Too old now"]);
      assertEquals(done.result.data.budget, "days");
      assertMatch(told(), /withdrawn: the task has been open for too long/);
      assertEquals(fake.asked.at(-1)!.body.tool_choice ?? "none", "none");
    }));

  it("end a wait of one that is open for too long, and take no more messages for it", () =>
    within({ days: 2 }, async ({ stage, fake, tasks, task }) => {
      fake.script = [
        waiting,
        ({ body }) => body.tools ? finish("Of its own") : { text: "Too old" },
      ];
      await stage.tell("pull_request", opened());
      const [{ id }] = await tasks();
      await change(stage, "update tasks set started_at = started_at - interval '49 hours'");
      const late = await stage.send("check_suite", checked("success"));
      await settle(stage);
      assert((await stage.message(late)).task_id !== id);
      await createWorker(stage.otto.services).tidy();
      await stage.otto.workOff();
      assertEquals((await task(id)).result.text, "Too old");
      assertEquals((await tasks()).map(({ status }) => status), ["completed", "completed"]);
    }));

  it("begin a long transcript anew, with notes, calls, answers and last words", () =>
    within({ tokens: 200_000, task_tokens: 1_000_000 }, async (model) => {
      const { stage, fake, tasks, task, told } = model;
      const long = { prompt_tokens: 30_000, completion_tokens: 10 };
      fake.script = [
        { ...call("add_note", { text: "The culprit is line 7" }) as Any, usage: long },
        ask,
        { text: "FILLER ".repeat(500), ...call("set_title", { title: "Line 7" }) as Any },
        async () => {
          await stage.send("issue_comment", comment("One more thing"));
          await settle(stage);
          return { ...finish("So far so good") as Any, usage: long };
        },
        finish("Begun anew"),
      ];
      await stage.tell("pull_request", opened());
      await answer(model, "Use the blue one");
      const [{ id }] = await tasks();
      assertEquals((await task(id)).result.text, "Begun anew");
      const { messages } = fake.asked.at(-1)!.body;
      assertEquals(messages.map(({ role }: Any) => role), ["system", "user"]);
      for (
        const kept of [
          /digest of the message/,
          /The culprit is line 7/,
          /set_title/,
          /A person of the team answered: Use the blue one/,
          /So far so good/,
          /One more thing/,
        ]
      ) assertMatch(told(), kept);
      assert(!told().includes("FILLER"));
    }));
});
