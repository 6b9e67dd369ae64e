import { actorOf } from "../acts.ts";
import { conflict, createApi, createRoute, json, missing, refusals } from "../openapi.ts";
import { idParam } from "../schemas/fields.ts";
import { released } from "../schemas/message.ts";
import { release, type ReleaseParts } from "../../lib/work/verify/release.ts";

/** `POST /api/messages/{id}/release`: lets a message in that was refused. */
export function quarantine(parts: ReleaseParts) {
  return createApi().openapi(
    createRoute({
      method: "post",
      path: "/api/messages/{id}/release",
      operationId: "releaseMessage",
      summary: "Verify a rejected message again, with today's secrets, and work it",
      request: { params: idParam },
      responses: {
        200: json("It is a new message now", released),
        ...missing,
        ...conflict,
        ...refusals,
      },
    }),
    async (c) => c.json(await release(parts, c.req.valid("param").id, actorOf(c)), 200),
  );
}
