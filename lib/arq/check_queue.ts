import type { Redis } from "../store/redis.ts";
import { keys } from "./wire.ts";

/** No job of Otto or of python-arq, whose ids are UUIDs, is called so. */
const ID = "otto:check";

/** What is written is gone before any worker can see it. */
const CHECK = `
redis.call('PSETEX', KEYS[2], 60000, '')
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('DEL', KEYS[2])`;

/**
 * Tries the commands that a job is submitted with. A queue's length can also be
 * asked of a node that takes no jobs: a replica, a full one, one that is another
 * program's.
 *
 * @throws what submitting a job would fail with.
 */
export async function checkQueue(redis: Redis, queue: string): Promise<void> {
  await redis.run(
    "try to submit a job",
    (client) =>
      client.eval(CHECK, { keys: [queue, keys.job(ID)], arguments: [ID, String(Date.now())] }),
  );
}
