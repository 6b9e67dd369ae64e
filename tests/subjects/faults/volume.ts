import { assert, assertEquals } from "@std/assert";
import { it } from "@std/testing/bdd";
import { continueLeftovers } from "../../../lib/message/subject/leftover.ts";
import { ensureWebhookUser } from "../../../lib/people/user.ts";
import type { Database } from "../../../lib/store/database.ts";
import { claimTasks } from "../../../lib/task/claim.ts";
import { finishTasks } from "../../../lib/task/finish.ts";
import { done, settle } from "../races/race_stage.ts";
import { comment, openSubjectStage, type SubjectStage } from "../stage.ts";

const CONTINUE = { github: { later: "continue" } };

/** What continuing tasks promise when there are many of them at once. */
export function describeVolume(env: () => Promise<Record<string, string>>): void {
  const withStage = async (run: (stage: SubjectStage) => Promise<void>) => {
    await using stage = await openSubjectStage({ rules: CONTINUE, env: await env() });
    await run(stage);
  };
  const issue = (number: number) => ({ number, title: `Issue ${number}`, user: { id: 5 } });

  it("cross in many batches without a deadlock, and leave one open task for each subject", () =>
    withStage(async (stage) => {
      const SUBJECTS = 1_000;
      const ROUNDS = 3;
      const { database } = stage.otto.services;
      for (let round = 0; round < ROUNDS; round++) {
        for (let at = 0; at < SUBJECTS; at += 100) {
          await Promise.all(Array.from({ length: 100 }, (_, more) => {
            const nth = at + more;
            return stage.send("issues", {
              action: round === 0 ? "opened" : "reopened",
              issue: issue(round % 2 === 0 ? nth + 1 : SUBJECTS - nth),
            });
          }));
        }
      }
      await Promise.all(["a", "b", "c", "d"].map((worker) => settle(stage, worker)));
      const [row] = await database.query("look", (sql) =>
        sql`
          select (select count(*)::int from messages where task_id is null) as nowhere,
            (select count(*)::int from tasks where open) as open,
            (select count(distinct subject_id)::int from tasks where open) as subjects,
            (select count(*)::int from task_inbox) as inbox,
            (select count(*)::int from tasks where news <> ${ROUNDS - 1}) as miscounted,
            (select deadlocks::int from pg_stat_database where datname = current_database())
              as deadlocks`);
      assertEquals({ ...row }, {
        nowhere: 0,
        open: SUBJECTS,
        subjects: SUBJECTS,
        inbox: SUBJECTS * (ROUNDS - 1),
        miscounted: 0,
        deadlocks: 0,
      });
    }));

  it("never end with a message that came just then, however often that happens", () =>
    withStage(async (stage) => {
      const AT_ONCE = 64;
      const ROUNDS = 32;
      const { database } = stage.otto.services;
      const assignee = await ensureWebhookUser(database);
      const when = watch(database);
      let wentOn = 0;
      let ended = 0;
      for (let round = 0; round < ROUNDS; round++) {
        const numbers = Array.from({ length: AT_ONCE }, (_, at) => round * AT_ONCE + at + 1);
        await Promise.all(
          numbers.map((number) => stage.send("issues", { action: "opened", issue: issue(number) })),
        );
        await settle(stage);
        const tasks = await claimTasks(database, { worker: "one", max: AT_ONCE });
        assertEquals(tasks.length, AT_ONCE);
        await Promise.all(
          numbers.map((number) =>
            stage.send("issue_comment", { ...comment("Just now"), issue: issue(number) })
          ),
        );
        // Some read along, and some do not; one statement each, so that each has its own moment.
        const finishing = tasks.map((task, at) => () =>
          finishTasks(database, [done(task, { readsAll: at % 4 !== 0 })])
        );
        // A third before it is settled, one between its plan and its write, one beside the write.
        const third = Math.floor(finishing.length / 3);
        const planned = when("find the open tasks of subjects", "after");
        const writing = when("complete messages", "before");
        await Promise.all([
          ...["a", "b"].map((worker) => settle(stage, worker)),
          ...finishing.slice(0, third).map((each) => each()),
          planned.then(() => Promise.all(finishing.slice(third, 2 * third).map((each) => each()))),
          writing.then(() => Promise.all(finishing.slice(2 * third).map((each) => each()))),
        ]);
        const [row] = await database.query("look", (sql) =>
          sql<Record<string, number>[]>`
            select
              count(*) filter (where t.status = 'pending' and i.task_id is not null)::int as on,
              count(*) filter (where t.status = 'completed' and i.task_id is null)::int as ended,
              count(*) filter (where t.status = 'completed' and t.leaves_unread)::int as leaving,
              count(*) filter (where t.status = 'completed' and i.task_id is not null
                and not t.leaves_unread)::int as lost
            from tasks t left join task_inbox i on i.task_id = t.id
            where t.id in ${sql(tasks.map(({ id }) => id))}`);
        assertEquals(row.on + row.ended + row.leaving, AT_ONCE, JSON.stringify(row));
        assertEquals(row.lost, 0);
        wentOn += row.on;
        ended += row.ended + row.leaving;
        while (await continueLeftovers(database, assignee) > 0);
        const [{ nowhere }] = await database.query("look", (sql) =>
          sql<{ nowhere: number }[]>`
            select count(*)::int as nowhere from messages m
            where m.task_id is null or not exists (select from tasks t where t.id = m.task_id)
              or exists (select from task_inbox i join tasks t on t.id = i.task_id
                where i.message_id = m.id and not t.open and i.delivered_at is null)`);
        assertEquals(nowhere, 0);
        await database.query(
          "make room",
          (sql) => sql`update tasks set status = 'completed' where open and news = 0`,
        );
        await database.query(
          "make room",
          (sql) =>
            sql`with heard as (update task_inbox set delivered_at = now())
            update tasks set status = 'completed', read_news = news where open`,
        );
      }
      assertEquals(wentOn + ended, AT_ONCE * ROUNDS);
      assert(wentOn > AT_ONCE, `${wentOn} went on, ${ended} ended`);
    }));
}

/** Tells when a statement is run next, or has been. */
function watch(database: Database) {
  const query = database.query.bind(database);
  const heard = new Map<string, () => void>();
  database.query = async (what, statement, ms) => {
    heard.get(`${what} before`)?.();
    const answer = await query(what, statement, ms);
    heard.get(`${what} after`)?.();
    return answer;
  };
  return (what: string, side: "before" | "after") =>
    new Promise<void>((resolve) => heard.set(`${what} ${side}`, resolve));
}
