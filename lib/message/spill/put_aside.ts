import type { Buffer } from "node:buffer";
import type { Redis } from "../../store/redis.ts";
import { BYTES_KEY, GROUP, READ_MS, SPILL_STREAM } from "./spill_stream.ts";

/** What Postgres refuses, and what is not for it; for a person to look at. */
const REFUSED_STREAM = "otto:spill:refused";

const PUT_ASIDE = `
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
local entry = redis.call('XRANGE', KEYS[1], ARGV[2], ARGV[2])
if #entry == 0 then return 0 end
redis.call('XADD', KEYS[2], '*', unpack(ARGV, 4))
redis.call('XDEL', KEYS[1], ARGV[2])
redis.call('DECRBY', KEYS[3], ARGV[3])
return 1`;

/** Moves an entry out of the way, once. `size` is what it was counted with; 0 where nobody knows. */
export async function putAside(
  redis: Redis,
  { entry, fields, size }: {
    entry: string;
    fields: Record<string, string | Buffer>;
    size: number;
  },
  why: string,
): Promise<void> {
  await redis.run(
    "put a spilled message aside",
    (client) =>
      client.eval(PUT_ASIDE, {
        keys: [SPILL_STREAM, REFUSED_STREAM, BYTES_KEY],
        arguments: [
          GROUP,
          entry,
          String(size),
          ...Object.entries({ ...fields, why }).flat() as string[],
        ],
      }),
    READ_MS,
  );
}
