import { assert, assertEquals, assertMatch } from "@std/assert";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres from "postgres";
import { createLog } from "../../lib/process/log.ts";
import type { Database } from "../../lib/store/database.ts";
import { openEmbedded } from "../../lib/store/embedded/embedded.ts";
import { newId } from "../../lib/store/id.ts";
import { migrate } from "../../lib/store/schema/migrate.ts";
import { AFTER, FOLDER } from "../../lib/store/schema/upgrade.ts";
import { openServer } from "../../lib/store/server/server.ts";
import { json, openOtto, type Otto } from "../otto.ts";
import { describeWith, until } from "../servers/mod.ts";
import { makeTablesAsBefore } from "./before.ts";

const log = createLog("silent");
const MESSAGES = {
  waiting: newId(),
  refused: newId(),
  asking: newId(),
  done: newId(),
  failed: newId(),
};
const TASKS = { asking: newId(), done: newId(), failed: newId() };

/** Writes what a house of that time had, one of each kind. */
async function fillAsBefore(sql: Pick<postgres.Sql, "unsafe">): Promise<void> {
  await makeTablesAsBefore(sql);
  const envelope = JSON.stringify({
    url: "http://localhost/webhook/shop",
    client_ip: "192.0.2.7",
    delivery_id: null,
    headers: [["content-type", "application/json"]],
  });
  const message = (id: string, state: string, { verification = "unverified", task = "" } = {}) => `
    insert into messages (id, webhook_type, source, verification, envelope, body, size,
      received_at, state, reason, settled_at, title, task_id)
    values ('${id}', 'Shop', 'generic', '${verification}', '${envelope}', '{"n":1}', 7, now(),
      '${state}', ${state === "rejected" ? "'The signature does not match'" : "null"},
      ${state === "new" ? "null" : "now()"}, 'An order', nullif('${task}', '')::uuid)`;
  const task = (id: string, messageId: string, status: string, more = "null, null, null") => `
    insert into tasks (id, message_id, source, title, description, status, assigned_to, finished_at,
      question, error_code, error_message)
    select '${id}', '${messageId}', 'generic', 'An order', 'd', '${status}', id,
      ${status === "waiting_input" ? "null" : "now()"}, ${more} from users`;
  await sql.unsafe([
    `insert into users (id, email, name, kind)
      values ('${newId()}', 'webhook@otto.local', 'Webhooks', 'system')`,
    message(MESSAGES.waiting, "new"),
    message(MESSAGES.refused, "rejected", { verification: "rejected" }),
    message(MESSAGES.asking, "processed", { task: TASKS.asking }),
    message(MESSAGES.done, "processed", { task: TASKS.done }),
    message(MESSAGES.failed, "processed", { task: TASKS.failed }),
    task(TASKS.asking, MESSAGES.asking, "waiting_input", "'Which one?', null, null"),
    task(TASKS.done, MESSAGES.done, "completed"),
    task(TASKS.failed, MESSAGES.failed, "failed", "null, 'agent_failed', 'no answer'"),
    `insert into task_events (id, task_id, kind, actor, data)
      values ('${newId()}', '${TASKS.asking}', 'waiting_input', 'agent', '{"question":"Which one?"}')`,
    // Whatever may still run is gone: what waits for it need not.
    "insert into workers (id, host, roles, doing, last_seen) " +
    "values ('a', 'a', '{}', '', now() - interval '1 hour')",
  ].join(";\n"));
}

/** The first part of the upgrade, where nobody is about whom the second has to wait for. */
async function migrateAlone(database: Database): Promise<void> {
  await migrate(database, log);
  await database.query(
    "let the release before be gone",
    (sql) => sql`update upgrades set at = now() where name = 'contents apart'`,
  );
}

describe("an embedded database of a release long ago", () =>
  suite(async (stack) => {
    const folder = await mkdtemp(join(tmpdir(), "otto-before-"));
    stack.defer(() => rm(folder, { recursive: true }));
    const database = await openEmbedded(folder);
    await database.query("fill it as then", (sql) => fillAsBefore(sql));
    await migrateAlone(database);
    await database[Symbol.asyncDispose]();
    return { OTTO_DATA_DIR: folder };
  }));

describeWith({ postgres: true }, "a database of a release long ago", (servers) => {
  describe("on PostgreSQL", () =>
    suite(async () => {
      const url = await servers.postgres.createDatabase();
      const sql = postgres(url, { max: 1, onnotice() {} });
      await fillAsBefore(sql);
      await sql.end();
      await using database = openServer({ url, log });
      await migrateAlone(database);
      return { DATABASE_URL: url };
    }));
});

/** Tests are in the order of a day: each goes on from where the one before has left it. */
function suite(make: (stack: AsyncDisposableStack) => Promise<Record<string, string>>) {
  const stack = new AsyncDisposableStack();
  let otto: Otto;
  beforeAll(async () => {
    const env = await make(stack);
    otto = stack.use(await openOtto(env));
  });
  afterAll(() => stack.disposeAsync());
  const post = (path: string, body: unknown = {}) =>
    otto.ask(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });

  it("is brought up to date behind a running Otto", async () => {
    const { database } = otto.services;
    const seconds = (await readdir(FOLDER)).filter((name) => name.endsWith(AFTER));
    await until(async () => {
      const done = await database.query(
        "look",
        (sql) => sql<{ name: string }[]>`select name from upgrades where name like '%.after.sql'`,
      );
      return done.length === seconds.length;
    }, { what: "all second parts" });
  });

  it("is shown on every page", async () => {
    const paths = [
      ...[
        "/",
        "/messages",
        "/tasks",
        "/sources",
        "/sources/shop",
        "/system",
        "/users",
        "/audit",
        "/routes",
      ],
      ...Object.values(MESSAGES).map((id) => `/messages/${id}`),
      ...Object.values(TASKS).map((id) => `/tasks/${id}`),
    ];
    for (const path of paths) {
      const answer = await otto.ask(path);
      assertEquals(answer.status, 200, `${path}: ${await answer.text()}`);
    }
    const stats = await otto.get("/webhook/stats");
    assertEquals(stats.failed_tasks.length, 1);
  });

  it("has what was refused released, and its history says so", async () => {
    const id = MESSAGES.refused;
    await json(await post(`/api/messages/${id}/release`));
    const page = await (await otto.ask(`/messages/${id}`)).text();
    assertMatch(page, /The signature does not match/);
    const { state } = await otto.get(`/api/messages/${id}`);
    assertEquals(state, "new");
  });

  it("has its question answered, its failure retried and its message worked", async () => {
    assertMatch(await (await otto.ask("/")).text(), /Which one\?/);
    await json(await post(`/api/tasks/${TASKS.asking}/answer`, { text: "The red one" }));
    await json(await post("/api/tasks/retry", { ids: [TASKS.failed] }));
    await otto.workOff();
    for (const id of Object.values(MESSAGES)) {
      const { task_id } = await otto.get(`/api/messages/${id}`);
      const { status } = await otto.get(`/api/tasks/${task_id}`);
      assertEquals(status, "completed", id);
    }
    const { items } = await otto.get("/api/messages?phase=done");
    assert(items.length === 5);
  });
}
