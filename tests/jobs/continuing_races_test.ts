import { assert, assertEquals } from "@std/assert";
import { it } from "@std/testing/bdd";
import { describeWith } from "../servers/mod.ts";
import { openRowLocks, type RowLocks, settle } from "../subjects/races/race_stage.ts";
import { type Any, comment, opened } from "../subjects/stage.ts";
import { openWorkerStage, type StagedJob, type WorkerStage } from "./worker_stage.ts";

const claimIn = (jobTry: number) => ({ try: jobTry, worker: "python", continues: true });
const idsOf = ({ messages = [] }: Any): string[] => messages.map(({ id }: Any) => id);

interface Raced {
  stage: WorkerStage;
  job: StagedJob;
  locks: RowLocks;
  say(): Promise<string>;
}

describeWith({ postgres: true, redis: true }, "a worker elsewhere at a race", (servers) => {
  const race = async (run: (raced: Raced) => Promise<void>, env: Record<string, string> = {}) => {
    await servers.redis.flush();
    const url = await servers.postgres.createDatabase();
    const vars = { DATABASE_URL: url, REDIS_URL: servers.redis.url, ...env };
    await using stage = await openWorkerStage(vars);
    await using locks = await openRowLocks(url);
    await stage.stage.send("pull_request", opened());
    await stage.turn();
    const [jobId] = await stage.waiting();
    const job = await stage.take(jobId);
    const say = () => stage.stage.send("issue_comment", comment("One more"));
    await run({ stage, job, locks, say });
  };
  /** Any answer to a result, as its code or the task's status. */
  const resultOf = async ({ stage, job }: Raced, body: Any): Promise<string> => {
    const answer = await stage.stage.otto.ask(`/api/tasks/${job.id}/result`, {
      method: "POST",
      headers: { authorization: `Bearer ${job.token}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const { status, error } = await answer.json();
    return error?.code ?? status;
  };

  for (const first of ["message", "end"] as const) {
    it(`ends or is told of the news, never both, with the ${first} first`, () =>
      race(async (raced) => {
        const { stage, job, locks, say } = raced;
        const { epoch, seen } = await stage.post(job, "claim", claimIn(1));
        const later = await say();
        const end = { epoch, seen, status: "completed", text: "done" };
        const settling = () => settle(stage.stage);
        const ending = () => resultOf(raced, end);
        const [one, other] = first === "message" ? [settling, ending] : [ending, settling];
        const [a, b] = await locks.inTurn<string | void, string | void>(job.id, one, other);
        const code = a ?? b;
        const { task_id } = await stage.stage.message(later);
        assert(
          code === "task_has_news" && task_id === job.id ||
            code === "completed" && task_id !== job.id && task_id !== null,
          `${code}, and the message has the task ${task_id}`,
        );
        if (code === "completed") return;
        const news = await stage.read(job, `epoch=${epoch}&after=${seen}`);
        assertEquals(idsOf(news), [later]);
        assertEquals(await resultOf(raced, { ...end, seen: news.seen }), "completed");
      }));

    it(`waits or is told of the event, never neither, with the ${first} first`, () =>
      race(async (raced) => {
        const { stage, job, locks, say } = raced;
        const { epoch, seen } = await stage.post(job, "claim", claimIn(1));
        await say();
        const wait = { epoch, seen, status: "waiting_event" };
        const settling = () => settle(stage.stage);
        const parking = () => resultOf(raced, wait);
        const [one, other] = first === "message" ? [settling, parking] : [parking, settling];
        const [a, b] = await locks.inTurn<string | void, string | void>(job.id, one, other);
        const [{ status, wakes, news }] = await locks.sql<
          { status: string; wakes: boolean; news: number }[]
        >`select status, wake_at is not null as wakes, news from tasks where id = ${job.id}`;
        assertEquals(news, 1);
        const code = a ?? b;
        assert(
          code === "task_has_news" && status === "running" ||
            code === "waiting_event" && status === "waiting_event" && wakes,
          `${code}, and the task is ${status}`,
        );
      }));
  }

  it("that was killed after it has read leaves all to the next try", () =>
    race(async ({ stage, job, say }) => {
      const before = await say();
      await stage.turn();
      const lost = await stage.post(job, "claim", claimIn(1));
      assertEquals(idsOf(lost), [before]);
      const after = await say();
      await stage.turn();
      await stage.read(job, `epoch=${lost.epoch}&after=${lost.seen}`);
      const next = await stage.post(job, "claim", claimIn(2));
      assertEquals(idsOf(next), [before, after]);
      const late = { epoch: lost.epoch, seen: after, status: "completed", text: "late" };
      assertEquals((await stage.post(job, "result", late, 409)).error.code, "task_stale");
      const { error } = await stage.read(job, `epoch=${lost.epoch}`, 409);
      assertEquals(error.code, "task_stale");
      await stage.post(job, "result", { ...late, epoch: next.epoch, text: "in time" });
      assertEquals((await stage.task(job.id)).result.text, "in time");
    }));

  it("keeps what it had read when it began to wait, also after a kill in the next round", () =>
    race(async ({ stage, job, say }) => {
      await say();
      await stage.turn();
      const { epoch, seen } = await stage.post(job, "claim", claimIn(1));
      await stage.post(job, "result", { epoch, seen, status: "waiting_event" });
      await stage.leave(job);
      const second = await say();
      await stage.turn();
      await stage.letTimePass("wake_at");
      const next = await stage.take(`${job.id}:2`);
      assertEquals(idsOf(await stage.post(next, "claim", claimIn(1))), [second]);
      assertEquals(idsOf(await stage.post(next, "claim", claimIn(2))), [second]);
    }));

  it("that was killed right after it began to wait is woken all the same", () =>
    race(async ({ stage, job, say }) => {
      const { epoch, seen } = await stage.post(job, "claim", claimIn(1));
      await stage.post(job, "result", { epoch, seen, status: "waiting_event" });
      // Its job is still there: ARQ would start it again.
      await stage.lose(job);
      const { error } = await stage.post(job, "claim", claimIn(2), 409);
      assertEquals(error.code, "task_stale");
      await stage.turn();
      assertEquals(await stage.waiting(), []);
      await stage.turn();
      const later = await say();
      await stage.turn();
      await stage.letTimePass("wake_at");
      const next = await stage.take(`${job.id}:2`);
      assertEquals(idsOf(await stage.post(next, "claim", claimIn(1))), [later]);
    }));

  it("is woken while its function still runs, which is aborted before the next job begins", () =>
    race(async ({ stage, job, say }) => {
      const { epoch, seen } = await stage.post(job, "claim", claimIn(1));
      await stage.post(job, "result", { epoch, seen, status: "waiting_event" });
      await say();
      await stage.turn();
      await stage.letTimePass("wake_at");
      assert(await stage.isAborted(job));
      assertEquals(await stage.waiting(), []);
      await stage.leave(job, "too late to count");
      assertEquals(await stage.waiting(), [`${job.id}:2`]);
    }));

  it("that died right after it began to wait is given up when its job does not abort", () =>
    race(async ({ stage, job, say }) => {
      const { epoch, seen } = await stage.post(job, "claim", claimIn(1));
      await stage.post(job, "result", { epoch, seen, status: "waiting_event" });
      const later = await say();
      await stage.turn();
      await stage.letTimePass("wake_at");
      assertEquals(await stage.waiting(), []);
      // ARQ starts the first job again, which is of no use by now.
      const { error } = await stage.post(job, "claim", claimIn(2), 409);
      assertEquals(error.code, "task_stale");
      await stage.ignoreAbort(job);
      assertEquals(await stage.waiting(), [`${job.id}:2`]);
      const next = await stage.take(`${job.id}:2`);
      // ARQ forgets much later who had the first job, and starts it no more.
      await stage.lose(job);
      assertEquals(await stage.waiting(), []);
      assertEquals(await stage.isAborted(job), false);
      assertEquals(idsOf(await stage.post(next, "claim", claimIn(1))), [later]);
    }));

  it("that has reported nothing is waited for, when its task is cancelled and retried", () =>
    race(async ({ stage, job }) => {
      await stage.post(job, "claim", claimIn(1));
      for (const act of ["cancel", "retry"]) {
        await stage.stage.otto.post(`/api/tasks/${job.id}/${act}`);
      }
      await stage.turn();
      await stage.ignoreAbort(job);
      // It may be at work still: nobody else begins.
      assertEquals(await stage.waiting(), []);
      await stage.leave(job);
      assertEquals(await stage.waiting(), [`${job.id}:2`]);
    }));

  it("reads nothing for a claim that has ended, and the new one misses nothing", () =>
    race(async ({ stage, job, locks, say }) => {
      const old = await stage.post(job, "claim", claimIn(1));
      const later = await say();
      await stage.turn();
      const query = `epoch=${old.epoch}&after=${old.seen}`;
      const headers = { authorization: `Bearer ${job.token}` };
      const [read, claim] = await locks.inTurn(
        job.id,
        async () =>
          await stage.stage.otto.ask(`/api/tasks/${job.id}/messages?${query}`, { headers }),
        () => stage.post(job, "claim", claimIn(2)),
      );
      await read.body?.cancel();
      assertEquals(idsOf(claim), [later]);
    }));

  it("leaves what it has read to Otto's own agent, which has its task then", () =>
    race(async ({ stage, job, say }) => {
      const later = await say();
      await stage.turn();
      assertEquals(idsOf(await stage.post(job, "claim", claimIn(1))), [later]);
      await stage.lose(job);
      await stage.stage.otto.workOff();
      // The digest reads no later messages: they are a task of their own.
      const { task_id } = await stage.stage.message(later);
      assert(task_id !== job.id && task_id !== null);
      await stage.stage.otto.workOff();
      const all = (await stage.tasks()).map(({ status }: Any) => status);
      assertEquals(all, ["completed", "completed"]);
    }, { AGENT: "builtin" }));
});
