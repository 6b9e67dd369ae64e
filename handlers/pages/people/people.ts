import { type Context, Hono } from "hono";
import type { z } from "@hono/zod-openapi";
import { listPersonTokens } from "../../../lib/people/person_token.ts";
import type { Database } from "../../../lib/store/database.ts";
import { isId } from "../../../lib/store/id.ts";
import type { Services } from "../../../lib/services.ts";
import {
  changeUser,
  countOpenTasks,
  createUser,
  listUsers,
  readUser,
  type User,
} from "../../../lib/people/user.ts";
import { noteAct } from "../../acts.ts";
import type { Env } from "../../caller.ts";
import { asked, readForm } from "../form.ts";
import { readFrame } from "../frame.ts";
import { notFound, Problem } from "../../problem.ts";
import { newUser, userChange } from "../../schemas/user.ts";
import { FIELD_SAYS, type PersonForm } from "../../views/people/form.ts";
import { peopleList } from "../../views/people/list.ts";
import { personPage } from "../../views/people/page.ts";

/** As many as the other lists show. */
const MOST_ROWS = 50;

/** `/users`: who tasks can be given to, one added, one changed. */
export function peoplePages({ services: { database } }: { services: Services }): Hono<Env> {
  const app = new Hono<Env>();

  app.get("/users", async (c) => c.html(await list(c, { values: {}, errors: {} })));

  app.post("/users", async (c) => {
    const { values, given } = await readPerson(c.req.raw);
    const checked = newUser.safeParse(given);
    if (!checked.success) return await refuse(c, 422, { values, errors: errorsOf(checked.error) });
    const made = await createUser(database, checked.data);
    if (!made) {
      const errors = { email: "Somebody has this e-mail already; people are listed below." };
      return await refuse(c, 409, { values, errors });
    }
    noteAct(c, { ids: [made.id] });
    return c.redirect("/users", 303);
  });

  app.get("/users/:id", async (c) => c.html(await one(c, await theUser(c))));

  app.post("/users/:id", async (c) => {
    const user = await theUser(c);
    const { values, given: { name, slack_id } } = await readPerson(c.req.raw);
    if (user.kind === "system") throw isSystem();
    const checked = userChange.safeParse({ name, slack_id });
    if (!checked.success) {
      c.status(422);
      return c.html(await one(c, user, { values, errors: errorsOf(checked.error) }));
    }
    if (!await changeUser(database, user.id, checked.data)) throw notFound("user");
    return c.redirect("/users", 303);
  });

  async function refuse(c: Context<Env>, status: 409 | 422, form: PersonForm) {
    c.status(status);
    return c.html(await list(c, form));
  }

  async function list(c: Context<Env>, form: PersonForm) {
    const before = asked(c, "before");
    const frame = await readFrame(c, database, "people");
    const found = await listUsers(database, {
      before: before && isId(before) ? before : undefined,
      limit: MOST_ROWS + 1,
    });
    const people = found.slice(0, MOST_ROWS);
    const open = await countOpenTasks(database, people.map(({ id }) => id));
    const next = found.length > MOST_ROWS ? people.at(-1)!.id : undefined;
    return peopleList({ frame: { ...frame, path: "/users" }, people, open, form, before, next });
  }

  async function one(c: Context<Env>, user: User, form?: PersonForm) {
    return personPage({ ...await readPersonPage(c, database, user), form });
  }

  const theUser = (c: Context<Env>) => requireUser(c, database);
  return app;
}

/** The person in a page's path. */
export async function requireUser(c: Context<Env>, database: Database): Promise<User> {
  const id = c.req.param("id") ?? "";
  const found = isId(id) ? await readUser(database, id) : undefined;
  if (!found) throw notFound("user");
  return found;
}

/** What a person's page shows; their tokens are for admins alone. */
export async function readPersonPage(c: Context<Env>, database: Database, user: User) {
  const frame = await readFrame(c, database, "people");
  const [open, tokens] = await Promise.all([
    countOpenTasks(database, [user.id]),
    frame.isReader ? undefined : listPersonTokens(database, user.id),
  ]);
  // Also where a form of its was answered in its place: that path is no page to come back to.
  const path = `/users/${user.id}`;
  return { frame: { ...frame, path }, user, open: open.get(user.id) ?? 0, tokens };
}

/** The form's fields, as they were typed and as the API would be given them. */
async function readPerson(request: Request) {
  const form = await readForm(request);
  const text = (name: string) => (form.get(name) ?? "").replaceAll("\0", "").slice(0, 500).trim();
  const values = { name: text("name"), email: text("email"), slack_id: text("slack_id") };
  return { values, given: { ...values, slack_id: values.slack_id || null } };
}

/** What to say at each field. The rules are the API's, the words are for people. */
function errorsOf({ issues }: z.ZodError): PersonForm["errors"] {
  return Object.fromEntries(
    issues.map(({ path: [name] }) => [name, FIELD_SAYS[name as keyof typeof FIELD_SAYS]]),
  );
}

function isSystem(): Problem {
  return new Problem(
    409,
    "system_user",
    "The system user cannot be changed",
    "Tasks from webhooks belong to it until somebody takes them; people can be changed",
  );
}
