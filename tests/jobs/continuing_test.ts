import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { it } from "@std/testing/bdd";
import { describeWith, until } from "../servers/mod.ts";
import { type Any, checked, closed, comment, opened } from "../subjects/stage.ts";
import { openWorkerStage, type StagedJob, type WorkerStage } from "./worker_stage.ts";

const CLAIM = { try: 1, worker: "python", continues: true };
const bodiesOf = ({ messages }: Any) =>
  messages.map(({ payload }: Any) => payload.comment?.body ?? payload.action);

describeWith({ postgres: true, redis: "own" }, "a worker elsewhere that goes on", (servers) => {
  /** Otto with one pull request, whose job a worker has taken. */
  const withJob = async (
    run: (stage: WorkerStage, job: StagedJob) => Promise<void>,
    rules?: unknown,
  ) => {
    await servers.redis.flush();
    const env = {
      DATABASE_URL: await servers.postgres.createDatabase(),
      REDIS_URL: servers.redis.url,
    };
    await using stage = await openWorkerStage(env, rules);
    await stage.stage.send("pull_request", opened());
    await stage.turn();
    const [jobId] = await stage.waiting();
    await run(stage, await stage.take(jobId));
  };
  const say = async ({ stage, turn }: WorkerStage, body: string) => {
    const id = await stage.send("issue_comment", comment(body));
    await turn();
    return id;
  };
  const unreadOf = async ({ stage }: WorkerStage, id: string) => {
    const { subject_id } = await stage.get(`/api/tasks/${id}`);
    const { timeline } = await stage.get(`/api/subjects/${subject_id}`);
    return timeline.items.filter(({ unread }: Any) => unread).length;
  };

  it("is handed what came before its claim, and told of what comes after", () =>
    withJob(async (stage, job) => {
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

  it("ends its task only when it has seen all of them", () =>
    withJob(async (stage, job) => {
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
    withJob(async (stage, job) => {
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

  it("waits for an event in one job, and goes on in the next", () =>
    withJob(async (stage, job) => {
      const { epoch, seen } = await stage.post(job, "claim", CLAIM);
      const wait = { epoch, seen, status: "waiting_event", minutes: 30, events: ["check_suite.*"] };
      const parked = await stage.post(job, "result", wait);
      assertEquals([parked.status, parked.phase], ["waiting_event", "waiting"]);
      assertEquals(parked.waiting_for.events, ["check_suite.*"]);
      const minutes = (Date.parse(parked.waiting_for.until) - Date.now()) / 60_000;
      assert(minutes > 28 && minutes < 31, `${minutes} minutes`);
      await stage.post(job, "result", wait);
      await stage.leave(job);
      await say(stage, "Not what it waits for");
      await stage.letTimePass("wake_at");
      assertEquals(await stage.waiting(), []);
      await stage.stage.send("check_suite", checked("success"));
      await stage.turn();
      await stage.letTimePass("wake_at");
      assertEquals(await stage.waiting(), [`${job.id}:2`]);
      const next = await stage.take(`${job.id}:2`);
      assertEquals(Object.keys(next.kwargs).toSorted(), [
        "description",
        "message_id",
        "messages",
        "round",
        "source",
        "title",
        "token",
        "url",
      ]);
      assertEquals([next.kwargs.round, next.kwargs.messages], [2, 2]);
      const claim = await stage.post(next, "claim", CLAIM);
      assertEquals(bodiesOf(claim), ["Not what it waits for", "completed"]);
      // Whoever still has the first job ends nothing.
      await stage.post(job, "result", { epoch, status: "completed", text: "late" }, 409);
      await stage.post(next, "result", {
        epoch: claim.epoch,
        seen: claim.seen,
        status: "completed",
        text: "It is green",
      });
      const events = (await stage.task(job.id)).events.map(({ kind }: Any) => kind);
      assert(events.includes("waiting_event") && events.includes("woken"), events.join());
    }));

  it("does not wait for what has come: its wait returns at once", () =>
    withJob(async (stage, job) => {
      const { epoch, seen } = await stage.post(job, "claim", CLAIM);
      const wait = { epoch, seen, status: "waiting_event", events: ["check_suite.*"] };
      await stage.stage.send("check_suite", checked("failure"));
      await stage.turn();
      assertEquals((await stage.post(job, "result", wait, 409)).error.code, "task_has_news");
      const news = await stage.read(job, `epoch=${epoch}&after=${seen}`);
      assertEquals(news.messages.length, 1);
      await say(stage, "That is for later");
      await stage.post(job, "result", { ...wait, seen: news.seen });
      await stage.leave(job);
      await stage.letTimePass("wait_until");
      const next = await stage.take(`${job.id}:2`);
      assertEquals(bodiesOf(await stage.post(next, "claim", CLAIM)), ["That is for later"]);
    }));

  it("is woken with nothing at the end of its time, and knows up to where it has read", () =>
    withJob(async (stage, job) => {
      await say(stage, "Read in the first round");
      const { epoch, seen } = await stage.post(job, "claim", CLAIM);
      await stage.post(job, "result", { epoch, seen, status: "waiting_event" });
      await stage.leave(job);
      await stage.letTimePass("wait_until");
      const next = await stage.take(`${job.id}:2`);
      const claim = await stage.post(next, "claim", CLAIM);
      assertEquals([claim.messages, claim.seen], [[], seen]);
      const all = await stage.read(next, `epoch=${claim.epoch}`);
      assertEquals(bodiesOf(all), ["Read in the first round"]);
      const end = { epoch: claim.epoch, seen, status: "completed", text: "Nothing came" };
      await stage.post(next, "result", end);
    }));

  it("waits six times at most", () =>
    withJob(async (stage, first) => {
      let job = first;
      for (let round = 1; round <= 6; round++) {
        const { epoch, seen } = await stage.post(job, "claim", CLAIM);
        await stage.post(job, "result", { epoch, seen, status: "waiting_event" });
        await stage.leave(job);
        await stage.letTimePass("wait_until");
        job = await stage.take(`${first.id}:${round + 1}`);
      }
      const { epoch, seen } = await stage.post(job, "claim", CLAIM);
      const wait = { epoch, seen, status: "waiting_event" };
      const { error } = await stage.post(job, "result", wait, 409);
      assertEquals(error.code, "wait_denied");
      assertMatch(error.message, /it has waited 6 times already/);
      assertEquals((await stage.task(first.id)).status, "running");
      await stage.post(job, "result", { ...wait, minutes: 24 * 60 + 1 }, 400);
    }));

  it("waits for nothing where later messages come to tasks of their own", () =>
    withJob(async (stage, job) => {
      const { epoch, seen } = await stage.post(job, "claim", CLAIM);
      const wait = { epoch, seen, status: "waiting_event" };
      const { error } = await stage.post(job, "result", wait, 409);
      assertMatch(error.message, /come to tasks of their own/);
    }, {}));

  it("waits for nothing where no signature vouches for what it works on", () =>
    withJob(async (stage, job) => {
      await stage.stage.otto.services.database.query(
        "make it unverified",
        (sql) => sql`update messages set verification = 'unverified'`,
      );
      const { epoch, seen } = await stage.post(job, "claim", CLAIM);
      const wait = { epoch, seen, status: "waiting_event" };
      const { error } = await stage.post(job, "result", wait, 409);
      assertMatch(error.message, /no signature vouches for its message/);
    }));

  it("is handed as much at once as an answer holds, and told that there is more", () =>
    withJob(async (stage, job) => {
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

  it("is not woken when a message is deleted that it has read", () =>
    withJob(async (stage, job) => {
      const read = await say(stage, "Read");
      const { epoch, seen } = await stage.post(job, "claim", CLAIM);
      await stage.post(job, "result", { epoch, seen, status: "waiting_event" });
      await stage.leave(job);
      const removal = await stage.stage.otto.ask(`/api/messages/${read}`, { method: "DELETE" });
      assertEquals(removal.status, 204);
      await stage.turn();
      assertEquals((await stage.task(job.id)).status, "waiting_event");
      await stage.letTimePass("wait_until");
      const next = await stage.take(`${job.id}:2`);
      const claim = await stage.post(next, "claim", CLAIM);
      // What it had seen last is gone: it is as if it had read nothing, and there is nothing left.
      const end = { epoch: claim.epoch, seen, status: "completed", text: "done" };
      await stage.post(next, "result", end);
    }));

  it("is told what is wrong with what it asks", () =>
    withJob(async (stage, job) => {
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
    withJob(async (stage, job) => {
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
    withJob(async (stage, job) => {
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

  it("leaves to a new task what it has not read when it returns, which is final", () =>
    withJob(async (stage, job) => {
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

  it("is aborted, when its subject is closed before anybody has begun", () =>
    withJob(async (stage, job) => {
      await stage.lose(job);
      await stage.stage.send("pull_request", closed());
      await stage.turn();
      await stage.turn();
      assertEquals((await stage.task(job.id)).status, "cancelled");
      assertEquals(await stage.waiting(), []);
      await stage.post(job, "claim", CLAIM, 409);
    }));

  it("decides itself what a close means, for an hour", () =>
    withJob(async (stage, job) => {
      const { epoch, seen } = await stage.post(job, "claim", CLAIM);
      await stage.stage.send("pull_request", closed());
      await stage.turn();
      assertEquals((await stage.task(job.id)).status, "running");
      const wait = { epoch, seen, status: "waiting_event", events: ["check_suite.*"] };
      assertEquals((await stage.post(job, "result", wait, 409)).error.code, "task_has_news");
      const news = await stage.read(job, `epoch=${epoch}&after=${seen}`);
      assertEquals(news.messages.map(({ role, closes }: Any) => [role, closes]), [[
        "closes",
        true,
      ]]);
      const denied = await stage.post(job, "result", { ...wait, seen: news.seen }, 409);
      assertMatch(denied.error.message, /what it is about is closed/);
      const { database } = stage.stage.otto.services;
      await database.query(
        "let an hour pass",
        (sql) => sql`update task_inbox set added_at = now() - interval '59 minutes'`,
      );
      await stage.turn();
      assertEquals((await stage.task(job.id)).status, "running");
      await database.query(
        "let an hour pass",
        (sql) => sql`update task_inbox set added_at = now() - interval '61 minutes'`,
      );
      await stage.turn();
      await stage.turn();
      assertEquals((await stage.task(job.id)).status, "cancelled");
      assert(await stage.isAborted(job));
    }));

  it("wakes at once with what closes its subject", () =>
    withJob(async (stage, job) => {
      const { epoch, seen } = await stage.post(job, "claim", CLAIM);
      const wait = { epoch, seen, status: "waiting_event", events: ["check_suite.*"] };
      await stage.post(job, "result", wait);
      await stage.leave(job);
      await stage.stage.send("pull_request", closed());
      await stage.turn();
      const next = await stage.take(`${job.id}:2`);
      const claim = await stage.post(next, "claim", CLAIM);
      assertEquals(claim.messages.map(({ closes }: Any) => closes), [true]);
    }));

  it("goes on when Redis is back that was away while it was woken", () =>
    withJob(async (stage, job) => {
      const { epoch, seen } = await stage.post(job, "claim", CLAIM);
      await stage.post(job, "result", { epoch, seen, status: "waiting_event" });
      await stage.leave(job);
      await servers.redis.kill();
      await say(stage, "While it was away");
      await stage.letTimePass("wake_at");
      assertEquals((await stage.task(job.id)).status, "pending");
      await servers.redis.restart();
      await until(async () => {
        await stage.turn();
        return (await stage.waiting().catch(() => [])).length > 0;
      }, { what: "the job of the wake" });
      const next = await stage.take(`${job.id}:2`);
      assertEquals(next.kwargs.messages, 1);
      assertEquals(bodiesOf(await stage.post(next, "claim", CLAIM)), ["While it was away"]);
    }));
});
