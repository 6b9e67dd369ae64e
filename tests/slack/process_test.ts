import { assert, assertEquals } from "@std/assert";
import { it } from "@std/testing/bdd";
import postgres from "postgres";
import { type FakeSlack, startFakeSlack, TOKEN } from "../fakes/slack.ts";
import { describeWith, freePort, type Process, startProcess, until } from "../servers/mod.ts";

const START_MS = 30_000;

describeWith(
  { postgres: true },
  "Slack, from processes of their own",
  (servers) => {
    async function start(slack: FakeSlack) {
      const env = {
        PORT: String(await freePort()),
        DATABASE_URL: await servers.postgres.createDatabase(),
        SLACK_BOT_TOKEN: TOKEN,
        SLACK_API_URL: slack.url,
        SLACK_CHANNELS: "*=C0OPS",
      };
      const sql = postgres(env.DATABASE_URL, { max: 1 });
      const origin = `http://127.0.0.1:${env.PORT}`;
      const main = startProcess(["main.ts"], env);
      await main.waitForLine(/Otto is ready/, { timeoutMs: START_MS });
      return {
        main,
        sql,
        startWorker: () => startProcess(["worker.ts"], env),
        async send(title: string) {
          const answer = await fetch(`${origin}/webhook/demo`, {
            method: "POST",
            body: JSON.stringify({ title }),
          });
          assertEquals(answer.status, 200);
          await answer.body?.cancel();
        },
        /** Changes what every task shows. */
        async touchTasks() {
          await sql`update tasks set title = title || '.'`;
        },
        told: async (state: string) => {
          const answer = await fetch(
            `${origin}/api/notifications?channel=slack&state=${state}`,
          );
          return (await answer.json()).items.length as number;
        },
      };
    }

    it("has one message after a worker was killed while Slack took it", async () => {
      await using slack = await startFakeSlack();
      const otto = await start(slack);
      await using _main: Process = otto.main;
      await using _sql = {
        [Symbol.asyncDispose]: () => otto.sql.end({ timeout: 1 }),
      };
      let end = () => {};
      slack.next("chat.postMessage", {
        slow: new Promise((resolve) => end = resolve),
      });
      await using worker = otto.startWorker();
      await otto.send("a");
      await until(() => slack.posts.length === 1, {
        what: "the post",
        timeoutMs: START_MS,
      });
      await worker.kill("SIGKILL");
      end();
      await using _next = otto.startWorker();
      await until(async () => await otto.told("sent") === 1, {
        what: "the notification to be sent",
        timeoutMs: START_MS,
      });
      assertEquals([
        slack.posts.length,
        slack.called("chat.postMessage").length,
      ], [1, 1]);
    });

    it("gets at most a message a second in one channel, and every one once", async () => {
      await using slack = await startFakeSlack();
      const otto = await start(slack);
      await using _main: Process = otto.main;
      await using _sql = {
        [Symbol.asyncDispose]: () => otto.sql.end({ timeout: 1 }),
      };
      await using _one = otto.startWorker();
      await using _two = otto.startWorker();
      for (let number = 0; number < 6; number++) {
        await otto.send(
          String(number),
        );
      }
      await until(async () => await otto.told("sent") === 6, {
        what: "six messages",
        timeoutMs: START_MS,
      });
      const calls = slack.calls.filter(({ method }) => method.startsWith("chat."));
      const gaps = calls.slice(1).map(({ at }, index) => at - calls[index].at);
      assert(Math.min(...gaps) > 1_000, `gaps of ${gaps.map(Math.round)} ms`);
      assertEquals(slack.called("chat.postMessage").length, 6);
      // Each change of a task is to be shown, and people see it change every three seconds.
      await until(async () => {
        await otto.touchTasks();
        return slack.called("chat.update").filter(({ args }) => args.ts === slack.posts[0].ts)
          .length > 1;
      }, { what: "two updates of one message", timeoutMs: START_MS });
      const one = slack.calls.filter(({ args }) => args.ts === slack.posts[0].ts);
      assert(
        one[1].at - one[0].at > 2_950,
        `updated after ${one[1].at - one[0].at} ms`,
      );
      const tasks = slack.posts.map(({ metadata }) => JSON.stringify(metadata));
      assertEquals(new Set(tasks).size, 6);
    });
  },
);
