import type { Buffer } from "node:buffer";
import { asBytes, type Redis } from "../store/redis.ts";
import { decodeBeginning } from "./pickle/decode.ts";

/** The ids of a queue's oldest jobs, at most so many, and how many jobs there are. */
export async function listJobIds(
  redis: Redis,
  queue: string,
  most: number,
): Promise<{ ids: string[]; depth: number }> {
  const [ids, depth] = await redis.run(
    "list the jobs of a queue",
    (client) => Promise.all([client.zRange(queue, 0, most - 1), client.zCard(queue)]),
  );
  return { ids, depth };
}

/** A job's function stands at its beginning, after the number of a try. */
const BEGINNING = 4_096;

const READ_BEGINNINGS = `
local found = {}
for i = 2, #ARGV do
  -- One key of a wrong type must not hide the others.
  local bytes = redis.pcall('GETRANGE', 'arq:job:' .. ARGV[i], 0, ARGV[1])
  found[i - 1] = type(bytes) == 'string' and bytes or ''
end
return found`;

/** The names of these jobs' functions, each once; jobs that do not say theirs are left out. */
export async function readFunctions(redis: Redis, ids: readonly string[]): Promise<string[]> {
  if (ids.length === 0) return [];
  const beginnings = await redis.run(
    "read which functions jobs are for",
    (client) =>
      client.withTypeMapping(asBytes).eval(READ_BEGINNINGS, {
        arguments: [String(BEGINNING - 1), ...ids],
      }),
  ) as Buffer[];
  const names = beginnings.map((bytes) => decodeBeginning(bytes, "f")?.get("f"));
  return [...new Set(names.filter((name) => typeof name === "string"))];
}
