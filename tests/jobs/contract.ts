import { assert, assertEquals } from "@std/assert";
import { afterAll, beforeAll, beforeEach, describe, it } from "@std/testing/bdd";
import type { Agent, Outcome } from "../../lib/agent/agent.ts";
import { storeMessages } from "../../lib/message/insert.ts";
import { LEASE_SECONDS, RENEWED_SECONDS } from "../../lib/message/claim.ts";
import { searchNotifications } from "../../lib/notify/search.ts";
import type { Services } from "../../lib/services.ts";
import { cancelTask, listTaskEvents, retryTask } from "../../lib/task/task.ts";
import { searchTasks } from "../../lib/task/search.ts";
import { type ClaimedTask, MOST_TASK_ATTEMPTS } from "../../lib/task/claim.ts";
import { type Finish, finishTasks } from "../../lib/task/finish.ts";
import { createWorker } from "../../lib/work/work.ts";
import { ask, messageOf, type Place, takeOnce } from "../queue/contract.ts";
import { until } from "../servers/mod.ts";

/** An implementation of the jobs port, with what time and forgetting are to it. */
export interface JobsPlace extends Place {
  /** Ends leases that run out within so many seconds, as if the time had gone by. */
  passTime(seconds: number): Promise<void>;
  /** Removes all that is not in the database. */
  clear(): Promise<void>;
}

/** An agent whose runs wait until the test ends them. */
export function slowAgent() {
  const runs: {
    taskId: string;
    end(text: string): void;
    signal: AbortSignal;
  }[] = [];
  const agent: Agent = {
    name: "slow",
    run: ({ taskId }, signal) =>
      new Promise<Outcome>((resolve, reject) => {
        runs.push({
          taskId,
          signal,
          end: (text) => resolve({ status: "completed", text, data: null } as Outcome),
        });
        signal.addEventListener("abort", () => reject(new Error("stopped")));
      }),
  };
  return { agent, runs };
}

/** The end of a claimed task, as a worker would write it. */
function finishOf(
  { id: taskId, epoch }: Pick<ClaimedTask, "id" | "epoch">,
): Finish {
  return {
    taskId,
    epoch,
    actor: "tester",
    tell: [{ channel: "web", destination: "web" }],
    status: "completed",
    result: { text: `in epoch ${epoch}`, data: null },
  };
}

/** What the jobs port promises, whatever carries the tasks. */
export function jobsContract(
  name: string,
  open: () => Promise<JobsPlace>,
): void {
  describe(`${name} as jobs`, () => {
    let place: JobsPlace;
    let here: Services;
    let there: Services;
    const { signal } = new AbortController();

    beforeAll(async () => {
      place = await open();
      [here, there] = place.processes;
    });
    afterAll(async () => await place?.[Symbol.asyncDispose]());
    beforeEach(async () => {
      await ask(here, (sql) => sql`delete from messages`);
      await place.clear();
    });

    const makeTasks = async (count: number) => {
      const made = Array.from(
        { length: count },
        (_, n) => messageOf({ body: `{"n":${n}}` }),
      );
      await storeMessages(here.database, made);
      await takeOnce(createWorker(here));
      assertEquals(
        (await searchTasks(here.database, {}, 100)).items.length,
        count,
      );
    };
    const claim = (
      { jobs }: Services,
      worker: string,
      max = 16,
      emptyHanded = true,
    ) => jobs.claim({ worker, max, emptyHanded });
    const theTask = async () => (await searchTasks(here.database, {}, 1)).items[0];

    it("starts each task once, oldest first, and raises its epoch", async () => {
      await makeTasks(3);
      const first = await claim(here, "one", 2);
      const rest = await claim(there, "two", 2);
      const tasks = (await searchTasks(here.database, {}, 10)).items.reverse();
      assertEquals(
        [...first, ...rest].map(({ id }) => id).sort(),
        tasks.map(({ id }) => id),
      );
      assertEquals(
        first.map(({ id }) => id).sort(),
        tasks.slice(0, 2).map(({ id }) => id),
      );
      assert(tasks.every((task) => task.status === "running"));
      assertEquals(await claim(there, "three"), []);
    });

    it("refuses the end of a worker that lost its task: the first end wins", async () => {
      await makeTasks(1);
      const [slow] = await claim(here, "slow");
      assertEquals(await claim(there, "quick"), []);
      await place.passTime(LEASE_SECONDS + 1);
      const [quick] = await claim(there, "quick");
      assertEquals(
        (await finishTasks(here.database, [finishOf(slow)])).size,
        0,
      );
      assertEquals(
        (await finishTasks(there.database, [finishOf(quick)])).size,
        1,
      );
      assertEquals(
        (await finishTasks(there.database, [finishOf(quick)])).size,
        0,
      );
      assertEquals(
        (await finishTasks(here.database, [finishOf(slow)])).size,
        0,
      );
      assertEquals((await theTask()).result?.text, `in epoch ${quick.epoch}`);
      assertEquals(
        (await searchNotifications(here.database, {}, 10)).items.length,
        1,
      );
    });

    it("keeps a task while its agent works, however long", async () => {
      await makeTasks(1);
      const { agent, runs } = slowAgent();
      const worker = createWorker({ ...here, agent });
      const other = createWorker({ ...there, agent });
      assertEquals(await worker.runTasks(signal), 1);
      await until(() => runs.length === 1, { what: "the agent to start" });
      await place.passTime(LEASE_SECONDS - 1);
      await worker.beat();
      await place.passTime(RENEWED_SECONDS - 1);
      assertEquals(
        await other.runTasks(signal),
        0,
        "The heartbeat did not prolong the lease",
      );

      // Frozen past its lease it gets its own task again: only the new run counts, and is held.
      await place.passTime(LEASE_SECONDS + 1);
      assertEquals(await worker.runTasks(signal), 1);
      await until(() => runs.length === 2, {
        what: "the agent to start again",
      });
      assert(runs[0].signal.aborted && !runs[1].signal.aborted);
      runs[0].end("too late");
      await place.passTime(LEASE_SECONDS - 1);
      await worker.beat();
      await place.passTime(RENEWED_SECONDS - 1);
      assertEquals(
        await other.runTasks(signal),
        0,
        "The second run is not held",
      );
      runs[1].end("in time");
      await worker.idle();
      const task = await theTask();
      assertEquals([task.status, task.result?.text], ["completed", "in time"]);
      assertEquals(
        (await searchNotifications(here.database, {}, 10)).items.length,
        1,
      );
    });

    it("lets a worker that lost its task hear of it", async () => {
      await makeTasks(1);
      const { agent, runs } = slowAgent();
      const worker = createWorker({ ...here, agent });
      await worker.runTasks(signal);
      await until(() => runs.length === 1, { what: "the agent to start" });
      await place.passTime(LEASE_SECONDS + 1);
      const [taken] = await claim(there, "quick");
      await worker.beat();
      assert(runs[0].signal.aborted);
      await worker.idle();
      assertEquals(
        (await finishTasks(there.database, [finishOf(taken)])).size,
        1,
      );
    });

    it("stops the agent of a task that was cancelled, and does not start it again", async () => {
      await makeTasks(1);
      const { agent, runs } = slowAgent();
      const worker = createWorker({ ...here, agent });
      await worker.runTasks(signal);
      await until(() => runs.length === 1, { what: "the agent to start" });
      const { id } = await theTask();
      assert(await cancelTask(there.database, { id, actor: "somebody" }));
      await worker.beat();
      await worker.idle();
      assertEquals([(await theTask()).status, runs[0].signal.aborted], [
        "cancelled",
        true,
      ]);
      assertEquals(
        (await searchNotifications(here.database, {}, 10)).items.length,
        0,
      );
      await place.passTime(LEASE_SECONDS + 1);
      await createWorker(there).collect();
      assertEquals(await claim(there, "other"), []);
    });

    it("works a task again that was retried after its end", async () => {
      await makeTasks(1);
      const worker = createWorker({
        ...here,
        agent: {
          name: "failing",
          run: () => Promise.reject(new Error("no luck")),
        },
      });
      await worker.runTasks(signal);
      await worker.idle();
      const { id, status } = await theTask();
      assertEquals(status, "failed");
      assert(await retryTask(here.database, { id, actor: "somebody" }));
      await createWorker(there).collect();
      const [again] = await claim(there, "second");
      assertEquals(again.id, id);
      assertEquals(
        (await finishTasks(there.database, [finishOf(again)])).size,
        1,
      );
    });

    it("works a task that was cancelled before its start and retried", async () => {
      await makeTasks(1);
      const { id } = await theTask();
      await here.jobs.collect();
      assert(await cancelTask(here.database, { id, actor: "somebody" }));
      assert(await retryTask(here.database, { id, actor: "somebody" }));
      const [task] = await until(async () => {
        await there.jobs.collect();
        const claimed = await claim(there, "second");
        return claimed.length > 0 && claimed;
      }, { what: "the task to be started" });
      assertEquals(
        (await finishTasks(there.database, [finishOf(task)])).size,
        1,
      );
    });

    it("gives what a stopping worker holds to others at once", async () => {
      await makeTasks(3);
      const { agent, runs } = slowAgent();
      const leaving = createWorker({ ...here, agent });
      assertEquals(await leaving.runTasks(signal), 3);
      await until(() => runs.length === 3, { what: "the agent to start" });
      await leaving.stop();
      const taken = await claim(there, "staying");
      assertEquals(taken.length, 3);
      assert(taken.every((task) => !task.alone));
      const events = await listTaskEvents(here.database, taken[0].id);
      assertEquals(
        events.at(-1)!.kind,
        "started",
        "Giving back counted as a crash",
      );
    });

    it("hands a task that two workers died with out alone, and only to empty hands", async () => {
      await makeTasks(3);
      const [suspect] = await claim(here, "first", 1);
      await place.passTime(LEASE_SECONDS + 1);
      await claim(here, "second", 1);
      await place.passTime(LEASE_SECONDS + 1);
      assertEquals(await claim(here, "busy", 16, false), []);
      const alone = await claim(here, "idle");
      assertEquals(alone.map((task) => [task.id, task.alone]), [[
        suspect.id,
        true,
      ]]);
      assertEquals((await claim(here, "busy", 16, false)).length, 2);
    });

    it("fails a task that four workers died with, and tells people", async () => {
      await makeTasks(1);
      for (let attempt = 1; attempt <= MOST_TASK_ATTEMPTS; attempt++) {
        assertEquals((await claim(here, `dead ${attempt}`)).length, 1);
        await place.passTime(LEASE_SECONDS + 1);
      }
      assertEquals(await claim(here, "not again"), []);
      await createWorker(there).collect();
      const task = await theTask();
      assertEquals([task.status, task.error?.code], ["failed", "worker_lost"]);
      const notifications = (await searchNotifications(here.database, {}, 10)).items;
      assertEquals(notifications.map((each) => [each.kind, each.channel]), [[
        "failed",
        "web",
      ]]);
    });
  });
}
