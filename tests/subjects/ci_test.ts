import { assert, assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import type { Say } from "../fakes/server.ts";
import {
  finish,
  type ModelStage,
  settle,
  wakeNow,
  withModel as withModelStage,
} from "./model_stage.ts";
import { type Any, checked, comment, opened } from "./stage.ts";

const waiting: Say = {
  calls: [{ tool: "wait_for_event", args: { events: ["check_suite.*"], minutes: 30 } }],
};
const withModel = (
  run: (model: ModelStage) => Promise<void>,
  budgets: Record<string, number> = {},
) =>
  withModelStage(() => Promise.resolve({}), run, {
    agent: { sources: { github: { tools: ["wait_for_event"], budgets } } },
    more: { AGENT_ACCOUNTS: "otto-bot" },
  });
const own = { login: "otto-bot" };

describe("a model that waits for a check of its own push", () => {
  it("does not wait when it came before", () =>
    withModel(async ({ stage, fake, told, tasks, task }) => {
      fake.script = [
        async () => {
          await stage.send("check_suite", checked("failure"), own);
          await settle(stage);
          return waiting;
        },
        finish("It failed"),
      ];
      await stage.tell("pull_request", opened());
      const [only, ...others] = await tasks();
      assertEquals([only.status, others.length], ["completed", 0]);
      const { events } = await task(only.id);
      assert(!events.some(({ kind }: Any) => kind === "waiting_event"));
      assertEquals(told().split("failure").length > 1, true);
    }));

  it("is told why where a message is about nothing that later ones could be about, too", () =>
    withModel(async ({ stage, fake, tasks, task }) => {
      fake.script = [waiting, finish("Nothing to wait for")];
      await stage.tell("gollum", { repository: { full_name: "octo/phone" }, pages: [] });
      const [{ id }] = await tasks();
      const { events, subject } = await task(id);
      assertEquals(subject, null);
      const denied = events.find(({ kind }: Any) => kind === "tool_denied");
      assertMatch(denied.data.reason, /no subject that Otto knows/);
    }));

  it("is woken when it comes meanwhile, and waits again for the next one", () =>
    withModel(async ({ stage, fake, told, tasks, task }) => {
      fake.script = [waiting, waiting, finish("Both are green")];
      await stage.tell("pull_request", opened());
      const [{ id }] = await tasks();
      for (let at = 0; at < 2; at++) {
        assertEquals((await task(id)).status, "waiting_event");
        await stage.tell("check_suite", checked("success"), own);
        await wakeNow(stage);
        await stage.otto.workOff();
      }
      assertEquals((await task(id)).result.text, "Both are green");
      assertMatch(told(), /check_suite/);
      assertEquals((await tasks()).length, 1);
      const read = (await task(id)).events.filter(({ kind }: Any) => kind === "messages_read");
      assertEquals(read.map(({ data }: Any) => data.messages), [1, 1]);
    }));

  it("may name what it waits for as GitHub's pages do, in its own letters", () =>
    withModel(async ({ stage, fake, tasks, task }) => {
      for (const events of [["Check_Suite"], ["issues", "*.COMPLETED"]]) {
        fake.script = [
          { calls: [{ tool: "wait_for_event", args: { events } }] },
          finish(`Came: ${events}`),
        ];
        await stage.tell("pull_request", opened());
        const [{ id }] = await tasks();
        await stage.tell("issue_comment", comment("It is none of these"));
        assertEquals((await task(id)).status, "waiting_event");
        await stage.tell("check_suite", checked("success"), own);
        await wakeNow(stage);
        await stage.otto.workOff();
        assertEquals((await task(id)).result?.text, `Came: ${events}`);
      }
    }));

  it("is over when it comes after: nothing is made of its own, and what others cause is new", () =>
    withModel(async ({ stage, fake, told, tasks, task }) => {
      fake.script = [finish("Nobody waits"), finish("A new one")];
      await stage.tell("pull_request", opened());
      const late = await stage.tell("check_suite", checked("success"), own);
      assertEquals((await stage.message(late)).state, "filtered");
      assertEquals((await tasks()).length, 1);
      await stage.tell("check_suite", checked("failure"));
      const [next] = await tasks();
      assertEquals((await task(next.id)).result.text, "A new one");
      assertMatch(told(), /Nobody waits/);
    }));
});

describe("fifty comments in a minute", () => {
  const flood = async ({ stage, fake }: ModelStage) => {
    fake.script = [
      async () => {
        for (let at = 0; at < 50; at++) {
          await stage.send("issue_comment", comment(`Comment ${at}.`));
        }
        await settle(stage);
        return finish("Done");
      },
      finish("Read them"),
    ];
    await stage.tell("pull_request", opened());
  };

  it("are one turn, where so many may come: some whole, the others by their titles", () =>
    withModel(async (model) => {
      await flood(model);
      const { fake, told, tasks } = model;
      assertEquals((await tasks()).map(({ status }) => status), ["completed"]);
      assertEquals(fake.asked.length, 2);
      assertMatch(told(), /50 more messages/);
      assert(told().includes("Comment 9.") && !told().includes("Comment 10."));
      const before = JSON.stringify(fake.asked[0].body).length;
      assert(told().length - before < 40_000, `${told().length - before} characters more`);
    }, { deliveries_per_hour: 50 }));

  it("are too many else: the subject is stopped, once, and no model is asked about the rest", () =>
    withModel(async (model) => {
      await flood(model);
      const { stage, fake, tasks } = model;
      assertEquals((await tasks()).map(({ status }) => status), ["completed"]);
      assertEquals(fake.asked.length, 2);
      const { items } = await stage.get("/api/messages?limit=100");
      const kept = items.filter(({ task_id }: Any) => task_id === null);
      assertEquals(kept.length, 30);
      for (const { reason } of kept) assertMatch(reason, /^Kept only: more than 20 messages/);
      const told = (await stage.get("/api/notifications")).items
        .filter(({ kind }: Any) => kind === "subject_stopped");
      assertEquals(told.length, 1);
    }));
});
