import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Env } from "../caller.ts";
import { createApi } from "../openapi.ts";
import { DOCUMENT } from "./document.ts";
import { takesMethod } from "./method.ts";
import { createReceiver, type ReceiverParts } from "./receiver.ts";
import { isType, refuseType } from "../webhook_type.ts";

/** `POST /webhook/{type}`, and other methods for senders that have them. */
export function webhook(parts: ReceiverParts): OpenAPIHono<Env> {
  const { gateOf } = parts.verifier;
  const receiver = createReceiver(parts);
  const app = createApi();
  app.openAPIRegistry.registerPath(DOCUMENT);
  /** @throws {Problem} 400 when a path names no type, which is counted. */
  const typeIn = (type: string) => isType(type) ? type : receiver.refuse(refuseType, type);
  app.post("/webhook/:type", (c) => {
    const type = typeIn(c.req.param("type"));
    return receiver.receive(c.req.raw, { type, connection: c.env });
  });
  app.all("/webhook/:type", (c) => {
    const type = typeIn(c.req.param("type"));
    const from = { type, connection: c.env };
    return takesMethod(gateOf(type), c.req.raw.method)
      ? receiver.receive(c.req.raw, from)
      : receiver.greet(c.req.raw, from);
  });
  // Never 404: some senders (Typeform) unsubscribe for good when they see one.
  app.all("/webhook/*", (c) => receiver.refuse(refuseType, c.req.path));
  app.all("/webhook", (c) => receiver.refuse(refuseType, c.req.path));
  return app;
}
