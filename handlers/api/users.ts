import { z } from "@hono/zod-openapi";
import type { Services } from "../../lib/services.ts";
import { changeUser, createUser, listUsers, readUser } from "../../lib/people/user.ts";
import { noteAct } from "../acts.ts";
import { conflict, createApi, createRoute, json, missing, refusals } from "../openapi.ts";
import { notFound, Problem } from "../problem.ts";
import { idParam, listOf, page } from "../schemas/fields.ts";
import { newUser, user, userChange } from "../schemas/user.ts";

/** `/api/users`: the people that tasks can be given to. */
export function users({ services: { database } }: { services: Services }) {
  return createApi()
    .openapi(
      createRoute({
        method: "get",
        path: "/api/users",
        operationId: "listUsers",
        summary: "Users, newest first",
        request: { query: z.object(page) },
        responses: { 200: json("A page of users", listOf(user)), ...refusals },
      }),
      async (c) => {
        const { cursor, limit } = c.req.valid("query");
        const items = await listUsers(database, { before: cursor, limit });
        return c.json({ items, next: items.length === limit ? items.at(-1)!.id : null }, 200);
      },
    )
    .openapi(
      createRoute({
        method: "get",
        path: "/api/users/{id}",
        operationId: "getUser",
        summary: "One user",
        request: { params: idParam },
        responses: { 200: json("The user", user), ...missing, ...refusals },
      }),
      async (c) => {
        const found = await readUser(database, c.req.valid("param").id);
        if (!found) throw notFound("user");
        return c.json(found, 200);
      },
    )
    .openapi(
      createRoute({
        method: "post",
        path: "/api/users",
        operationId: "createUser",
        summary: "Add a person",
        request: {
          body: { content: { "application/json": { schema: newUser } }, required: true },
        },
        responses: { 201: json("The user", user), ...conflict, ...refusals },
      }),
      async (c) => {
        const made = await createUser(database, c.req.valid("json"));
        if (!made) {
          throw new Problem(
            409,
            "email_taken",
            "There is a user with this e-mail already",
            "Users are listed at /api/users",
          );
        }
        noteAct(c, { ids: [made.id] });
        return c.json(made, 201);
      },
    )
    .openapi(
      createRoute({
        method: "patch",
        path: "/api/users/{id}",
        operationId: "updateUser",
        summary: "Change a person's name or Slack id",
        request: {
          params: idParam,
          body: { content: { "application/json": { schema: userChange } }, required: true },
        },
        responses: { 200: json("The user", user), ...missing, ...refusals },
      }),
      async (c) => {
        const change = c.req.valid("json");
        noteAct(c, { detail: { changed: Object.keys(change).join(", ") } });
        const changed = await changeUser(database, c.req.valid("param").id, change);
        if (!changed) throw notFound("user");
        return c.json(changed, 200);
      },
    );
}
