import type { Database } from "../../lib/store/database.ts";

/** How long after a message's last entry the next one of a kind comes, in milliseconds: as with a model that is not a fake one. */
const AFTER: Record<string, number> = {
  created: 45,
  started: 130,
  step: 1_600,
  tool_call: 15,
  tool_result: 190,
  approval_requested: 15,
  waiting_input: 5,
  approved: 7 * 60_000,
};
const OTHER = 30;
/** Between two messages. */
const APART_SECONDS = 170;

/**
 * Gives all that has happened fixed times before now, so that every picture says the same "4 min
 * ago": messages minutes apart, each step as long as a model takes.
 */
export async function setClock(database: Database): Promise<void> {
  const messages = await database.query(
    "read the messages",
    (sql) =>
      sql<{ id: string; task_id: string | null }[]>`
      select id, task_id from messages order by id desc`,
  );
  await database.query(
    "let the timeline be changed",
    (sql) => sql`alter table task_events disable trigger task_events_append_only`,
  );
  for (const [index, message] of messages.entries()) {
    // The newest has worked for some minutes with a person.
    const ago = (index + 3) * APART_SECONDS * 1_000;
    await setMessage(database, message.id, ago);
    if (message.task_id) await setTask(database, message.task_id, ago);
  }
}

async function setMessage(database: Database, id: string, ago: number): Promise<void> {
  const at = (ms: number) => (ms - ago) / 1_000;
  await database.query("set a message's times", (sql) =>
    sql`
      update messages set
        received_at = now() + make_interval(secs => ${at(0)}),
        stored_at = now() + make_interval(secs => ${at(8)}),
        claimed_at = now() + make_interval(secs => ${at(25)}) ,
        settled_at = now() + make_interval(secs => ${at(45)})
      where id = ${id}`);
}

async function setTask(database: Database, id: string, ago: number): Promise<void> {
  const events = await database.query(
    "read a timeline",
    (sql) =>
      sql<{ id: string; kind: string }[]>`
      select id, kind from task_events where task_id = ${id} order by at, id`,
  );
  let ms = 0;
  let step = 0;
  for (const event of events) {
    ms += AFTER[event.kind] ?? OTHER;
    const more = event.kind === "step"
      ? { ms: AFTER.step, input_tokens: 1_240 + 310 * step++, output_tokens: 96 }
      : {};
    await database.query("set an entry's time", (sql) =>
      sql`
        update task_events set at = now() + make_interval(secs => ${(ms - ago) / 1_000}),
          data = data || ${JSON.stringify(more)}::text::jsonb
        where id = ${event.id}`);
  }
  const [created, started, end] = [AFTER.created, AFTER.created + AFTER.started, ms].map((each) =>
    (each - ago) / 1_000
  );
  await database.query("set a task's times", (sql) =>
    sql`
      update tasks set created_at = now() + make_interval(secs => ${created}),
        started_at = now() + make_interval(secs => ${started}),
        finished_at = case when finished_at is not null
          then now() + make_interval(secs => ${end}) end
      where id = ${id}`);
  const decided = events.find(({ kind }) => kind === "approved")?.id ?? null;
  await database.query("set when people decided", (sql) =>
    sql`
      update approvals set decided_at =
        (select at from task_events where id = ${decided}::uuid)
      where task_id = ${id} and decided_at is not null`);
  await database.query("set when people were told", (sql) =>
    sql`
      update notifications set created_at = now() + make_interval(secs => ${end}),
        sent_at = now() + make_interval(secs => ${end + 0.2})
      where task_id = ${id}`);
}
