import process from "node:process";
import { Hono } from "hono";

/** What everything is compared to: Hono alone, which reads the body and answers as much as we do. */
const app = new Hono();

app.post("/webhook/:type", async (c) => {
  await c.req.arrayBuffer();
  const id = crypto.randomUUID();
  c.header("x-message-id", id);
  return c.json({ status: "received", message_id: id, webhook_type: c.req.param("type") });
});

Deno.serve({ port: Number(process.env.PORT), hostname: "127.0.0.1" }, app.fetch);
