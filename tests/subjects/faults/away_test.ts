import { assertEquals, assertMatch } from "@std/assert";
import { it } from "@std/testing/bdd";
import type { Say } from "../../fakes/server.ts";
import { describeWith, until } from "../../servers/mod.ts";
import { finish, settle, wakeNow, withModel } from "../model_stage.ts";
import { checked, opened } from "../stage.ts";

const waiting: Say = {
  calls: [{ tool: "wait_for_event", args: { events: ["check_suite.*"], minutes: 30 } }],
};

describeWith(
  { postgres: true, redis: "own" },
  "a task that waits while Redis is away",
  (servers) => {
    const env = async () => ({
      DATABASE_URL: await servers.postgres.createDatabase(),
      REDIS_URL: servers.redis.url,
      WORKER: "inline",
    });

    it("is woken in the database, and goes on once Redis is back", () =>
      withModel(env, async ({ stage, fake, told, tasks, task }) => {
        fake.script = [waiting, waiting, finish("It is green")];
        await stage.tell("pull_request", opened());
        const [{ id }] = await tasks();
        assertEquals((await task(id)).status, "waiting_event");
        await servers.redis.kill();
        await stage.otto.post(`/api/tasks/${id}/wake`);
        assertEquals((await task(id)).status, "pending");
        await servers.redis.restart();
        const workedUntil = (status: string) =>
          until(async () => {
            await stage.otto.workOff().catch(() => {});
            return (await task(id)).status === status;
          }, { what: `the task to be ${status}`, timeoutMs: 30_000 });
        await workedUntil("waiting_event");
        assertMatch(told(), /A person of the team woke you/);
        // The same with what it waits for.
        await servers.redis.kill();
        await stage.send("check_suite", checked("success"));
        await settle(stage).catch(() => {});
        await servers.redis.restart();
        await wakeNow(stage);
        await workedUntil("completed");
        assertEquals((await task(id)).result.text, "It is green");
        assertEquals((await tasks()).length, 1);
      }));
  },
);
