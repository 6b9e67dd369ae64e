import { assert, assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { deleteMessage } from "../../lib/message/delete.ts";
import { detachMessage } from "../../lib/message/subject/detach.ts";
import { continueLeftovers } from "../../lib/message/subject/leftover.ts";
import { finishTasks } from "../../lib/task/finish.ts";
import { json } from "../otto.ts";
import { describeWith } from "../servers/mod.ts";
import { finish, type ModelStage, settle as settleOnce, withModel } from "./model_stage.ts";
import { claimOne, done, openRace, type Race, settle } from "./races/race_stage.ts";
import { type Any, closed, comment, opened, type SubjectStage } from "./stage.ts";

const embedded = () => Promise.resolve({});
const asks = { calls: [{ tool: "ask_human", args: { question: "Merge it?" } }] };

/** A task that waits for a person, with one later message that nobody has read. */
async function askedMeanwhile({ stage, fake, tasks }: ModelStage, more: Any[] = []) {
  fake.script = [asks, ...more];
  await stage.tell("pull_request", opened());
  const later = await stage.tell("issue_comment", comment("Something else is broken"));
  const [{ id }] = await tasks();
  return { id, later };
}

const detach = (stage: SubjectStage, id: string) =>
  stage.otto.ask(`/api/messages/${id}/detach`, { method: "POST" });

describe("a message that is detached", () => {
  it("is a task of its own, and no more in the inbox that it waited in", () =>
    withModel(embedded, async (model) => {
      const { stage, told, task, tasks } = model;
      const { id, later } = await askedMeanwhile(model, [finish("Its own"), finish("Merged")]);
      assertEquals((await task(id)).unread, 1);
      const answer = await detach(stage, later);
      assertEquals(answer.status, 201);
      const own = await json(answer, 201);
      assertEquals([own.message_id, own.messages, own.unread], [later, 1, 0]);
      const before = await task(id);
      assertEquals([before.status, before.messages, before.unread], ["waiting_input", 1, 0]);
      await stage.otto.workOff();
      assertMatch(told(), /Something else is broken/);
      assertEquals((await task(own.id)).result.text, "Its own");
      assertEquals((await stage.message(later)).task_id, own.id);

      await stage.otto.post(`/api/tasks/${id}/answer`, { text: "Yes" });
      await stage.otto.workOff();
      assertEquals((await task(id)).result.text, "Merged");
      assert(!told().includes("Something else is broken"), "it is told of what was taken from it");
      const page = await (await stage.otto.ask(`/tasks/${id}`)).text();
      assertMatch(page, /A later message became a task of its own/);
      assertEquals((await tasks()).length, 2);
      const its = await (await stage.otto.ask(`/messages/${later}`)).text();
      assertMatch(its, /detached by/);
      const { items } = await stage.get("/api/audit");
      assertEquals([items[1].act, items[1].ids[0], items[1].detail.task_id], [
        "detach",
        later,
        own.id,
      ]);
    }));

  it("is offered on the pages of its subject and its own, by a form", () =>
    withModel(embedded, async (model) => {
      const { stage } = model;
      const { later } = await askedMeanwhile(model, [finish("Its own")]);
      const { subject } = await stage.message(later);
      for (const path of [`/subjects/${subject.id}`, `/messages/${later}`]) {
        const page = await (await stage.otto.ask(path)).text();
        assertMatch(page, new RegExp(`<form method="post" action="/messages/${later}/detach"`));
        assertMatch(page, /not read yet by/);
      }
      const answer = await stage.otto.ask(`/messages/${later}/detach`, { method: "POST" });
      await answer.body?.cancel();
      assertMatch(answer.headers.get("location") ?? "", /^\/tasks\//);
      const page = await (await stage.otto.ask(`/subjects/${subject.id}`)).text();
      assert(!page.includes("/detach") && !page.includes("not read yet"));
    }));

  it("stays where it is once it was read, when it closes, or when it waits nowhere", () =>
    withModel(embedded, async (model) => {
      const { stage, fake, task, tasks } = model;
      fake.script = [
        async () => {
          const id = await stage.send("issue_comment", comment("Read this"));
          await settleOnce(stage);
          return { calls: [{ tool: "get_payload", args: {} }], id };
        },
        finish("Read"),
      ];
      const first = await stage.tell("pull_request", opened());
      const [{ id }] = await tasks();
      const read = (await task(id)).events.find(({ kind }: Any) => kind === "message_added").data;
      for (const [which, why] of [[first, /waits in no other/], [read.message_id, /has read it/]]) {
        const answer = await detach(stage, which);
        assertEquals(answer.status, 409);
        assertMatch((await answer.json()).error.message, why);
      }
      assertEquals((await detach(stage, "0198c0de-0000-7000-8000-000000000001")).status, 404);
    }));

  it("is the open one from then on where the other has ended, and its page says what is unread", () =>
    withModel(embedded, async (model) => {
      const { stage, fake, task } = model;
      const { id, later } = await askedMeanwhile(model);
      await stage.otto.post(`/api/tasks/${id}/cancel`);
      const { subject } = await stage.message(later);
      const page = await (await stage.otto.ask(`/subjects/${subject.id}`)).text();
      assertMatch(page, /not read by <a[^>]*>its task<\/a>, which has ended/);
      fake.script = [asks];
      const own = await json(await detach(stage, later), 201);
      await stage.otto.workOff();
      const next = await stage.tell("issue_comment", comment("More of it"));
      assertEquals((await stage.message(next)).task_id, own.id);
      assertEquals((await task(own.id)).unread, 1);
    }));
});

describeWith({ postgres: true }, "a message that is detached while others work", (servers) => {
  async function onRace(
    run: (race: Race, later: string, taskId: string) => Promise<void>,
  ): Promise<void> {
    await using race = await openRace(await servers.postgres.createDatabase());
    await race.stage.send("pull_request", opened());
    await settle(race.stage);
    const later = await race.stage.send("issue_comment", comment("Later"));
    await settle(race.stage);
    const { task_id } = await race.stage.message(later);
    await run(race, later, task_id);
  }
  const database = ({ stage }: Race) => stage.otto.services.database;
  const assigneeOf = async ({ sql }: Race) =>
    (await sql<{ assigned_to: string }[]>`select assigned_to from tasks limit 1`)[0].assigned_to;

  it("becomes one task, however many people do it at once", () =>
    onRace(async (race, later, taskId) => {
      const release = await race.hold("tasks", taskId);
      const all = [1, 2, 3].map(() => detachMessage(database(race), { id: later, actor: "ada" }));
      await race.stopped(3);
      await release();
      const made = (await Promise.all(all)).filter((came) => came && "taskId" in came);
      assertEquals(made.length, 1);
      const [{ tasks }] = await race.sql`select count(*)::int as tasks from tasks`;
      assertEquals(tasks, 2);
    }));

  it("is in one place when its task ends at the same time, whoever is first", () =>
    onRace(async (race, later, taskId) => {
      const task = await claimOne(race.stage);
      const [came] = await race.inTurn(
        taskId,
        () => detachMessage(database(race), { id: later, actor: "ada" }),
        () => finishTasks(database(race), [done(task, { readsAll: false })]),
      );
      await continueLeftovers(database(race), await assigneeOf(race));
      const rows = await race.sql`
        select t.id, t.message_id from tasks t where t.message_id = ${later}`;
      assertEquals(rows.length, 1, "one task of it");
      const message = await race.stage.message(later);
      assertEquals(message.task_id, rows[0].id);
      assert(came !== undefined);
    }));

  it("is refused while the rules make a task of it, which is not lost", () =>
    onRace(async (race, later) => {
      const task = await claimOne(race.stage);
      await finishTasks(database(race), [done(task, { readsAll: false })]);
      const came = await detachMessage(database(race), { id: later, actor: "ada" });
      assertEquals(came, { refused: "moving" });
      assertEquals(await continueLeftovers(database(race), await assigneeOf(race)), 1);
      assert((await race.stage.message(later)).task_id !== task.id);
    }));

  it("is a task or is gone when somebody deletes it meanwhile", () =>
    onRace(async (race, later, taskId) => {
      await race.inTurn(
        taskId,
        () => detachMessage(database(race), { id: later, actor: "ada" }),
        () => deleteMessage(database(race), later),
      );
      const [{ left }] = await race.sql`
        select count(*)::int as left from tasks where message_id = ${later}`;
      assertEquals(left, 0, "its task goes with it");
    }));

  it("stays where it is when it closes what its task is about", () =>
    onRace(async (race, _later, taskId) => {
      await claimOne(race.stage);
      const end = await race.stage.send("pull_request", closed());
      await settle(race.stage);
      assertEquals((await race.stage.message(end)).task_id, taskId);
      const came = await detachMessage(database(race), { id: end, actor: "ada" });
      assertEquals(came, { refused: "closes" });
    }));
});
