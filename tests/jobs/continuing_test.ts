import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { it } from "@std/testing/bdd";
import { describeWith } from "../servers/mod.ts";
import { type Any, closed } from "../subjects/stage.ts";
import {
  bodiesOf,
  CLAIM,
  openWorkerStage,
  say,
  withJob,
  type WorkerStage,
} from "./worker_stage.ts";

describeWith({ postgres: true, redis: true }, "a worker elsewhere that goes on", (servers) => {
  const env = async () => {
    await servers.redis.flush();
    return {
      DATABASE_URL: await servers.postgres.createDatabase(),
      REDIS_URL: servers.redis.url,
    };
  };
  const unreadOf = async ({ stage }: WorkerStage, id: string) => {
    const { subject } = await stage.get(`/api/tasks/${id}`);
    const { timeline } = await stage.get(`/api/subjects/${subject.id}`);
    return timeline.items.filter(({ reading }: Any) => reading === "unread").length;
  };

  it("is handed what came before its claim, and told of what comes after", () =>
    withJob(env, async (stage, job) => {
      const { id: first } = await stage.task(job.id);
      await say(stage, "Before the claim");
      const claim = await stage.post(job, "claim", CLAIM);
      assertEquals(bodiesOf(claim), ["Before the claim"]);
      const [{ role, closes, event, title, received_at, id }] = claim.messages;
      assertEquals([role, closes, event], ["continues", false, "issue_comment.created"]);
      assertStringIncludes(title, "commented on PR #7");
      assert(received_at > (await stage.task(first)).created_at);
      assertEquals([claim.seen, claim.new_messages], [id, 0]);
      const { epoch } = claim;
      const step = { epoch, text: "half way" };
      assertEquals((await stage.post(job, "events", step)).new_messages, 0);
      await say(stage, "Second");
      await say(stage, "Third");
      assertEquals((await stage.post(job, "events", step)).new_messages, 2);
      const news = await stage.read(job, `epoch=${epoch}&after=${claim.seen}`);
      assertEquals(bodiesOf(news), ["Second", "Third"]);
      assertEquals((await stage.post(job, "events", step)).new_messages, 0);
      const kinds = (await stage.task(job.id)).events.map(({ kind }: Any) => kind);
      assertEquals(kinds.filter((kind: string) => kind === "messages_read").length, 2);
    }));

  it("is told who alone may read what its task was told", async () => {
    await using stage = await openWorkerStage(await env(), { gitlab: { later: "continue" } });
    const hear = async (payload: Any) => {
      const body = JSON.stringify({ project: { id: 42 }, ...payload });
      await stage.stage.otto.send("gitlab", body, { "content-type": "application/json" });
      await stage.turn();
    };
    await hear({ object_kind: "issue", object_attributes: { iid: 7, action: "open" } });
    const [jobId] = await stage.waiting();
    const job = await stage.take(jobId);
    const { epoch, audiences } = await stage.post(job, "claim", CLAIM);
    assertEquals(audiences, []);
    await hear({
      object_kind: "note",
      event_type: "confidential_note",
      issue: { iid: 7 },
      object_attributes: { noteable_type: "Issue", note: "She has not paid" },
    });
    const TEAM = ["42#7/team"];
    assertEquals((await stage.read(job, `epoch=${epoch}`)).audiences, TEAM);
    const later = await stage.post(job, "claim", { try: 2, worker: "old" });
    assertEquals([later.audiences, later.messages], [TEAM, undefined]);
  });

  it("ends its task only when it has seen all of them", () =>
    withJob(env, async (stage, job) => {
      const { epoch, seen } = await stage.post(job, "claim", CLAIM);
      await say(stage, "Wait, one more thing");
      const result = { epoch, status: "completed", text: "done", seen };
      const { error } = await stage.post(job, "result", result, 409);
      assertEquals(error.code, "task_has_news");
      assertStringIncludes(
        error.hint,
        `GET /api/tasks/${job.id}/messages?epoch=${epoch}&after=${seen}`,
      );
      assertEquals((await stage.task(job.id)).status, "running");
      const news = await stage.read(job, `epoch=${epoch}&after=${seen}`);
      assertEquals(bodiesOf(news), ["Wait, one more thing"]);
      const ended = await stage.post(job, "result", { ...result, seen: news.seen });
      assertEquals(ended.status, "completed");
      // Its answer was lost on the way: the same again is no error.
      await stage.post(job, "result", { ...result, seen: news.seen });
      await stage.leave(job, "told already");
      assertEquals((await stage.tasks()).map(({ status }) => status), ["completed"]);
    }));

  it("is handed again what was in an answer that it never got", () =>
    withJob(env, async (stage, job) => {
      const { epoch, seen } = await stage.post(job, "claim", CLAIM);
      await say(stage, "Lost on its way");
      await stage.read(job, `epoch=${epoch}&after=${seen}`);
      const result = { epoch, status: "completed", text: "done", seen };
      assertEquals((await stage.post(job, "result", result, 409)).error.code, "task_has_news");
      const again = await stage.read(job, `epoch=${epoch}&after=${seen}`);
      assertEquals(bodiesOf(again), ["Lost on its way"]);
      assertEquals((await stage.read(job, `epoch=${epoch}&after=${again.seen}`)).messages, []);
      assertEquals(bodiesOf(await stage.read(job, `epoch=${epoch}`)), ["Lost on its way"]);
      await stage.post(job, "result", { ...result, seen: again.seen });
    }));

  it("is handed as much at once as an answer holds, and told that there is more", () =>
    withJob(env, async (stage, job) => {
      const long = "x".repeat(4_500_000);
      for (const name of ["a", "b", "c"]) await say(stage, name + long);
      const claim = await stage.post(job, "claim", CLAIM);
      assertEquals(bodiesOf(claim).map((body: string) => body[0]), ["a"]);
      assertEquals(claim.new_messages, 2);
      const { epoch } = claim;
      const end = { epoch, seen: claim.seen, status: "completed", text: "done" };
      const { error } = await stage.post(job, "result", end, 409);
      assertMatch(error.message, /^2 newer messages/);
      const second = await stage.read(job, `epoch=${epoch}&after=${claim.seen}`);
      const third = await stage.read(job, `epoch=${epoch}&after=${second.seen}`);
      const told = [second, third].flatMap(bodiesOf).map((body: string) => body[0]);
      assertEquals([told, third.new_messages], [["b", "c"], 0]);
      await stage.post(job, "result", { ...end, seen: third.seen });
      await stage.leave(job);
      assertEquals((await stage.tasks()).length, 1);
    }));

  it("is told what is wrong with what it asks", () =>
    withJob(env, async (stage, job) => {
      const { epoch } = await stage.post(job, "claim", CLAIM);
      const end = { epoch, status: "completed", text: "done", seen: "the last one" };
      const { error } = await stage.post(job, "result", end, 400);
      assertMatch(error.message, /seen.*must be the `seen` of an earlier answer/);
      await stage.read(job, "after=1", 400);
      assertEquals((await stage.read(job, `epoch=${epoch + 1}`, 409)).error.code, "task_stale");
      await stage.read({ ...job, token: "1.wrong" }, `epoch=${epoch}`, 401);
      const wait = { epoch, status: "waiting_event", events: [""] };
      await stage.post(job, "result", wait, 400);
    }));

  it("says so at its claim: else it reads nothing, does not wait and is not held up", () =>
    withJob(env, async (stage, job) => {
      const { epoch, ...claim } = await stage.post(job, "claim", { try: 1, worker: "old" });
      assertEquals([claim.messages, claim.seen, claim.new_messages], [
        undefined,
        undefined,
        undefined,
      ]);
      await say(stage, "Unheard");
      const { error } = await stage.read(job, `epoch=${epoch}`, 409);
      assertEquals(error.code, "task_not_continuing");
      const wait = { epoch, status: "waiting_event" };
      assertEquals(
        (await stage.post(job, "result", wait, 409)).error.code,
        "task_not_continuing",
      );
      await stage.post(job, "result", { epoch, status: "completed", text: "as today" });
      await stage.leave(job, "told already");
      const [later, ended] = await stage.tasks();
      assertEquals([ended.id, ended.result.text], [job.id, "as today"]);
      assertEquals(later.status, "pending");
      assertEquals(await stage.waiting(), [later.id]);
    }));

  it("that ignores all of it runs once for each task, and the rest is one new task", () =>
    withJob(env, async (stage, job) => {
      assertEquals(job.kwargs.round, undefined);
      await say(stage, "First");
      await say(stage, "Second");
      await stage.leave(job, "as today");
      await stage.turn();
      const [later, ended] = await stage.tasks();
      assertEquals([ended.id, ended.result.text], [job.id, "as today"]);
      assertMatch(later.title, /^2 events: first/);
      const [jobId] = await stage.waiting();
      assertEquals(jobId, later.id);
      const next = await stage.take(jobId);
      assertEquals([next.kwargs.round, next.kwargs.messages], [undefined, undefined]);
      await stage.leave(next, "and that");
      await stage.turn();
      assertEquals((await stage.tasks()).map(({ status }) => status), ["completed", "completed"]);
      assertEquals(await stage.waiting(), []);
      assertEquals(await unreadOf(stage, job.id), 0);
    }));

  it("that ignores all of it ends as it does, when its subject is closed meanwhile", () =>
    withJob(env, async (stage, job) => {
      const { epoch } = await stage.post(job, "claim", { try: 1, worker: "old" });
      await stage.stage.send("pull_request", closed());
      await stage.turn();
      await stage.stage.otto.services.database.query(
        "let two hours pass",
        (sql) => sql`update task_inbox set added_at = now() - interval '2 hours'`,
      );
      await stage.turn();
      assert(!await stage.isAborted(job));
      await stage.post(job, "result", { epoch, status: "completed", text: "as today" });
      await stage.leave(job);
      assertEquals((await stage.tasks()).map(({ status }) => status), ["completed"]);
    }));

  it("leaves to a new task what it has not read when it returns, which is final", () =>
    withJob(env, async (stage, job) => {
      await say(stage, "Read");
      await stage.post(job, "claim", CLAIM);
      await say(stage, "Not read");
      await stage.leave(job, "final");
      const [later, ended] = await stage.tasks();
      assertEquals([ended.id, ended.result.text], [job.id, "final"]);
      assertMatch(later.title, /commented on PR #7/);
      assertEquals((await stage.stage.get(`/api/tasks/${later.id}`)).events[0].data, {
        continues: job.id,
      });
    }));
});
