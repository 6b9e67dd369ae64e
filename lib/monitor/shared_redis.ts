import { listJobIds, readFunctions } from "../arq/list_jobs.ts";
import type { Config } from "../config/config.ts";
import { taskIdOf } from "../jobs/round.ts";
import type { Database } from "../store/database.ts";
import type { Redis } from "../store/redis.ts";
import { idArray } from "../store/stored.ts";
import { ANOTHER_HINT, findOwner, type RedisOwner } from "../store/redis_owner.ts";
import type { Check } from "./check.ts";

/** Nothing as long as no other Otto has the same Redis. Whether it answers at all others say. */
export async function checkRedisOwner(owner: RedisOwner | undefined): Promise<Check[]> {
  const whose = await owner?.look().catch(() => undefined);
  if (whose !== "another") return [];
  return [{
    name: "redis",
    status: "degraded",
    detail: "is another Otto's: nothing is spilled to it, and news and Python's workers mix",
    hint: ANOTHER_HINT,
  }];
}

/** Of a long queue so many jobs are looked at, the oldest: who mixes is seen in few. */
const MOST_JOBS = 1_000;
/** So many functions are named. */
const MOST_NAMES = 5;
const MOST_NAME = 60;

/**
 * Looks for others that use this Redis: another Otto, and whoever puts jobs into
 * Otto's queue. Nothing where there are none; changes nothing.
 *
 * @throws when a store does not answer.
 */
export async function findSharers(
  redis: Redis,
  database: Database,
  { arqQueue }: Pick<Config, "arqQueue">,
): Promise<Check[]> {
  const [owner, jobs] = [
    await findOwner(redis, database),
    await findStrangeJobs(redis, database, arqQueue),
  ];
  const checks: Check[] = [];
  if (owner.whose === "another") {
    checks.push({
      name: "Redis",
      status: "degraded",
      detail: `is another Otto's, whose database is ${owner.addresses.join(" or ")}`,
      hint: ANOTHER_HINT,
    });
  }
  if (jobs) checks.push(jobs);
  return checks;
}

async function findStrangeJobs(
  redis: Redis,
  database: Database,
  queue: string,
): Promise<Check | undefined> {
  const { ids, depth } = await listJobIds(redis, queue, MOST_JOBS);
  const known = await findKnown(database, ids.flatMap((id) => taskIdOf(id) ?? []));
  const strange = ids.filter((id) => !known.has(taskIdOf(id) ?? ""));
  if (strange.length === 0) return undefined;
  const functions = (await readFunctions(redis, strange)).slice(0, MOST_NAMES)
    .map((name) => JSON.stringify(name.slice(0, MOST_NAME)));
  const of = ids.length < depth ? `the oldest ${ids.length}` : String(depth);
  const names = functions.length > 0 ? ` (${functions.join(", ")})` : "";
  return {
    name: "job queue",
    status: "degraded",
    detail: `${strange.length} of ${of} jobs in ${queue} are for no task of this Otto${names}`,
    hint: "Otto leaves them alone, but a Python worker fails for good what it has no function " +
      "for: give each program a queue of its own, Otto's by ARQ_QUEUE",
  };
}

/** Those of these ids that are of tasks. */
async function findKnown(database: Database, ids: readonly string[]): Promise<Set<string>> {
  const rows = await database.query(
    "find out which jobs are for tasks",
    (sql) => sql<{ id: string }[]>`select id from tasks where id = any(${idArray(ids)}::uuid[])`,
  );
  return new Set(rows.map(({ id }) => id));
}
