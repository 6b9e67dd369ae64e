import { assert, assertEquals, assertMatch } from "@std/assert";
import { it } from "@std/testing/bdd";
import { testFolder } from "../folder.ts";
import { describeWith, until } from "../servers/mod.ts";
import { type Any, checked, closed } from "../subjects/stage.ts";
import { bodiesOf, CLAIM, say, withJob } from "./worker_stage.ts";

describeWith(
  { postgres: true, redis: "own" },
  "a worker elsewhere whose task waits or is closed",
  (servers) => {
    const env = async () => {
      await servers.redis.flush();
      return {
        DATABASE_URL: await servers.postgres.createDatabase(),
        REDIS_URL: servers.redis.url,
      };
    };

    it("waits for an event in one job, and goes on in the next", () =>
      withJob(env, async (stage, job) => {
        const { epoch, seen } = await stage.post(job, "claim", CLAIM);
        const wait = {
          epoch,
          seen,
          status: "waiting_event",
          minutes: 30,
          events: ["check_suite.*"],
        };
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
      withJob(env, async (stage, job) => {
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
      withJob(env, async (stage, job) => {
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

    it("is woken by a person before its time", () =>
      withJob(env, async (stage, job) => {
        const { epoch, seen } = await stage.post(job, "claim", CLAIM);
        await stage.post(job, "result", { epoch, seen, status: "waiting_event" });
        await stage.leave(job);
        const wake = { method: "POST", headers: { origin: "http://localhost:8000" } };
        assertEquals((await stage.stage.otto.ask(`/api/tasks/${job.id}/wake`, wake)).status, 200);
        await stage.turn();
        assertEquals(await stage.waiting(), [`${job.id}:2`]);
        // The wait is over: the same result again, whose answer was lost, is told so.
        const again = { epoch, seen, status: "waiting_event" };
        assertEquals((await stage.post(job, "result", again, 409)).error.code, "task_stale");
      }));

    it("waits six times at most", () =>
      withJob(env, async (stage, first) => {
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
        assertMatch(error.message, /the task has waited 6 times already/);
        assertEquals((await stage.task(first.id)).status, "running");
        await stage.post(job, "result", { ...wait, minutes: 24 * 60 + 1 }, 400);
      }));

    it("waits as often and as long as its source's budgets say", async () => {
      await using folder = await testFolder();
      const budgets = { waits: 1, wait_hours: 2 };
      const AGENT_CONFIG = await folder.write("agent.json", { sources: { github: { budgets } } });
      await withJob(
        async () => ({ ...await env(), AGENT_CONFIG }),
        async (stage, job) => {
          const { epoch, seen } = await stage.post(job, "claim", CLAIM);
          const wait = { epoch, seen, status: "waiting_event", minutes: 120 };
          const long = await stage.post(job, "result", { ...wait, minutes: 121 }, 409);
          assertMatch(long.error.message, /may not wait: a wait may take 120 minutes at most/);
          await stage.post(job, "result", wait);
          await stage.leave(job);
          await stage.letTimePass("wait_until");
          const next = await stage.take(`${job.id}:2`);
          const claim = await stage.post(next, "claim", CLAIM);
          const again = { ...wait, epoch: claim.epoch, seen: claim.seen };
          const { error } = await stage.post(next, "result", again, 409);
          assertMatch(error.message, /the task has waited once already/);
        },
      );
    });

    it("waits for nothing where later messages come to tasks of their own", () =>
      withJob(env, async (stage, job) => {
        const { epoch, seen } = await stage.post(job, "claim", CLAIM);
        const wait = { epoch, seen, status: "waiting_event" };
        const { error } = await stage.post(job, "result", wait, 409);
        assertMatch(error.message, /come to tasks of their own/);
      }, {}));

    it("waits for nothing where no signature vouches for what it works on", () =>
      withJob(env, async (stage, job) => {
        await stage.stage.otto.services.database.query(
          "make it unverified",
          (sql) => sql`update messages set verification = 'unverified'`,
        );
        const { epoch, seen } = await stage.post(job, "claim", CLAIM);
        const wait = { epoch, seen, status: "waiting_event" };
        const { error } = await stage.post(job, "result", wait, 409);
        assertMatch(error.message, /no signature vouches for its message/);
      }));

    it("is not woken when a message is deleted that it has read", () =>
      withJob(env, async (stage, job) => {
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

    it("is aborted, when its subject is closed before anybody has begun", () =>
      withJob(env, async (stage, job) => {
        await stage.lose(job);
        await stage.stage.send("pull_request", closed());
        await stage.turn();
        await stage.turn();
        assertEquals((await stage.task(job.id)).status, "cancelled");
        assertEquals(await stage.waiting(), []);
        await stage.post(job, "claim", CLAIM, 409);
      }));

    it("decides itself what a close means, for an hour", () =>
      withJob(env, async (stage, job) => {
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
      withJob(env, async (stage, job) => {
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
      withJob(env, async (stage, job) => {
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
  },
);
