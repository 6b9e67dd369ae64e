import { pause } from "../async/deadline.ts";
import { errorText, type Log } from "../process/log.ts";
import type { Database } from "./database.ts";
import { newId } from "./id.ts";
import type { Redis } from "./redis.ts";
import type { ServerAddress } from "./server/address.ts";

/**
 * The identity of the database that this Redis belongs to, when a process of it was
 * last here, and by which addresses databases were reached that use it: a hash,
 * which whoever takes the Redis for another database deletes.
 */
export const OWNER_KEY = "otto:owner";

/**
 * Whose a Redis is: `ours`, that of another Otto's database, `nobody`'s so far, or
 * `unknown` since this process has not reached its own database yet.
 */
export type Ownership = "ours" | "another" | "nobody" | "unknown";

/** Two Ottos must not share what only one database may have: whole messages that were spilled. */
export interface RedisOwner extends AsyncDisposable {
  /** Whose Redis it is. @throws what {@link Redis} throws when it is away. */
  look(): Promise<Ownership>;
  /** The identity of the database that this process is for; undefined while that is not known. */
  readonly database: string | undefined;
}

/** How long it is ours without another look. */
const OURS_MS = 10_000;
/**
 * An owner that was not here for so long, three looks, is gone: another database may
 * own the Redis, unless there is something in it that was spilled for the old one.
 */
const GONE_MS = 30_000;
/** A store that does not answer is asked again this soon. */
const RETRY_MS = 1_000;

/**
 * The first database to come owns the Redis, until it is gone. An address at which several
 * databases were reached, on different networks, says nothing. Where Redis takes no writes
 * the owner goes on being it.
 *
 * @returns whose it is, and whether a database at this address is the owner.
 */
const LOOK = `
local at = 'at ' .. ARGV[2]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local owner = redis.call('HGET', KEYS[1], 'id')
if ARGV[1] ~= '' then
  local seen = tonumber(redis.call('HGET', KEYS[1], 'seen') or 0)
  if owner and owner ~= ARGV[1] and now - seen > tonumber(ARGV[3])
    and redis.call('XLEN', KEYS[2]) == 0 then
    redis.call('DEL', KEYS[1])
    owner = false
  end
  if not owner then
    redis.call('HSET', KEYS[1], 'id', ARGV[1])
    owner = ARGV[1]
  end
  local known = redis.call('HGET', KEYS[1], at)
  if not known then redis.call('HSET', KEYS[1], at, ARGV[1])
  elseif known ~= ARGV[1] and known ~= 'several' then redis.call('HSET', KEYS[1], at, 'several') end
end
local presumed = owner and redis.call('HGET', KEYS[1], at) == owner
if owner and (owner == ARGV[1] or ARGV[1] == '' and presumed) then
  redis.pcall('HSET', KEYS[1], 'seen', string.format('%.0f', now))
end
return {owner or '', presumed and 1 or 0}`;

/**
 * Claims the Redis for this database as soon as both are there, unless it is another's,
 * and says again and again that its owner is here.
 *
 * @param ready resolves when the database can be asked for its identity.
 * @param spill the stream that has to be empty before another database may own the Redis.
 */
export function openRedisOwner(
  redis: Redis,
  { database, address, spill, ready, log }: {
    database: Database;
    address: ServerAddress;
    spill: string;
    ready: Promise<void>;
    log: Log;
  },
): RedisOwner {
  const closed = new AbortController();
  const at = addressText(address);
  let identity: string | undefined;
  /** The owner, where our database is reached by an address at which the owner was. */
  let presumed: string | undefined;
  let oursAt = -Infinity;

  async function look(): Promise<Ownership> {
    if (performance.now() - oursAt < OURS_MS) return "ours";
    const [owner, isAtAddress] = await redis.run(
      "ask whose Redis it is",
      (client) =>
        client.eval(LOOK, {
          keys: [OWNER_KEY, spill],
          arguments: [identity ?? "", at, String(GONE_MS)],
        }),
    ) as [string, number];
    if (owner === "") return "nobody";
    if (identity === undefined) {
      presumed = isAtAddress === 1 ? owner : undefined;
      return presumed === undefined ? "unknown" : "ours";
    }
    if (owner !== identity) return "another";
    oursAt = performance.now();
    return "ours";
  }

  async function claim(): Promise<void> {
    let before: Ownership | undefined;
    while (!closed.signal.aborted) {
      try {
        identity ??= await readIdentity(database);
        const whose = await look();
        if (whose === "another" && before !== whose) {
          log.error("redis.another_owner", { hint: ANOTHER_HINT });
        }
        before = whose;
        await pause(OURS_MS, closed.signal);
      } catch (error) {
        log.debug("redis.claim_failed", { error: errorText(error) });
        await pause(RETRY_MS, closed.signal);
      }
    }
  }
  // Who waits for the database hears why it is not ready.
  const claiming = ready.then(claim, () => {});

  return {
    look,
    get database() {
      return identity ?? presumed;
    },
    async [Symbol.asyncDispose]() {
      closed.abort();
      // A database that is not ready is waited for by others.
      if (identity !== undefined) await claiming;
    },
  };
}

/**
 * Whose a Redis is, and by which addresses its owner was reached; claims nothing.
 *
 * @throws when a store does not answer.
 */
export async function findOwner(
  redis: Redis,
  database: Database,
): Promise<{ whose: Ownership; addresses: string[] }> {
  const { id, ...rest } = await redis.run(
    "ask whose Redis it is",
    (client) => client.hGetAll(OWNER_KEY),
  );
  if (id === undefined) return { whose: "nobody", addresses: [] };
  const addresses = Object.entries(rest)
    .filter(([field, owner]) => field.startsWith("at ") && owner === id)
    .map(([field]) => field.slice("at ".length));
  return { whose: await findIdentity(database) === id ? "ours" : "another", addresses };
}

/** What an operator does about a Redis of another Otto's. */
export const ANOTHER_HINT =
  "Give each Otto a database number of its own: REDIS_URL=redis://host:6379/1. If the other " +
  `database is gone for good: redis-cli DEL ${OWNER_KEY}, or wait for half a minute where nothing ` +
  "is spilled";

/** A database as people name it, without who asks. */
function addressText({ hosts, database, user }: ServerAddress): string {
  const names = hosts.map(({ host, port = 5432 }) => `${host}:${port}`);
  return `${names.join(",")}/${database ?? user ?? ""}`;
}

/** Which database this is, restored or moved as it may be: the first process to ask decides it. */
async function readIdentity(database: Database): Promise<string> {
  await database.query(
    "give the database an identity",
    (sql) =>
      sql`insert into settings (name, value) values ('database_identity', ${newId()})
      on conflict (name) do nothing`,
  );
  return (await findIdentity(database))!;
}

async function findIdentity(database: Pick<Database, "query">): Promise<string | undefined> {
  const [row] = await database.query(
    "read the database's identity",
    (sql) => sql<{ value: string }[]>`select value from settings where name = 'database_identity'`,
  );
  return row?.value;
}
