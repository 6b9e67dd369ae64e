import { assertEquals } from "@std/assert";
import { it } from "@std/testing/bdd";
import { completeMessages } from "../../../lib/message/complete.ts";
import type { MessageSubject } from "../../../lib/message/subject/subject.ts";
import { rowKey } from "../../../lib/message/subject/tell.ts";
import { decideApproval } from "../../../lib/task/approval.ts";
import { describeWith } from "../../servers/mod.ts";
import { endRounds, markSubmitted, startTasks } from "../../../lib/jobs/job_rows.ts";
import { claimTasks, holdTasks } from "../../../lib/task/claim.ts";
import { finishTasks } from "../../../lib/task/finish.ts";
import { claimOne, done, openRace, type Race, settle } from "./race_stage.ts";
import { closed, comment, opened } from "../stage.ts";

describeWith({ postgres: true }, "what closes or joins a task, in whatever order", (servers) => {
  const race = async (run: (race: Race) => Promise<void>) => {
    await using opened = await openRace(await servers.postgres.createDatabase());
    await run(opened);
  };

  it("ends what goes in circles with what closes it, though its subject is stopped", () =>
    race(async ({ stage }) => {
      await stage.send("pull_request", opened());
      await settle(stage);
      for (let at = 0; at < 21; at++) await stage.send("issue_comment", comment(`Round ${at}`));
      await settle(stage);
      assertEquals((await stage.get("/api/subjects?state=stopped")).items.length, 1);
      await stage.send("pull_request", closed());
      await settle(stage);
      assertEquals((await stage.get("/api/tasks")).items[0].status, "cancelled");
    }));

  it("takes one close for a task in hand, however often it is sent", () =>
    race(async ({ stage, sql }) => {
      await stage.send("pull_request", opened());
      await settle(stage);
      const task = await claimOne(stage);
      const closes: string[] = [];
      for (let at = 0; at < 40; at++) closes.push(await stage.send("pull_request", closed()));
      await settle(stage);
      closes.push(await stage.send("pull_request", closed()));
      await settle(stage);
      const [row] = await sql`
        select (select count(*)::int from task_inbox) as inbox, count(*)::int as tasks,
          (select count(*)::int from messages where task_id = ${task.id}) as its from tasks`;
      assertEquals({ ...row }, { inbox: 1, tasks: 1, its: closes.length + 1 });
    }));

  it("makes no task of a close that is older than the opening, also where nothing is open", () =>
    race(async ({ stage, sql }) => {
      await stage.send("pull_request", opened({ updated_at: "2026-01-02T03:00:00Z" }));
      await settle(stage);
      await sql`update tasks set status = 'completed', open = false`;
      const late = await stage.send(
        "pull_request",
        closed({ updated_at: "2026-01-02T02:00:00Z" }),
      );
      await settle(stage);
      const { state, reason, task_id } = await stage.message(late);
      assertEquals([state, reason, task_id], ["processed", "Nothing was open", null]);
    }));

  it("leaves a decision and a close of the same task one order of locks", () =>
    race(async ({ stage, sql, hold, stopped }) => {
      const { database } = stage.otto.services;
      await stage.send("pull_request", opened());
      await settle(stage);
      const task = await claimOne(stage);
      const id = crypto.randomUUID();
      await sql`update tasks set status = 'waiting_input', question = 'May I?' where id = ${task.id}`;
      await sql`insert into approvals (id, task_id, key, tool, arguments, sha256, rule,
          policy_version, expires_at)
        values (${id}, ${task.id}, '1:1:0', 'reply', '{}', 'x', 'x', 'x', now() + interval '1 day')`;
      await stage.send("pull_request", closed());
      const release = await hold("tasks", task.id);
      const deciding = decideApproval(database, { id, decision: "approve", actor: "test" });
      await stopped(1);
      const settling = settle(stage);
      await stopped(2);
      // Whoever decides waits for the task, and has not taken the approval before it.
      await sql`select from approvals where id = ${id} for update nowait`;
      await release();
      await Promise.all([deciding, settling]);
    }));

  it("joins no task whose maker was lost to another worker", () =>
    race(async ({ stage, sql }) => {
      const messageId = await stage.send("pull_request", opened());
      const later = await stage.send("issue_comment", comment("One more"));
      const subject: MessageSubject = {
        source: "github",
        key: "github:octo/phone#7",
        role: "opens",
        aliases: [],
        joins: [],
        verified: true,
      };
      const [{ epoch }] = await sql<{ epoch: number }[]>`
        select epoch from messages where id = ${later}`;
      const taskId = crypto.randomUUID();
      const about = { event: null, title: "It", subject };
      const { made, stale } = await completeMessages(stage.otto.services.database, [
        { ...about, messageId, epoch: epoch - 1, description: "", joins: { newTaskId: taskId } },
        {
          ...about,
          messageId: later,
          epoch,
          state: "processed",
          reason: "Joined",
          taskId,
          joins: { taskId, role: "continues", maker: messageId, waitKey: null },
        },
      ], {
        assignee: null,
        openTasks: new Map([[rowKey(subject), { version: 0, openTask: taskId }]]),
      });
      assertEquals([made, stale], [[], [later]]);
      assertEquals((await stage.message(later)).task_id, null);
      assertEquals((await stage.get("/api/subjects")).items, []);
    }));

  it("takes several tasks in the order of their ids, whether it joins or ends them", () =>
    race(async ({ stage, sql, hold, stopped }) => {
      const { database } = stage.otto.services;
      const issue = (number: number) => ({ number, title: `Issue ${number}`, user: { id: 5 } });
      const NUMBERS = [1, 2, 3, 4, 5, 6, 7, 8];
      for (const number of NUMBERS) {
        await stage.send("issues", { action: "opened", issue: issue(number) });
      }
      await settle(stage);
      const tasks = await claimTasks(database, { worker: "one", max: NUMBERS.length });
      const ids = tasks.map(({ id }) => id).toSorted();
      // Whoever waits for the first has taken none of the others before.
      const othersAreFree = () =>
        sql`select from tasks where id in ${sql(ids.slice(1))} for update nowait`;
      const newestFirst = tasks.toSorted((one, other) => one.id < other.id ? 1 : -1);
      const rounds = newestFirst.map(({ id }) => ({ id, round: 1 }));
      const writes: (() => Promise<unknown>)[] = [
        () => holdTasks(database, "one", newestFirst),
        () => markSubmitted(database, rounds),
        () => startTasks(database, "one", rounds),
        () => endRounds(database, rounds),
      ];
      for (const write of writes) {
        const release = await hold("tasks", ids[0]);
        const writing = write();
        await stopped(1);
        await othersAreFree();
        await release();
        await writing;
      }
      const running = await sql<{ id: string; epoch: number }[]>`
        select id, epoch from tasks where status = 'running' order by id desc`;
      assertEquals(running.length, ids.length);
      const release = await hold("tasks", ids[0]);
      const ending = finishTasks(database, running.map((task) => done(task)));
      await stopped(1);
      await othersAreFree();
      for (const number of NUMBERS.toReversed()) {
        await stage.send("issue_comment", { ...comment("One more"), issue: issue(number) });
      }
      const joining = settle(stage);
      await stopped(2);
      await othersAreFree();
      await release();
      await Promise.all([ending, joining]);
    }));
});
