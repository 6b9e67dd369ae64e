import { Buffer } from "node:buffer";
import { createClient } from "redis";
import { toJson } from "../../lib/arq/pickle/json.ts";
import { decodeJob, encodeResult } from "../../lib/arq/wire.ts";
import { asBytes } from "../../lib/store/redis.ts";
import { createWorker } from "../../lib/work/work.ts";
import { json } from "../otto.ts";
import { wakeNow } from "../subjects/model_stage.ts";
import {
  type Any,
  comment,
  opened,
  openSubjectStage,
  type SubjectStage,
} from "../subjects/stage.ts";

const QUEUE = "arq:interactive";

/** A job as a Python worker gets it. */
export interface StagedJob {
  jobId: string;
  id: string;
  token: string;
  kwargs: Any;
}

/** Otto with workers elsewhere, whose part the test plays: over HTTP and in Redis, as python-arq does. */
export interface WorkerStage extends AsyncDisposable {
  stage: SubjectStage;
  /** Settles what has come, wakes, submits and collects. */
  turn(): Promise<void>;
  /** The same, with all waits for quiet or for their time over. */
  letTimePass(column: "wake_at" | "wait_until"): Promise<void>;
  /** The jobs in the queue that nobody has. */
  waiting(): Promise<string[]>;
  /** Takes a job: whoever asks is told that somebody works on it. */
  take(jobId: string): Promise<StagedJob>;
  /** What python-arq leaves of a job whose function has returned. */
  leave(job: StagedJob, value?: string): Promise<void>;
  /** Forgets who has a job, as Redis does when a worker has died long enough ago. */
  lose(job: StagedJob): Promise<void>;
  /** Whether a job is to be aborted. */
  isAborted(job: StagedJob): Promise<boolean>;
  /** Lets ten seconds pass in which a job that is to be aborted was not. */
  ignoreAbort(job: StagedJob): Promise<void>;
  post(job: StagedJob, step: string, body: unknown, status?: number): Promise<Any>;
  read(job: StagedJob, query: string, status?: number): Promise<Any>;
  task(id: string): Promise<Any>;
  tasks(): Promise<Any[]>;
}

export async function openWorkerStage(
  env: { DATABASE_URL: string; REDIS_URL: string },
  rules: unknown = { github: { later: "continue" } },
): Promise<WorkerStage> {
  const redis = createClient({ url: env.REDIS_URL });
  redis.on("error", () => {});
  await redis.connect();
  const stage = await openSubjectStage({ rules, env: { AGENT: "external", ...env } });
  const { otto } = stage;
  const worker = createWorker(otto.services);
  const { signal } = new AbortController();
  const bearer = ({ token }: StagedJob) => ({ authorization: `Bearer ${token}` });

  async function turn() {
    while (await worker.takeMessages(0, signal) > 0);
    await worker.takeGroups();
    await worker.collect();
  }
  const over = async ({ jobId }: StagedJob) => {
    await redis.del([`arq:job:${jobId}`, `arq:in-progress:${jobId}`]);
    await redis.zRem(QUEUE, jobId);
  };

  return {
    stage,
    turn,
    async letTimePass(column) {
      await wakeNow(stage, column);
      await turn();
    },
    async waiting() {
      const ids = await redis.zRange(QUEUE, 0, -1);
      const taken = await Promise.all(ids.map((id) => redis.exists(`arq:in-progress:${id}`)));
      return ids.filter((_, at) => taken[at] === 0);
    },
    async take(jobId) {
      const bytes = await redis.withTypeMapping(asBytes).get(`arq:job:${jobId}`);
      await redis.set(`arq:in-progress:${jobId}`, "1");
      const { args, kwargs } = decodeJob(bytes as unknown as Uint8Array);
      const given = toJson(kwargs) as Any;
      return { jobId, id: String(args[0]), token: given.token, kwargs: given };
    },
    async leave(job, value = "") {
      const result = encodeResult({
        tries: 1,
        function: "run_task",
        args: [job.id],
        kwargs: new Map(),
        enqueuedAt: 1,
        success: true,
        value,
        startedAt: 1,
        finishedAt: 1,
        queue: QUEUE,
        id: job.jobId,
      });
      await redis.set(`arq:result:${job.jobId}`, Buffer.from(result));
      await over(job);
      // Its end is collected, then what it has left is seen to.
      await turn();
      await turn();
    },
    lose: async ({ jobId }) => void await redis.del(`arq:in-progress:${jobId}`),
    isAborted: async ({ jobId }) => await redis.zScore("arq:abort", jobId) !== null,
    async ignoreAbort({ jobId }) {
      await redis.zIncrBy("arq:abort", -10_000, jobId);
      await turn();
      await turn();
    },
    async post(job, step, body, status = 200) {
      const answer = await otto.ask(`/api/tasks/${job.id}/${step}`, {
        method: "POST",
        headers: { ...bearer(job), "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      return await json(answer, status);
    },
    read: async (job, query, status) =>
      await json(
        await otto.ask(`/api/tasks/${job.id}/messages?${query}`, { headers: bearer(job) }),
        status,
      ),
    task: (id) => stage.get(`/api/tasks/${id}`),
    tasks: async () => (await stage.get("/api/tasks")).items,
    async [Symbol.asyncDispose]() {
      redis.destroy();
      await stage[Symbol.asyncDispose]();
    },
  };
}

/** The claim of a worker that goes on with what comes later. */
export const CLAIM = { try: 1, worker: "python", continues: true };

/** What was said in the messages of an answer. */
export const bodiesOf = ({ messages }: Any) =>
  messages.map(({ payload }: Any) => payload.comment?.body ?? payload.action);

/** Somebody comments on the pull request. */
export async function say({ stage, turn }: WorkerStage, body: string): Promise<string> {
  const id = await stage.send("issue_comment", comment(body));
  await turn();
  return id;
}

/** Runs a test with a pull request, whose job a worker has taken. */
export async function withJob(
  env: () => Promise<{ DATABASE_URL: string; REDIS_URL: string }>,
  run: (stage: WorkerStage, job: StagedJob) => Promise<void>,
  rules?: unknown,
): Promise<void> {
  await using stage = await openWorkerStage(await env(), rules);
  await stage.stage.send("pull_request", opened());
  await stage.turn();
  const [jobId] = await stage.waiting();
  await run(stage, await stage.take(jobId));
}
