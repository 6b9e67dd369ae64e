import { assert, assertEquals, assertMatch } from "@std/assert";
import { it } from "@std/testing/bdd";
import { continueLeftovers } from "../../../lib/message/subject/leftover.ts";
import { ensureWebhookUser } from "../../../lib/people/user.ts";
import { detachMessage } from "../../../lib/message/subject/detach.ts";
import { finishTasks } from "../../../lib/task/finish.ts";
import { retryTask } from "../../../lib/task/task.ts";
import { wakeTasks } from "../../../lib/task/wait.ts";
import { describeWith } from "../../servers/mod.ts";
import { claimOne, done, openRace, parked, type Race, settle } from "./race_stage.ts";
import { type Any, comment, opened } from "../stage.ts";

describeWith({ postgres: true }, "a message and the end of its task", (servers) => {
  const race = async (run: (race: Race) => Promise<void>) => {
    await using opened = await openRace(await servers.postgres.createDatabase());
    await run(opened);
  };

  it("are never both: with the message first the task goes on", () =>
    race(async ({ stage, inTurn }) => {
      await stage.send("pull_request", opened());
      await settle(stage);
      const task = await claimOne(stage);
      const later = await stage.send("issue_comment", comment("One more"));
      await inTurn(
        task.id,
        () => settle(stage),
        () => finishTasks(stage.otto.services.database, [done(task)]),
      );
      const found = await stage.get(`/api/tasks/${task.id}`);
      const message = await stage.message(later);
      if (message.task_id === task.id) {
        assertEquals(found.status, "pending");
        assertEquals(found.result, null);
      } else assertEquals(found.status, "completed");
    }));

  it("are never both: with the end first the message makes a task of its own", () =>
    race(async ({ stage, inTurn }) => {
      await stage.send("pull_request", opened());
      await settle(stage);
      const task = await claimOne(stage);
      const later = await stage.send("issue_comment", comment("One more"));
      await inTurn(
        task.id,
        () => finishTasks(stage.otto.services.database, [done(task)]),
        () => settle(stage),
      );
      const message = await stage.message(later);
      const found = await stage.get(`/api/tasks/${task.id}`);
      assert(
        found.status === "completed" && message.task_id !== task.id ||
          found.status === "pending" && message.task_id === task.id,
        `${found.status} ${message.task_id}`,
      );
      assert(message.task_id !== null);
    }));

  it("meet a wait: what comes while it is parked wakes it", () =>
    race(async ({ stage, inTurn }) => {
      await stage.send("pull_request", opened());
      await settle(stage);
      const task = await claimOne(stage);
      await stage.send("issue_comment", comment("One more"));
      await inTurn(
        task.id,
        () => settle(stage),
        () => finishTasks(stage.otto.services.database, [parked(task, 0)]),
      );
      const [row] = await stage.otto.services.database.query(
        "look",
        (sql) =>
          sql<{ status: string; wakes: boolean }[]>`
          select status, wake_at is not null as wakes from tasks where id = ${task.id}`,
      );
      assert(row.status === "pending" || row.status === "waiting_event" && row.wakes, row.status);
    }));

  it("wake a task once, whichever of its time and an event is first", () =>
    race(async ({ stage, hold, stopped }) => {
      const { database } = stage.otto.services;
      await stage.send("pull_request", opened());
      await settle(stage);
      const task = await claimOne(stage);
      await finishTasks(database, [parked(task, 0)]);
      await stage.send("issue_comment", comment("One more"));
      await database.query(
        "let time pass",
        (sql) =>
          sql`update tasks set wait_until = now() - interval '1 second' where id = ${task.id}`,
      );
      const release = await hold("tasks", task.id);
      const settling = settle(stage);
      await stopped(1);
      // It is held: nobody waits for it.
      assertEquals(await wakeTasks(database), 0);
      await release();
      await settling;
      const woken = await Promise.all([wakeTasks(database), wakeTasks(database)]);
      assertEquals(woken.toSorted(), [0, 1]);
      const { events } = await stage.get(`/api/tasks/${task.id}`);
      assertEquals(events.filter(({ kind }: Any) => kind === "woken").length, 1);
    }));

  it("stop a subject that goes in circles, until a person resumes it", () =>
    race(async ({ stage }) => {
      await stage.send("pull_request", opened());
      await settle(stage);
      for (let at = 0; at < 23; at++) {
        await stage.send("issue_comment", comment(`Round ${at}`));
        await settle(stage);
      }
      const [subject] = (await stage.get("/api/subjects?state=stopped")).items;
      assertEquals(subject.messages, 24);
      const page = await (await stage.otto.ask(`/subjects/${subject.id}`)).text();
      assert(page.includes("Resume") && page.includes("going in circles"));
      const told = (await stage.get("/api/notifications")).items
        .filter(({ kind }: Any) => kind === "subject_stopped");
      assertEquals(told.length, 1);
      assertMatch(told[0].text, /^Stopped: .*going in circles/);
      const kept = await stage.send("issue_comment", comment("Still there?"));
      await settle(stage);
      assertEquals((await stage.message(kept)).task_id, null);
      const post = { method: "POST", headers: { origin: "http://localhost:8000" } };
      assertEquals((await stage.otto.ask(`/subjects/${subject.id}/resume`, post)).status, 303);
      const heard = await stage.send("issue_comment", comment("Go on"));
      await settle(stage);
      assert((await stage.message(heard)).task_id !== null);
      const path = `/api/subjects/${subject.id}/resume`;
      assertEquals((await stage.otto.ask(path, { method: "POST" })).status, 409);
    }));

  it("never makes an unsigned message part of a signed one's task", () =>
    race(async ({ stage }) => {
      await stage.send("pull_request", opened());
      await settle(stage);
      const forged = await stage.send("pull_request", { ...opened(), action: "closed" });
      await stage.otto.services.database.query(
        "make it unverified",
        (sql) => sql`update messages set verification = 'unverified' where id = ${forged}`,
      );
      await settle(stage);
      const tasks = (await stage.get("/api/tasks")).items;
      assertEquals(tasks.map(({ status }: Any) => status), ["pending", "pending"]);
      assertEquals((await stage.get("/api/subjects")).items[0].state, "open");
    }));

  it("leave one open task where more comes before what was left unread has one", () =>
    race(async ({ stage, sql }) => {
      const { database } = stage.otto.services;
      await stage.send("pull_request", opened());
      await settle(stage);
      const task = await claimOne(stage);
      const unread = await stage.send("issue_comment", comment("Not read"));
      await settle(stage);
      const error = { code: "agent_failed", message: "no such model" };
      await finishTasks(database, [done(task, { status: "failed", error, result: undefined })]);
      const more = [
        await stage.send("issue_comment", comment("One more")),
        await stage.send("issue_comment", comment("And one")),
      ];
      await Promise.all([settle(stage, "one"), settle(stage, "another")]);
      await continueLeftovers(database, await ensureWebhookUser(database));
      const open = await sql`select id, message_id, news from tasks where open`;
      assertEquals(open.map(({ message_id, news }) => [message_id, news]), [[unread, 2]]);
      for (const id of more) assertEquals((await stage.message(id)).task_id, open[0].id);
    }));

  for (
    const [how, acts] of [
      ["tries the one before again", retryTask],
      ["detaches what it has not read", detachMessage],
    ] as const
  ) {
    it(`leave to the task that a message makes what comes later, when a person ${how}`, () =>
      race(async ({ stage, hold, stopped, sql }) => {
        const { database } = stage.otto.services;
        await stage.send("pull_request", opened());
        await settle(stage);
        const { id } = await claimOne(stage);
        const unread = await stage.send("issue_comment", comment("Not read"));
        await settle(stage);
        await sql`update tasks set status = 'failed' where id = ${id}`;
        await stage.send("pull_request", { ...opened(), action: "reopened" });
        const [subject] = await sql`select id from subjects`;
        const release = await hold("subjects", subject.id);
        const settled = settle(stage);
        await stopped(1);
        const acted = acts(database, { id: acts === retryTask ? id : unread, actor: "ada" });
        await stopped(2);
        await release();
        await Promise.all([settled, acted]);
        const [row] = await sql`
          select t.open, m.event from subjects s join tasks t on t.id = s.open_task
            join messages m on m.id = t.message_id`;
        assertEquals([row.open, row.event], [true, "pull_request.reopened"]);
      }));
  }
});
