import { assert, assertEquals } from "@std/assert";
import { it } from "@std/testing/bdd";
import { randomFor } from "../../bench/storm/random.ts";
import { describeWith } from "../servers/mod.ts";
import { settle } from "../subjects/races/race_stage.ts";
import { type Any, comment, opened } from "../subjects/stage.ts";
import { openWorkerStage, type StagedJob, type WorkerStage } from "./worker_stage.ts";

/** So many that none gets more messages than one subject may within an hour. */
const SUBJECTS = 8;
const ROUNDS = 25;

/** Which messages were handed to which claim, and which claims have come to an end that counts. */
interface Book {
  handed: Map<string, Set<string>>;
  kept: Set<string>;
}

interface Play {
  stage: WorkerStage;
  job: StagedJob;
  jobTry: number;
  book: Book;
  next: (below: number) => number;
}

async function ask({ stage, job }: Play, path: string, body?: unknown): Promise<Any> {
  const answer = await stage.stage.otto.ask(`/api/tasks/${job.id}/${path}`, {
    method: body ? "POST" : "GET",
    headers: { authorization: `Bearer ${job.token}`, "content-type": "application/json" },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  assert(answer.status === 200 || answer.status === 409, await answer.clone().text());
  return await answer.json();
}

/**
 * A worker's life with a job, which may end anywhere by a kill.
 *
 * @returns its claim's epoch, 0 without one, and whether its function has returned.
 */
async function work(play: Play, mortal: boolean): Promise<{ epoch: number; returned: boolean }> {
  const { job, jobTry, book, next } = play;
  const claim = await ask(play, "claim", { try: jobTry, worker: "python", continues: true });
  if (claim.error) return { epoch: 0, returned: true };
  const { epoch } = claim;
  const killed = { epoch, returned: false };
  const name = `${job.id}:${epoch}`;
  const handed = new Set<string>();
  book.handed.set(name, handed);
  let { seen } = claim;
  for (const { id } of claim.messages) handed.add(id);
  while (true) {
    if (mortal && next(4) === 0) return killed;
    const end = next(2) === 0
      ? { status: "waiting_event", events: next(2) === 0 ? ["push"] : [] }
      : { status: "completed", text: "done" };
    const { error } = await ask(play, "result", { epoch, seen, ...end });
    if (!error) {
      book.kept.add(name);
      return { epoch, returned: true };
    }
    if (error.code === "task_stale") return { epoch, returned: true };
    if (error.code === "wait_denied") continue;
    if (mortal && next(4) === 0) return killed;
    const news = await ask(play, `messages?epoch=${epoch}&after=${seen}`);
    if (news.error) return { epoch, returned: true };
    // Its answer may be lost, and is asked for again.
    if (next(4) === 0) continue;
    seen = news.seen;
    for (const { id } of news.messages) handed.add(id);
  }
}

describeWith({ postgres: true, redis: true }, "workers elsewhere in a storm", (servers) => {
  it("lose no message: each is read by whoever ended its task, or is another's", async () => {
    await servers.redis.flush();
    await using stage = await openWorkerStage({
      DATABASE_URL: await servers.postgres.createDatabase(),
      REDIS_URL: servers.redis.url,
    });
    const random = randomFor("continuing", 4711);
    const next = (below: number) => random.between(0, below - 1);
    const book: Book = { handed: new Map(), kept: new Set() };
    const tries = new Map<string, number>();
    let sent = 0;
    const say = async () => {
      const number = 1 + next(SUBJECTS);
      const { issue, ...rest } = comment(`Message ${sent++}`);
      await stage.stage.send("issue_comment", { ...rest, issue: { ...issue, number } });
    };
    for (let number = 1; number <= SUBJECTS; number++) {
      await stage.stage.send("pull_request", opened({ number }));
    }

    const workOnce = async (mortal: boolean) => {
      await stage.turn();
      const jobs = await Promise.all((await stage.waiting()).map(stage.take));
      await Promise.all(jobs.map(async (job) => {
        // Some jobs are run twice at once: a worker that was frozen past its lease goes on.
        const lives = await Promise.all(
          Array.from({ length: mortal ? 1 + next(2) : 1 }, async () => {
            const jobTry = (tries.get(job.jobId) ?? 0) + 1;
            tries.set(job.jobId, jobTry);
            return await work({ stage, job, jobTry, book, next }, mortal);
          }),
        );
        const last = lives.toSorted((one, other) => one.epoch - other.epoch).at(-1)!;
        if (last.returned) await stage.leave(job);
        else await stage.lose(job);
      }));
      return jobs.length;
    };

    for (let round = 0; round < ROUNDS; round++) {
      await Promise.all([
        workOnce(true),
        (async () => {
          for (let n = next(8); n > 0; n--) {
            await say();
            await settle(stage.stage, `settler ${n}`);
          }
        })(),
      ]);
      await stage.letTimePass(next(2) === 0 ? "wake_at" : "wait_until");
    }
    for (let rest = 0; rest < 40; rest++) {
      const worked = await workOnce(false);
      await stage.letTimePass("wait_until");
      if (worked === 0 && (await stage.waiting()).length === 0) break;
    }

    const tasks = await stage.tasks();
    assertEquals(tasks.filter(({ status }: Any) => status !== "completed"), []);
    const rows = await stage.stage.otto.services.database.query(
      "find where each message is",
      (sql) =>
        sql<{ id: string; task_id: string | null; is_inbox: boolean; is_read: boolean }[]>`
        select m.id, m.task_id, i.task_id is not null as is_inbox,
          i.delivered_at is not null as is_read
        from messages m left join task_inbox i on i.message_id = m.id`,
    );
    assertEquals(rows.length, sent + SUBJECTS, "a message is in two inboxes");
    const readBy = new Map<string, Set<string>>();
    for (const name of book.kept) {
      const [id] = name.split(":");
      const all = readBy.get(id) ?? new Set();
      for (const message of book.handed.get(name)!) all.add(message);
      readBy.set(id, all);
    }
    for (const { id, task_id, is_inbox, is_read } of rows) {
      assert(task_id !== null, `${id} has no task`);
      if (!is_inbox) continue;
      assert(is_read, `${id} is unread in a task that has ended`);
      assert(readBy.get(task_id)?.has(id), `${id} was read by nobody whose work counts`);
    }
    const inboxed = rows.filter(({ is_inbox }) => is_inbox).length;
    console.log(
      `  ${sent} messages, ${inboxed} of them into open tasks, ${tasks.length} tasks, ` +
        `${book.handed.size} claims, ${book.kept.size} of them came to an end`,
    );
    assert(inboxed > 20 && book.handed.size > book.kept.size);
  });
});
