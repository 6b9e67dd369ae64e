import { connect, type Sql } from "../../../lib/store/database.ts";
import { claimTasks } from "../../../lib/task/claim.ts";
import type { Finish } from "../../../lib/task/finish.ts";
import { createMessageStep } from "../../../lib/work/messages.ts";
import { until } from "../../servers/mod.ts";
import { type Any, openSubjectStage, type SubjectStage } from "../stage.ts";

const CONTINUE = { github: { later: "continue" } };

/** A connection of its own to a database, to stop others' statements in the middle. */
export interface RowLocks extends AsyncDisposable {
  /** Takes a row's lock, so that whoever wants it stops there. */
  hold(table: "tasks" | "subjects", id: string): Promise<() => Promise<void>>;
  /** Until so many statements wait for a lock. */
  stopped(count: number): Promise<void>;
  /**
   * Begins two acts that meet at a task's row, the second only when the first has come there, and
   * lets both go on.
   */
  inTurn<One, Other>(
    taskId: string,
    one: () => Promise<One>,
    other: () => Promise<Other>,
  ): Promise<[One, Other]>;
  sql: Sql;
}

/** A stage on PostgreSQL. */
export interface Race extends RowLocks {
  stage: SubjectStage;
}

export async function openRace(url: string): Promise<Race> {
  const stage = await openSubjectStage({
    rules: CONTINUE,
    env: { DATABASE_URL: url, WORKER: "inline" },
  });
  const locks = await openRowLocks(url);
  return {
    ...locks,
    stage,
    async [Symbol.asyncDispose]() {
      await locks[Symbol.asyncDispose]();
      await stage[Symbol.asyncDispose]();
    },
  };
}

export async function openRowLocks(url: string): Promise<RowLocks> {
  const sql = connect(url, { max: 2, onnotice: () => {} });
  const holding = await sql.reserve();
  const hold: RowLocks["hold"] = async (table, id) => {
    await holding`begin`;
    await holding`select from ${holding(table)} where id = ${id} for update`;
    return async () => {
      await holding`commit`;
    };
  };
  const stopped: RowLocks["stopped"] = async (count) => {
    await until(async () => {
      const [row] = await sql<{ waiting: number }[]>`
        select count(*)::int as waiting from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`;
      return row.waiting >= count;
    }, { what: `${count} statements that wait for a lock` });
  };
  return {
    sql,
    hold,
    stopped,
    async inTurn(taskId, one, other) {
      const release = await hold("tasks", taskId);
      const first = one();
      await stopped(1);
      const second = other();
      await stopped(2);
      await release();
      return await Promise.all([first, second]);
    },
    async [Symbol.asyncDispose]() {
      holding.release();
      await sql.end();
    },
  };
}

/** Settles what has come, without working on its tasks. */
export async function settle({ otto }: SubjectStage, worker = "another"): Promise<void> {
  const step = createMessageStep(otto.services, { worker, done: () => {} });
  while (await step.takeMessages(0, new AbortController().signal) > 0);
}

export async function claimOne({ otto }: SubjectStage) {
  const [task] = await claimTasks(otto.services.database, { worker: "one", max: 1 });
  return task;
}

export const done = (task: { id: string; epoch: number }, more: Partial<Any> = {}): Finish => ({
  taskId: task.id,
  epoch: task.epoch,
  actor: "test",
  tell: [],
  status: "completed",
  result: { text: "Done", data: null },
  readsAll: true,
  ...more,
});

export const parked = (task: { id: string; epoch: number }, news: number): Finish => ({
  taskId: task.id,
  epoch: task.epoch,
  actor: "test",
  tell: [],
  status: "waiting_event",
  events: [],
  until: new Date(Date.now() + 3_600_000).toISOString(),
  news,
  waitKey: "1:1:0",
});
