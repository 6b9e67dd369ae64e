import { createClient } from "redis";
import type { Services } from "../../lib/services.ts";
import { jobsContract, type JobsPlace } from "./contract.ts";
import { openPlace } from "../place.ts";
import { ask, type Place } from "../queue/contract.ts";
import { describeWith } from "../servers/mod.ts";

/** Moves the ends of all leases in the tasks table. */
const passTimeIn = (services: Services) => async (seconds: number) => {
  await ask(services, (sql) =>
    sql`
      update tasks set lease_until = lease_until - make_interval(secs => ${seconds})
      where lease_until is not null`);
};

function inPostgres(place: Place): JobsPlace {
  return {
    ...place,
    passTime: passTimeIn(place.processes[0]),
    clear: () => Promise.resolve(),
  };
}

jobsContract(
  "memory",
  async () =>
    inPostgres(
      await openPlace({ OTTO_DATA_DIR: ":memory:" }, { processes: 1 }),
    ),
);

describeWith({ postgres: true }, "with PostgreSQL", (servers) => {
  jobsContract(
    "leases in rows",
    async () =>
      inPostgres(
        await openPlace({
          DATABASE_URL: await servers.postgres.createDatabase(),
        }),
      ),
  );
});

describeWith(
  { postgres: true, redis: true },
  "with PostgreSQL and Redis",
  (servers) => {
    jobsContract("ARQ", async () => {
      const place = await openPlace({
        DATABASE_URL: await servers.postgres.createDatabase(),
        REDIS_URL: servers.redis.url,
      });
      const redis = createClient({ url: servers.redis.url });
      redis.on("error", () => {});
      await redis.connect();
      return {
        ...place,
        clear: () => servers.redis.flush(),
        async passTime(seconds) {
          for (const key of await redis.keys("arq:in-progress:*")) {
            const left = await redis.pTTL(key) - seconds * 1_000;
            // Not set to 0 or less: the key would go, as it should, but say so plainly.
            if (left > 0) await redis.pExpire(key, left);
            else await redis.del(key);
          }
        },
        async [Symbol.asyncDispose]() {
          redis.destroy();
          await place[Symbol.asyncDispose]();
        },
      };
    });
  },
);
