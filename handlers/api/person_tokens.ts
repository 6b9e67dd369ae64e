import { z } from "@hono/zod-openapi";
import {
  createPersonToken,
  listPersonTokens,
  MOST_TOKENS,
  type PersonToken,
  revokePersonToken,
} from "../../lib/people/person_token.ts";
import { readUser } from "../../lib/people/user.ts";
import type { Services } from "../../lib/services.ts";
import type { Database } from "../../lib/store/database.ts";
import { noteAct } from "../acts.ts";
import { conflict, createApi, createRoute, json, missing, refusals } from "../openapi.ts";
import { notFound, Problem } from "../problem.ts";
import { idParam } from "../schemas/fields.ts";
import { madeToken, newToken, personToken, tokenParams } from "../schemas/user.ts";

/** `/api/users/{id}/tokens`: what people sign in with under their own name. For admins alone. */
export function personTokens({ services: { database } }: { services: Services }) {
  return createApi()
    .openapi(LIST, async (c) => {
      const { id } = c.req.valid("param");
      if (!await readUser(database, id)) throw notFound("user");
      return c.json({ items: await listPersonTokens(database, id) }, 200);
    })
    .openapi(CREATE, async (c) => {
      const { name, role, expires_in_days: days } = c.req.valid("json");
      const userId = c.req.valid("param").id;
      const { secret, token } = await makeToken(database, { userId, name, role, days });
      noteAct(c, noteOf("create", token));
      return c.json({ ...token, token: secret }, 201);
    })
    .openapi(REVOKE, async (c) => {
      const { id: userId, token: id } = c.req.valid("param");
      noteAct(c, noteOf("revoke", await revokeToken(database, { userId, id })));
      return c.body(null, 204);
    });
}

/** What the audit log says of a token: never the secret in it. */
export function noteOf(act: "create" | "revoke", { id, name, handle, role }: PersonToken) {
  return { act, thing: "token", ids: [id], detail: { name, handle, role } };
}

/** Makes a person's token; @throws {Problem} 404, or 409 where they can have none, or no more. */
export async function makeToken(
  database: Database,
  given: Parameters<typeof createPersonToken>[1],
): Promise<{ secret: string; token: PersonToken }> {
  const made = await createPersonToken(database, given);
  if (made) return made;
  const user = await readUser(database, given.userId);
  if (!user) throw notFound("user");
  throw user.kind === "system"
    ? new Problem(
      409,
      "system_user",
      "The system user cannot sign in, and has no tokens",
      "Make a token for a person: they are listed at /api/users",
    )
    : new Problem(
      409,
      "too_many_tokens",
      `This person has ${MOST_TOKENS} tokens, which is as many as one can have`,
      "Revoke those that nobody uses any more",
    );
}

/** Ends a person's token; @throws {Problem} 404 when they have no such one. */
export async function revokeToken(
  database: Database,
  given: { userId: string; id: string },
): Promise<PersonToken> {
  const revoked = await revokePersonToken(database, given);
  if (revoked) return revoked;
  throw new Problem(
    404,
    "token_not_found",
    "This person has no token with this id",
    "It may have been revoked already: GET /api/users/{id}/tokens lists them",
  );
}

const LIST = createRoute({
  method: "get",
  path: "/api/users/{id}/tokens",
  operationId: "listUserTokens",
  summary: "A person's tokens, newest first; the secrets in them are kept nowhere",
  request: { params: idParam },
  responses: {
    200: json("All of them", z.object({ items: z.array(personToken) })),
    ...missing,
    ...refusals,
  },
});

const CREATE = createRoute({
  method: "post",
  path: "/api/users/{id}/tokens",
  operationId: "createUserToken",
  summary: "Make a token that a person signs in with, or calls the API",
  request: {
    params: idParam,
    body: { content: { "application/json": { schema: newToken } }, required: true },
  },
  responses: {
    201: json("The token; it is shown this once", madeToken),
    ...missing,
    ...conflict,
    ...refusals,
  },
});

const REVOKE = createRoute({
  method: "delete",
  path: "/api/users/{id}/tokens/{token}",
  operationId: "revokeUserToken",
  summary: "End a token at once, and the sessions that were opened with it",
  request: { params: tokenParams },
  responses: { 204: { description: "It is good for nothing any more" }, ...missing, ...refusals },
});
