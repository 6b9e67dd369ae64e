import { assert, assertEquals, assertMatch } from "@std/assert";
import { it } from "@std/testing/bdd";
import { drain } from "../../lib/work/drain.ts";
import type { Say } from "../fakes/server.ts";
import { type Any, checked, closed, comment, opened, pullRequest } from "./stage.ts";
import { finish, settle, wakeNow, withModel as withModelStage } from "./model_stage.ts";

/** What continuing tasks promise on every store. */
export function describeContinuing(env: () => Promise<Record<string, string>>): void {
  const withModel = (
    ...[run, options]: [
      Parameters<typeof withModelStage>[1],
      Parameters<typeof withModelStage>[2]?,
    ]
  ) => withModelStage(env, run, options);

  it("make one task of what came before it was begun, and cancel what is closed by then", () =>
    withModel(async ({ stage, fake, told, tasks, task }) => {
      fake.script = [finish("All read")];
      await stage.send("pull_request", opened());
      await stage.send("issue_comment", comment("Please mind the wording"));
      await stage.send("pull_request", {
        action: "labeled",
        pull_request: pullRequest(),
      });
      await stage.otto.workOff();
      const [only, ...others] = await tasks();
      assertEquals(others, []);
      assertEquals(only.status, "completed");
      assertMatch(told(), /Please mind the wording/);
      assertMatch(told(), /one more message/);
      const kinds = (await task(only.id)).events.map(({ kind }: Any) => kind);
      assert(kinds.includes("message_added") && kinds.includes("messages_read"), kinds.join());

      await stage.send("issues", { action: "opened", issue: { number: 9, title: "Nine" } });
      await stage.send("issues", { action: "closed", issue: { number: 9, title: "Nine" } });
      await stage.otto.workOff();
      assertEquals((await tasks())[0].status, "cancelled");
    }));

  it("end only when all is read: a message that comes while the model speaks is told it", () =>
    withModel(async ({ stage, fake, told, tasks, task }) => {
      fake.script = [
        async () => {
          await stage.send("issue_comment", comment("Wait, one more thing"));
          await settle(stage);
          return finish("Done");
        },
        finish("Now I have read it"),
      ];
      await stage.tell("pull_request", opened());
      const [only, ...others] = await tasks();
      assertEquals([only.status, others.length], ["completed", 0]);
      assertEquals((await task(only.id)).result.text, "Now I have read it");
      assertMatch(told(), /Wait, one more thing/);
      assertMatch(told(), /Not ended yet/);
    }));

  it("begin anew after the end, knowing what came of the last", () =>
    withModel(async ({ stage, fake, told, tasks }) => {
      fake.script = [finish("The greeting is fine"), finish("Second")];
      await stage.tell("pull_request", opened());
      await stage.tell("issue_comment", comment("Thanks"));
      assertEquals((await tasks()).length, 2);
      assertMatch(told(), /The greeting is fine/);
      const late = await stage.tell("pull_request", closed());
      assertEquals((await stage.message(late)).reason, "Nothing was open");
      assertEquals((await tasks()).length, 2);
    }));

  it("leave a question open while messages come, and end it with what closes its subject", () =>
    withModel(async ({ stage, fake, told, tasks, task }) => {
      fake.script = [
        { calls: [{ tool: "ask_human", args: { question: "Merge it?" } }] },
        { text: "It was merged meanwhile." },
      ];
      await stage.tell("pull_request", opened());
      await stage.tell("issue_comment", comment("I would merge it"));
      const [asking] = await tasks();
      assertEquals([asking.status, asking.question], ["waiting_input", "Merge it?"]);
      assertEquals(fake.asked.length, 1);
      await stage.tell("pull_request", closed());
      const done = await task(asking.id);
      assertEquals([done.status, done.result.text], ["completed", "It was merged meanwhile."]);
      assertMatch(told(), /I would merge it/);
      assertMatch(told(), /Nobody answered. The question was withdrawn/);
      assertEquals((await tasks()).length, 1);
    }));

  it("ask nobody about what was closed while the model made up its question", () =>
    withModel(async ({ stage, fake, told, tasks, task }) => {
      for (const tool of ["ask_human", "notify"]) {
        const args = tool === "notify"
          ? { text: "Done", destination: "web:web" }
          : { question: "Merge it?" };
        fake.script = [
          async () => {
            await stage.send("pull_request", closed());
            await settle(stage);
            return { calls: [{ tool, args }] };
          },
          { text: "It was merged" },
        ];
        await stage.tell("pull_request", opened());
        const [asked] = await tasks();
        assertEquals([asked.status, asked.question], ["completed", null]);
        assert(told().includes("withdrawn"), "it is told");
        const { events, approvals, notifications } = await task(asked.id);
        assertEquals(
          approvals.map(({ state }: Any) => state),
          tool === "notify" ? ["withdrawn"] : [],
        );
        assert(!events.some(({ kind }: Any) => kind === "waiting_input"), tool);
        assertEquals(notifications.map(({ kind }: Any) => kind), ["completed"]);
      }
    }, {
      agent: {
        sources: { github: { tools: ["ask_human", "notify"], approve: ["notify"] } },
      },
    }));

  it("hear of a check of the agent's own push, and not of its comment", () =>
    withModel(async ({ stage, fake, told, tasks }) => {
      fake.script = [
        { calls: [{ tool: "ask_human", args: { question: "Go on?" } }] },
        finish("Read"),
      ];
      await stage.tell("pull_request", opened());
      const own = await stage.tell("issue_comment", comment("I am the agent"), {
        login: "otto-bot",
      });
      assertEquals((await stage.message(own)).state, "filtered");
      const check = await stage.tell("check_suite", checked("failure"), { login: "otto-bot" });
      assertEquals((await stage.message(check)).state, "processed");
      const [{ id }] = await tasks();
      await stage.otto.post(`/api/tasks/${id}/answer`, { text: "Yes" });
      await stage.otto.workOff();
      assertMatch(told(), /check_suite/);
      assertEquals((await tasks()).length, 1);
      // With nothing open it is left out, as all that the agent does.
      const later = await stage.tell("check_suite", checked("success"), { login: "otto-bot" });
      assertEquals((await stage.message(later)).state, "filtered");
    }, { more: { AGENT_ACCOUNTS: "otto-bot" } }));

  it("are one open task at a time, whoever settles, and every message is somewhere", () =>
    withModel(async ({ stage, fake, tasks }) => {
      fake.script = [finish("Read")];
      for (let round = 0; round < 4; round++) {
        for (let number = 1; number <= 5; number++) {
          await stage.send("issues", {
            action: round === 0 ? "opened" : "reopened",
            issue: { number, title: `Issue ${number}` },
          });
        }
      }
      await Promise.all(
        Array.from({ length: 4 }, () => drain(stage.otto.services, { maxMs: 20_000, maxItems: 7 })),
      );
      await stage.otto.workOff();
      const { items } = await stage.get("/api/messages?limit=200");
      assertEquals(items.filter(({ task_id }: Any) => task_id === null), []);
      const open = (await tasks()).filter(({ status }) => status !== "completed");
      assertEquals(open, []);
    }));

  const waiting = (events: string[]): Say => ({
    calls: [{ tool: "wait_for_event", args: { events, minutes: 30 } }],
  });

  it("wait for a check, and are woken by it after a while of quiet", () =>
    withModel(async ({ stage, fake, told, tasks, task }) => {
      fake.script = [waiting(["check_suite.*"]), finish("It is green")];
      await stage.tell("pull_request", opened());
      const [parked] = await tasks();
      assertEquals([parked.status, parked.phase], ["waiting_event", "waiting"]);
      assertEquals(parked.waiting_for.events, ["check_suite.*"]);
      const page = await (await stage.otto.ask(`/tasks/${parked.id}`)).text();
      assertMatch(page, /Waits until [\s\S]*check_suite\.\*[\s\S]*Wake now/);
      await stage.tell("issue_comment", comment("Not what it waits for"));
      await wakeNow(stage, "wake_at");
      await stage.otto.workOff();
      assertEquals((await task(parked.id)).status, "waiting_event");
      await stage.tell("check_suite", checked("success"));
      assertEquals((await task(parked.id)).status, "waiting_event");
      await wakeNow(stage, "wake_at");
      await stage.otto.workOff();
      assertEquals((await task(parked.id)).result.text, "It is green");
      assertMatch(told(), /Not what it waits for/);
      assertMatch(told(), /check_suite/);
      assertEquals((await tasks()).length, 1);
    }));

  it("do not wait for what has come already, before or while they were to be parked", () =>
    withModel(async ({ stage, fake, tasks, task }) => {
      fake.script = [
        async () => {
          await stage.send("check_suite", checked("failure"));
          await settle(stage);
          return waiting(["check_suite.*"]);
        },
        finish("It was there"),
      ];
      await stage.tell("pull_request", opened());
      const [only] = await tasks();
      assertEquals((await task(only.id)).result.text, "It was there");
    }));

  it("end their wait at its time, by a person, or with what closes their subject", () =>
    withModel(async ({ stage, fake, told, tasks, task }) => {
      fake.script = [waiting([]), waiting([]), { text: "Closed, so be it." }];
      await stage.tell("pull_request", opened());
      const [{ id }] = await tasks();
      await stage.otto.post(`/api/tasks/${id}/wake`);
      await stage.otto.workOff();
      assertMatch(told(), /A person of the team woke you/);
      assertEquals((await task(id)).status, "waiting_event");
      await stage.tell("pull_request", closed());
      assertEquals((await task(id)).result.text, "Closed, so be it.");
      assertEquals((await stage.otto.ask(`/api/tasks/${id}/wake`, { method: "POST" })).status, 409);
    }));

  it("leave to a new task what an agent without an inbox has not read", () =>
    withModel(async ({ stage, tasks }) => {
      await stage.send("pull_request", opened());
      await stage.send("issue_comment", comment("First"));
      await stage.send("issue_comment", comment("Second"));
      await stage.otto.workOff();
      const all = await tasks();
      assertEquals(all.map(({ status }) => status), ["completed", "completed"]);
      assertMatch(all[0].title, /^2 events: first/);
    }, { more: { OPENAI_API_KEY: "", OPEN_AI_BASE: "" } }));
}
