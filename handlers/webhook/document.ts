import { z } from "@hono/zod-openapi";
import { json } from "../openapi.ts";
import { problem } from "../schemas/problem.ts";

/** Written by hand: the path must not parse bodies, so no schema checks them. */
export const DOCUMENT = {
  method: "post" as const,
  path: "/webhook/{type}",
  operationId: "receiveWebhook",
  summary: "Send an event. Answered when it is durably kept; a repeat gets the first message_id",
  security: [],
  request: {
    params: z.object({ type: z.string().openapi({ example: "github" }) }),
    body: {
      description: "Any JSON, a form, or anything else",
      content: {
        "application/json": { schema: z.unknown() },
        "application/x-www-form-urlencoded": { schema: z.record(z.string(), z.string()) },
      },
    },
  },
  responses: {
    200: json(
      "Kept. Some senders get another body (empty TwiML, an empty one, their challenge)",
      z.object({
        status: z.literal("received"),
        message_id: z.string(),
        webhook_type: z.string(),
      }),
    ),
    400: json("The type, the Host header or the body's framing is wrong", problem),
    401: json("The signature or its time is wrong, or none is configured", problem),
    403: json("The sender's address is not among those that the operator allows", problem),
    405: json("A method that this sender has no events by, and no handshake of it", problem),
    408: json("The body came too slowly", problem),
    413: json("The body is too large", problem),
    429: json("Too many have come: send it again after `Retry-After`", problem),
    503: json("Nothing was kept: send it again after `Retry-After`", problem),
  },
};
