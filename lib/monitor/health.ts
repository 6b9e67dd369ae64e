import type { Config } from "../config/config.ts";
import type { Database } from "../store/database.ts";
import type { Jobs } from "../jobs/jobs.ts";
import type { Inbox } from "../message/inbox.ts";
import { checkInbox, checkSpill } from "./acceptance_checks.ts";
import type { Check } from "./check.ts";
import { checkClock } from "./clock.ts";
import { checkModelProvider } from "./model_provider.ts";
import { checkOutside } from "./outside/outside_state.ts";
import { checkLiveStream } from "./live_stream.ts";
import { checkRedisOwner } from "./shared_redis.ts";
import { isDrain, listWorkers } from "./heartbeat.ts";
import { countUnstarted } from "../jobs/unstarted.ts";
import { errorText } from "../process/log.ts";
import { checkPutOff } from "./put_off.ts";
import { readOutage } from "../notify/slack/outage.ts";
import type { Rules } from "../config/rules.ts";
import type { Queue } from "../queue/queue.ts";
import { MOST_WAITING, readTraffic, type Traffic } from "./stats/traffic.ts";
import type { RedisOwner } from "../store/redis_owner.ts";
import type { Spill } from "../message/spill/spill.ts";

/** What `/webhook/health` says: no customer data, since anyone may ask. */
export interface Health {
  status: "healthy" | "degraded" | "unhealthy";
  /** What waits; null while the database does not answer. */
  queue: Pick<Traffic, "depth" | "oldest_age_seconds"> | null;
  last_hour: Traffic["last_hour"] | null;
  checks: Check[];
}

/** Monitors wait for a few seconds, and one check comes after another. */
const CHECK_MS = 1_500;
/** News that waits longer than this means that nobody works. */
const OLD_SECONDS = 60;

/** What is looked at. */
export interface HealthSubjects {
  database: Database;
  inbox: Inbox;
  queue: Queue;
  spill?: Spill;
  redisOwner?: RedisOwner;
  jobs: Jobs;
  config: Pick<Config, "agentStartSeconds" | "agentIsExternal" | "denoDeploy" | "heartbeatUrl">;
  /** What this process has read of the operator's rules. */
  sources: { rules: string | null };
  rules: Pick<Rules, "refused">;
  notReady: () => string | undefined;
}

/**
 * Looks whether a message would be taken now, and at every store: reachable,
 * durable, how much waits, how old it is.
 */
export async function checkHealth(subjects: HealthSubjects): Promise<Health> {
  const { database, inbox, spill, redisOwner, notReady } = subjects;
  const askedAt = performance.now();
  const reachable = await checkDatabase(database, notReady());
  const isAway = reachable.status === "failed";
  // Anyone may ask, so the reason stands in the log only.
  const counted = isAway ? null : readTraffic(database, CHECK_MS).catch(() => null);
  const [acceptance, traffic, work] = await Promise.all([
    inbox.acceptance(isAway ? askedAt : undefined),
    counted,
    isAway ? [] : checkWork(subjects, counted),
  ]);
  const checks = [
    reachable,
    checkInbox(acceptance),
    ...checkFiles(subjects),
    ...work,
    ...await checkRedisOwner(redisOwner),
    ...spill ? [await checkSpill(spill, acceptance)] : [],
  ];
  const status = acceptance.takes === "none"
    ? "unhealthy"
    : checks.every((check) => check.status === "ok")
    ? "healthy"
    : "degraded";
  if (!traffic) return { status, queue: null, last_hour: null, checks };
  const { last_hour, ...waiting } = traffic;
  return { status, queue: waiting, last_hour, checks };
}

/** What can be looked up while the database answers. */
async function checkWork(
  { database, queue, jobs, config, sources }: HealthSubjects,
  traffic: Promise<Traffic | null> | null,
): Promise<Check[]> {
  // Side by side: whoever asks waits for the slowest of them, not for their sum.
  const checks = await Promise.all([
    checkQueue(queue, traffic).then((check) => [check]),
    checkSlack(database),
    checkClock(database, CHECK_MS),
    checkLiveStream(database, CHECK_MS),
    checkModel(database),
    checkOutside(database, config, CHECK_MS),
    database.kind === "postgres"
      ? checkWorkers(database, { rules: sources.rules, isolated: config.denoDeploy !== undefined })
      : [],
    jobs.backend === "arq" ? checkAgent(database, jobs, config).then((check) => [check]) : [],
  ]);
  return checks.flat();
}

/** What keeps tasks from their model: that its provider is away says more than that they wait. */
async function checkModel(database: Database): Promise<Check[]> {
  const away = await checkModelProvider(database, CHECK_MS);
  return away.length > 0 ? away : await checkPutOff(database, CHECK_MS);
}

/** What this process has read of the operator's files. Why one is refused is not for anyone. */
function checkFiles({ rules, sources }: HealthSubjects): Check[] {
  const refused = rules.refused().map(({ variable }): Check => ({
    name: variable,
    status: "degraded",
    detail: "has changed and is refused: what was read before stays, and the next start would stop",
    hint: "The log says what is wrong with it, and deno task doctor does",
  }));
  const read: Check[] = sources.rules === null
    ? []
    : [{ name: "SOURCES_FILE", status: "ok", detail: `read, as ${sources.rules}` }];
  return refused.length > 0 ? refused : read;
}

async function checkDatabase(database: Database, notReady: string | undefined): Promise<Check> {
  const name = "database";
  if (notReady !== undefined) {
    return {
      name,
      status: "failed",
      detail: "not ready",
      hint: "Otto keeps trying; its log says why",
    };
  }
  try {
    const [row] = await database.query(
      "check the database",
      (sql) => sql<{ fsync: string }[]>`select current_setting('fsync') as fsync`,
      CHECK_MS,
    );
    if (database.kind === "embedded") {
      return {
        name,
        status: "ok",
        detail: "embedded: safe when the process is killed, not when the power fails",
        hint: "Set DATABASE_URL to keep messages through a power failure",
      };
    }
    const detail = (first: string) => [first, ...database.remarks()].join("; ");
    return row.fsync === "on" ? { name, status: "ok", detail: detail("reachable, durable") } : {
      name,
      status: "degraded",
      detail: detail("reachable, but fsync is off: a power failure loses messages"),
      hint: "Set fsync = on in postgresql.conf",
    };
  } catch {
    return {
      name,
      status: "failed",
      detail: "does not answer",
      hint: "Check DATABASE_URL and the server; Otto reconnects by itself",
    };
  }
}

async function checkQueue(
  queue: Queue,
  counted: Promise<Traffic | null> | null,
): Promise<Check> {
  const name = `queue (${queue.backend})`;
  const traffic = await counted;
  if (!traffic) return { name, status: "failed", detail: "cannot be counted now" };
  const { depth, oldest_age_seconds: age } = traffic;
  const waiting = depth === MOST_WAITING ? `${MOST_WAITING} or more` : depth;
  const detail = depth === 0 ? "empty" : `${waiting} waiting, the oldest for ${age} s`;
  const trouble = await queue.check();
  if (trouble !== undefined) {
    return {
      name,
      status: "degraded",
      detail: `${trouble}; ${detail}`,
      hint: "Work goes on by polling; check REDIS_URL and the server",
    };
  }
  return (age ?? 0) > OLD_SECONDS
    ? { name, status: "degraded", detail, hint: "Is a worker running? See /webhook/status" }
    : { name, status: "ok", detail };
}

/** Nothing as long as Slack works, or is not used. */
async function checkSlack(database: Database): Promise<Check[]> {
  const name = "slack";
  try {
    const outage = await readOutage(database, CHECK_MS);
    if (!outage) return [];
    const detail = `takes no messages since ${outage.since}; outcomes are told in the web UI`;
    return [{ name, status: "degraded", detail, hint: outage.error }];
  } catch {
    // Anyone may ask, so the reason stands in the log only.
    return [{ name, status: "degraded", detail: "cannot be looked up now" }];
  }
}

async function checkAgent(
  database: Database,
  jobs: Jobs,
  { agentStartSeconds, agentIsExternal }: HealthSubjects["config"],
): Promise<Check> {
  const name = "agent";
  try {
    const trouble = await jobs.check();
    if (trouble !== undefined) {
      return {
        name,
        status: "degraded",
        detail: `no task can be given to an agent: ${trouble}`,
        hint: "Tasks wait in the database and go on by themselves; check REDIS_URL and the server",
      };
    }
    const { count, waited } = await countUnstarted(
      database,
      agentStartSeconds,
      CHECK_MS,
    );
    if (count === 0) {
      return { name, status: "ok", detail: "no task waits too long" };
    }
    return {
      name,
      status: "degraded",
      detail: `${count} tasks wait for an agent to start them, the oldest for ${waited} s`,
      hint: agentIsExternal
        ? "Is a Python worker running on the queue of ARQ_QUEUE? See docs/python-worker.md"
        : "Is a worker running? See /webhook/status",
    };
  } catch (error) {
    return { name, status: "failed", detail: errorText(error) };
  }
}

async function checkWorkers(
  database: Database,
  { rules, isolated }: { rules: string | null; isolated: boolean },
): Promise<Check[]> {
  const name = "workers";
  try {
    const alive = (await listWorkers(database, CHECK_MS)).filter((worker) => worker.alive);
    const workers = alive.filter((worker) => !isDrain(worker)).length;
    const others = alive.filter((worker) => worker.rules !== rules).length;
    return [
      alive.length > 0
        ? {
          name,
          status: "ok",
          detail: workers > 0 ? `${workers} running` : "what waits is drained by request",
        }
        : {
          name,
          status: "degraded",
          detail: "none is running: messages are kept, but nobody works on them",
          hint: isolated
            ? "No drain has ended for three minutes: does the cron otto-drain run?"
            : "Start worker.ts, or set WORKER=inline; see /webhook/status",
        },
      ...others > 0
        ? [{
          name: "rules",
          status: "degraded" as const,
          detail:
            `${others} of ${alive.length} workers have other rules for sources than this process`,
          hint:
            "Give all processes the same SOURCES_FILE; each reads it again within seconds of a change",
        }]
        : [],
    ];
  } catch {
    return [{ name, status: "failed", detail: "cannot be counted now" }];
  }
}
