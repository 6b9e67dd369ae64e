import type { Database } from "../store/database.ts";
import { newId } from "../store/id.ts";
import { idArray } from "../store/stored.ts";

/** Someone a task can be assigned to, as the API shows them. */
export interface User {
  id: string;
  email: string;
  name: string;
  slack_id: string | null;
  kind: "system" | "person";
}

/** The user that tasks from webhooks are assigned to. */
const WEBHOOK_USER = { email: "webhook@otto.local", name: "Webhook" };

/** The id of the system user, who is created the first time they are needed. */
export async function ensureWebhookUser(database: Database): Promise<string> {
  const { email, name } = WEBHOOK_USER;
  await database.query(
    "create the system user",
    (sql) =>
      sql`insert into users (id, email, name, kind) values (${newId()}, ${email}, ${name}, 'system')
      on conflict (email) do nothing`,
  );
  const [user] = await database.query(
    "find the system user",
    (sql) => sql<{ id: string }[]>`select id from users where email = ${email}`,
  );
  return user.id;
}

/** Adds a person; undefined when somebody has this e-mail already. */
export async function createUser(
  database: Database,
  { email, name, slack_id = null }: { email: string; name: string; slack_id?: string | null },
): Promise<User | undefined> {
  const [user] = await database.query("create a user", (sql) =>
    sql<User[]>`
      insert into users (id, email, name, slack_id, kind)
      values (${newId()}, ${email}, ${name}, ${slack_id}, 'person')
      on conflict (email) do nothing
      returning id, email, name, slack_id, kind`);
  return user;
}

/** Users, newest first. */
export async function listUsers(
  database: Database,
  { before, limit }: { before?: string; limit: number },
): Promise<User[]> {
  return await database.query("list users", (sql) =>
    sql<User[]>`
      select id, email, name, slack_id, kind from users
      ${before ? sql`where id < ${before}` : sql``}
      order by id desc limit ${limit}`);
}

/** One user; undefined when there is none. */
export async function readUser(database: Database, id: string): Promise<User | undefined> {
  const [user] = await database.query(
    "read a user",
    (sql) => sql<User[]>`select id, email, name, slack_id, kind from users where id = ${id}`,
  );
  return user;
}

/** Who has this Slack id; the first of them, should several have it. */
export async function findUserInSlack(
  database: Database,
  slackId: string,
): Promise<User | undefined> {
  const [user] = await database.query("find a user by their Slack id", (sql) =>
    sql<User[]>`
      select id, email, name, slack_id, kind from users
      where slack_id = ${slackId} order by id limit 1`);
  return user;
}

/** Changes what is given; undefined when there is no such person. The system user stays as it is. */
export async function changeUser(
  database: Database,
  id: string,
  change: { name?: string; slack_id?: string | null },
): Promise<User | undefined> {
  const { name = null, slack_id = null } = change;
  const [user] = await database.query("change a user", (sql) =>
    sql<User[]>`
      update users
      set name = coalesce(${name}, name),
        slack_id = ${"slack_id" in change ? sql`${slack_id}` : sql`slack_id`}
      where id = ${id} and kind = 'person'
      returning id, email, name, slack_id, kind`);
  return user;
}

/** How many open tasks each of these users has; who has none is left out. */
export async function countOpenTasks(
  database: Database,
  ids: readonly string[],
): Promise<Map<string, number>> {
  const rows = await database.query(
    "count open tasks",
    (sql) =>
      sql<{ assigned_to: string; count: number }[]>`
      select assigned_to, count(*)::int as count from tasks
      where open
        and assigned_to = any(${idArray(ids)}::uuid[])
      group by assigned_to`,
  );
  return new Map(rows.map(({ assigned_to, count }) => [assigned_to, count]));
}
