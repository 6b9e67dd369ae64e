import { errorText, type Log } from "../process/log.ts";
import type { Database } from "../store/database.ts";
import { isRedisFailure, isReplyError, type Redis } from "../store/redis.ts";

/** Where a task and its job are: the task in the database, the job in a queue in Redis. */
export interface JobStores {
  database: Database;
  redis: Redis;
  /** The key of ARQ's queue. */
  queue: string;
  log: Log;
}

/**
 * Redis being away is no error for tasks: all that counts is in the database.
 *
 * @returns what `work` gives; undefined when Redis is away or refuses.
 */
export async function unlessRedisAway<T>(log: Log, work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (!isRedisFailure(error)) {
      log.warn("jobs.step_failed", { error: errorText(error) });
      throw error;
    }
    log[levelOf(error)]("jobs.redis_away", { error: errorText(error) });
  }
}

/** An error that Redis answers with needs a person; that it is away is known from elsewhere. */
export function levelOf(error: unknown): "warn" | "debug" {
  return isReplyError(error) ? "warn" : "debug";
}
