import { assert, assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { finish, type ModelStage, withModel } from "./model_stage.ts";
import { type Any, checked, closed, comment, opened } from "./stage.ts";

const embedded = () => Promise.resolve({});
const asks = { calls: [{ tool: "ask_human", args: { question: "Merge it?" } }] };
const waits = {
  calls: [{ tool: "wait_for_event", args: { events: ["check_suite.*"], minutes: 60 } }],
};
const page = async ({ stage }: ModelStage, path: string) =>
  await (await stage.otto.ask(path)).text();

describe("the page of a task that continues", () => {
  it("has each later message in its timeline, by its title, with the way to it", () =>
    withModel(embedded, async (model) => {
      const { stage, fake, task, tasks } = model;
      fake.script = [asks, finish("Merged")];
      const first = await stage.tell("pull_request", opened());
      const later = await stage.tell("issue_comment", comment("<b>bold</b>"));
      await stage.tell("check_suite", checked("failure"));
      const [{ id }] = await tasks();
      const before = await page(model, `/tasks/${id}`);
      assertMatch(before, /A later message/);
      assertMatch(
        before,
        new RegExp(`<a href="/messages/${later}" dir="auto">ada commented on PR #7`),
      );
      assertMatch(before, /2 newer messages since this was asked/);
      assertMatch(before, /3 messages<\/a>, 2 of them not read yet/);
      assertMatch(before, /About <a href="\/subjects\//);
      assertMatch(before, /3 messages · 1 task/);
      assertMatch(await page(model, `/messages/${later}`), /3 messages · 1 task/);

      const found = await task(id);
      assertEquals([found.messages, found.unread], [3, 2]);
      assertEquals(found.subject.key, "github:octo/phone#7");
      const { subject, role } = await stage.message(later);
      assertEquals([subject.id, role], [found.subject.id, "continues"]);
      assertEquals((await stage.message(first)).role, "opens");

      await stage.otto.post(`/api/tasks/${id}/answer`, { text: "Yes" });
      await stage.otto.workOff();
      const after = await page(model, `/tasks/${id}`);
      assertMatch(after, /Read 2 later messages/);
      assert(!after.includes("not read yet") && !after.includes("since this was asked"));
      assertEquals((await task(id)).unread, 0);
      const live = await page(model, "/");
      const [, row] = new RegExp(`<li id="m-${later}"([\\s\\S]*?)</li>\\s*<li id="m-`).exec(live)!;
      assertMatch(row, /Task: joined one that was there/);
      assert(!/under 1 ms/.test(row), "times of a task that was there before it");
      for (const path of [`/subjects/${subject.id}`, `/messages/${later}`]) {
        assertMatch(await page(model, path), /read by <a[^>]*>the agent<\/a> in step 2/);
      }
    }));

  it("tells whoever is to approve a call what came since, and the word is good for that call", () =>
    withModel(embedded, async (model) => {
      const { stage, fake, task, tasks } = model;
      fake.script = [
        { calls: [{ tool: "set_title", args: { title: "A better one" } }] },
        finish("Titled"),
      ];
      await stage.tell("pull_request", opened());
      const [{ id }] = await tasks();
      assert(!(await page(model, `/tasks/${id}`)).includes("since this was asked"));
      await stage.tell("issue_comment", comment("Wait"));
      const asked = await page(model, `/tasks/${id}`);
      assertMatch(
        asked,
        /May the agent call[\s\S]*1 newer message since this was asked[\s\S]*Approve/,
      );
      const { approvals, unread } = await task(id);
      assertEquals([approvals.length, approvals[0].state, unread], [1, "pending", 1]);
      await stage.otto.post(`/api/tasks/${id}/approve`, { approval_id: approvals[0].id });
      await stage.otto.workOff();
      const done = await task(id);
      assertEquals([done.title, done.status, done.unread], ["A better one", "completed", 0]);
    }, { agent: { sources: { github: { tools: ["set_title"], approve: ["set_title"] } } } }));

  it("says until when it waits and for what, and wakes it on a click", () =>
    withModel(embedded, async (model) => {
      const { stage, fake, task, tasks, told } = model;
      fake.script = [waits, finish("Woken")];
      await stage.tell("pull_request", opened());
      const [{ id }] = await tasks();
      const { waiting_for } = await task(id);
      const until = new Date(waiting_for.until).toISOString();
      const parked = await page(model, `/tasks/${id}`);
      assertMatch(parked, /Waits until <time [^>]*>(\d{4}-\d\d-\d\d )?\d\d:\d\d UTC<\/time> for/);
      assertMatch(parked, new RegExp(`datetime="${until}"`));
      assertMatch(parked, /<code dir="auto">check_suite\.\*<\/code>/);
      assertMatch(await page(model, "/"), /<a href="\/tasks\?phase=waiting">1 waiting<\/a>/);
      assertMatch(await page(model, "/tasks?phase=waiting"), new RegExp(`/tasks/${id}"`));
      assertMatch(parked, new RegExp(`action="/tasks/${id}/wake"><button[^>]*>Wake now`));
      await (await stage.otto.ask(`/tasks/${id}/wake`, { method: "POST" })).body?.cancel();
      await stage.otto.workOff();
      assertEquals((await task(id)).status, "completed");
      assertMatch(told(), /A person of the team woke you/);
    }));

  it("says what was not read once it was cancelled, and whose task is forgotten", () =>
    withModel(embedded, async (model) => {
      const { stage, fake, task, tasks } = model;
      fake.script = [asks];
      const first = await stage.tell("pull_request", opened());
      const later = await stage.tell("issue_comment", comment("Too late"));
      const [{ id }] = await tasks();
      await stage.otto.post(`/api/tasks/${id}/cancel`);
      assertEquals((await task(id)).unread, 1);
      assertMatch(await page(model, `/tasks/${id}`), /2 messages<\/a>, 1 of them not read</);
      const { subject } = await stage.message(later);
      assertMatch(await page(model, `/subjects/${subject.id}`), /not read by/);
      const { status, body } = await stage.otto.ask(`/api/messages/${first}`, { method: "DELETE" });
      await body?.cancel();
      assertEquals(status, 204);
      for (const path of [`/subjects/${subject.id}`, `/messages/${later}`]) {
        assertMatch(await page(model, path), /its task is forgotten/);
      }
      const { timeline } = await stage.get(`/api/subjects/${subject.id}`);
      assertEquals(timeline.items[0].is_task_forgotten, true);
      assertEquals(timeline.items[0].reading, null);
    }));
});

describe("what would become of a message, explained", () => {
  const explain = async ({ stage }: ModelStage, event: string, payload: Any, login = "ada") => {
    const id = await stage.send(event, payload, { login });
    const said = await stage.otto.get(`/api/messages/${id}/explain`);
    const html = await page({ stage } as ModelStage, `/messages/${id}?tab=explain`);
    await stage.otto.workOff();
    return { subject: said.subject, filter: said.filter, html, id };
  };

  it("says its subject, its role, the task that it would join, and why not", () =>
    withModel(embedded, async (model) => {
      const { stage, fake, tasks } = model;
      fake.script = [asks, finish("Read")];
      const alone = await explain(model, "pull_request", opened());
      assertEquals([alone.subject.role, alone.subject.joins], ["opens", null]);
      assertMatch(alone.subject.why, /No task about it is open: it would be a new one/);
      const [{ id }] = await tasks();
      const joined = await explain(model, "issue_comment", comment("Go on"));
      assertEquals(joined.subject.joins, id);
      assertMatch(
        joined.html,
        new RegExp(`Joined the task about the same: <a href="/tasks/${id}"`),
      );
      // By the agent's own account: its comment does not come through, its push's check does.
      const own = await explain(model, "issue_comment", comment("Mine"), "otto-bot");
      assertEquals([own.subject.joins, own.filter.passes], [null, false]);
      assertMatch(own.subject.why, /AGENT_ACCOUNTS/);
      assertEquals((await stage.message(own.id)).state, "filtered");
      const check = await explain(model, "check_suite", checked("failure"), "otto-bot");
      assertEquals([check.subject.joins, check.filter.passes], [id, true]);
      assertEquals((await stage.message(check.id)).task_id, id);
      const end = await explain(model, "pull_request", closed());
      assertEquals([end.subject.role, end.subject.joins], ["closes", id]);
      const late = await explain(model, "pull_request", closed());
      assertEquals([late.subject.joins, late.subject.why], [null, "Nothing was open"]);
    }, { more: { AGENT_ACCOUNTS: "otto-bot" } }));

  it("says that each is a task of its own where that is the rule", () =>
    withModel(embedded, async (model) => {
      model.fake.script = [finish("Read")];
      const { subject } = await explain(model, "pull_request", opened());
      assertMatch(subject.why, /Each message is a task of its own/);
    }, { rules: {} }));
});
