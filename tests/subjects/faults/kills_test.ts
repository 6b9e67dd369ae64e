import { assert, assertEquals } from "@std/assert";
import { it } from "@std/testing/bdd";
import type { Asked, Say } from "../../fakes/server.ts";
import { describeWith } from "../../servers/mod.ts";
import { killable } from "./kill_stage.ts";
import { finish, withModel } from "../model_stage.ts";
import { comment } from "../stage.ts";

const waiting: Say = { calls: [{ tool: "wait_for_event", args: { minutes: 30 } }] };

interface Row {
  id: string;
  title: string;
  makes: number;
  inboxes: number;
  unread: number;
  task_id: string | null;
}

describeWith({ postgres: true }, "a worker that is killed behind any write", (servers) => {
  const within = (budgets: Record<string, number>) => ({
    sources: {
      github: {
        tools: ["wait_for_event"],
        budgets: { tasks_per_hour: 10_000, tokens_per_day: 1_000_000_000, ...budgets },
      },
    },
  });
  const scenarios: [name: string, options: { rules?: unknown; agent?: unknown }][] = [
    ["of a task that waits, goes on and ends", {}],
    ["of a task that leaves a message to the next", { agent: within({ rounds: 1 }) }],
    ["of messages that are merged", {
      rules: {
        github: { later: "continue", merge: { key: "{issue.number}", seconds: 3_600 } },
      },
    }],
  ];
  for (const [name, options] of scenarios) {
    it(`loses, doubles and turns round no message ${name}`, () =>
      withModel(
        async () => ({
          DATABASE_URL: await servers.postgres.createDatabase(),
          WORKER: "inline",
        }),
        async ({ stage, fake }) => {
          const { database } = stage.otto.services;
          const look = <T>(statement: string) =>
            database.query("look", (sql) => sql.unsafe<T[]>(statement));
          const worker = killable(stage.otto.services, async () => {
            const rows = await look(`
              with woken as (update tasks set wake_at = now(), not_before = null
                where wake_at > now() or not_before > now() returning 1),
              due as (update bursts set due_at = now() where due_at > now() returning 1)
              select from woken union all select from due`);
            return rows.length > 0;
          });
          // Until it ends before it would be killed.
          let isAlive = false;
          for (let number = 1; !isAlive; number++) {
            const about = {
              issue: { number, title: "It", user: { id: 5 } },
            };
            const sent = new Set<string>();
            const once = async (words: string, { isSettled }: { isSettled: boolean }) => {
              if (sent.has(words)) return;
              sent.add(words);
              await stage.send("issue_comment", { ...comment(words), ...about });
              if (isSettled) await worker.settle();
            };
            fake.script = [async ({ text }: Asked) => {
              if (text.includes("Two is it")) return finish("All read");
              if (!text.includes("One is it")) {
                // It is settled once the task is parked, which it wakes.
                await once("One is it", { isSettled: false });
                return waiting;
              }
              await once("Two is it", { isSettled: true });
              return finish("So far");
            }];
            fake.asked.length = 0;
            await stage.send("issues", { action: "opened", ...about });
            isAlive = !await worker.work(number);
            const at = `${number}: behind ${worker.written.at(-1)}`;
            if (isAlive) assert(number > 12, worker.written.join("\n"));
            else await worker.takeOver();
            worker.bury();

            const key = `github:octo/phone#${number}`;
            const rows = await look<Row>(`
              select m.id, m.title, m.task_id,
                (select count(*)::int from tasks t where t.message_id = m.id) as makes,
                (select count(*)::int from task_inbox i where i.message_id = m.id) as inboxes,
                (select count(*)::int from task_inbox i where i.message_id = m.id
                  and i.delivered_at is null) as unread
              from messages m join subjects s on s.id = m.subject_id
              where s.key = '${key}' order by m.id`);
            assertEquals(rows.length, 3, at);
            for (const row of rows) {
              assert(row.task_id !== null, `${at}: ${row.title} is nowhere`);
              const merged = await look(`
                select from task_events where task_id = '${row.task_id}' and kind = 'created'
                  and data::text like '%${row.id}%'`);
              assertEquals(
                [Math.max(row.makes, merged.length) + row.inboxes, row.unread],
                [1, 0],
                `${at}: ${row.title} ${JSON.stringify(row)}`,
              );
            }
            const tasks = await look<{ status: string; read: number; inbox: number }>(`
              select t.status,
                (select coalesce(sum((e.data->>'messages')::int), 0)::int from task_events e
                  where e.task_id = t.id and e.kind = 'messages_read') as read,
                (select count(*)::int from task_inbox i where i.task_id = t.id) as inbox
              from tasks t join subjects s on s.id = t.subject_id where s.key = '${key}'`);
            for (const { status, read, inbox } of tasks) {
              assertEquals([status, read], ["completed", inbox], at);
            }
            for (const { text } of fake.asked) {
              const [one, two] = [text.indexOf("One is it"), text.indexOf("Two is it")];
              assert(one < 0 || two < 0 || one < two, `${at}: in another order`);
            }
            const [{ reserved }] = await look<{ reserved: number }>(
              "select count(*)::int as reserved from budget_reservations",
            );
            assertEquals(reserved, 0, at);
          }
        },
        { agent: within({}), ...options },
      ));
  }
});
