/**
 * `deno task bench-spill`: how fast messages go into the spill and come back into the inbox.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { storeMessages } from "../lib/message/insert.ts";
import type { NewMessage } from "../lib/message/new_message.ts";
import { openSpill } from "../lib/message/spill/spill.ts";
import { createSpillMover } from "../lib/message/spill/spill_mover.ts";
import { createLog } from "../lib/process/log.ts";
import { openLocalQueue } from "../lib/queue/queue.ts";
import { newId } from "../lib/store/id.ts";
import { migrate } from "../lib/store/schema/migrate.ts";
import { openRedis } from "../lib/store/redis.ts";
import { openServer } from "../lib/store/server/server.ts";
import { startPostgres } from "../tests/servers/postgres.ts";
import { startRedis } from "../tests/servers/redis.ts";
import { makeBody } from "./payload.ts";

const HELP = `How fast messages go into the spill and come back, beside storing them directly.

  deno task bench-spill [--messages 6000] [--rounds 3] [--workers 1]

A push of 7 KB each, on a PostgreSQL with fsync on and a Redis with appendfsync always, one process.
Workers share what comes back, each over connections of its own.
"Directly" is the same statements as the inbox makes, 64 messages in each.
`;

const { values: options } = parseArgs({
  options: {
    messages: { type: "string", default: "6000" },
    rounds: { type: "string", default: "3" },
    workers: { type: "string", default: "1" },
    help: { type: "boolean", default: false },
  },
});

const BODY = makeBody();
/** As many as there are connections in the other bench. */
const PARALLEL = 64;

function messageOf(): NewMessage {
  return {
    id: newId(),
    webhookType: "bench",
    source: "generic",
    verification: "unverified",
    envelope: {
      url: "http://localhost/webhook/bench",
      client_ip: "127.0.0.1",
      delivery_id: newId(),
      headers: [["content-type", "application/json"]],
    },
    body: BODY,
    receivedAt: new Date(),
  };
}

/** How many a second, when `work` does them all. */
async function rate(count: number, work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return Math.round(count / (performance.now() - start) * 1_000);
}

async function bench(): Promise<void> {
  const count = Number(options.messages);
  await using stack = new AsyncDisposableStack();
  const postgres = await startPostgres({ settings: { fsync: "on", full_page_writes: "on" } });
  stack.defer(async () => await postgres?.stop());
  const redisServer = await startRedis({ durable: true });
  stack.defer(async () => await redisServer?.stop());
  if (!postgres || !redisServer) throw new Error("PostgreSQL and Redis are needed on this machine");
  const log = createLog("error");
  const url = await postgres.createDatabase();
  const database = stack.use(openServer({ url, log }));
  await migrate(database, log);
  const redis = stack.use(openRedis(redisServer.url, log));
  const queue = openLocalQueue();
  const spill = openSpill(redis, { trusted: false, log });
  const movers = Array.from({ length: Number(options.workers) }, () => ({
    database: stack.use(openServer({ url, log })),
    queue,
    spill: openSpill(stack.use(openRedis(redisServer.url, log)), { trusted: false, log }),
    log,
  }));
  for (const each of [spill, ...movers.map((mover) => mover.spill)]) {
    while (await each.depth() === undefined) await new Promise((done) => setTimeout(done, 10));
  }

  console.log("| round | directly | into the spill | back from it | of directly | of into |");
  console.log("| ----: | -------: | -------------: | -----------: | ----------: | ------: |");
  for (let round = 1; round <= Number(options.rounds); round++) {
    const direct = Array.from({ length: count }, messageOf);
    const directly = await rate(count, async () => {
      while (direct.length > 0) await storeMessages(database, direct.splice(0, PARALLEL));
    });
    const spilled = Array.from({ length: count }, messageOf);
    const into = await rate(count, async () => {
      while (spilled.length > 0) {
        await Promise.all(spilled.splice(0, PARALLEL).map((each) => spill.put(each)));
      }
    });
    let moved = 0;
    const back = await rate(count, async () => {
      await Promise.all(movers.map(async (mover) => {
        const move = createSpillMover(mover);
        while (moved < count) {
          const some = await move();
          moved += some;
        }
      }));
    });
    const share = (of: number) => `${Math.round(back / of * 100)} %`;
    console.log(
      `| ${round} | ${directly}/s | ${into}/s | ${back}/s | ${share(directly)} | ${share(into)} |`,
    );
  }
}

if (options.help) console.log(HELP);
else await bench();
