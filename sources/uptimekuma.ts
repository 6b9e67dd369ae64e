import type { Description } from "./description.ts";
import { words } from "./kit/line.ts";
import { at, first, isObject, line, text, whole } from "./kit/json_path.ts";
import { contentId, payloadOf } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import type { DescribeContext, Incoming } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";
import { provenBy } from "./kit/token.ts";

export const label = "Uptime Kuma";
export const aliases = ["uptime-kuma", "kuma"];
export const secretVariable = "UPTIMEKUMA_WEBHOOK_SECRET";
export const setup =
  "Settings → Notifications → Webhook: URL, request body JSON, additional headers " +
  '{"Authorization": "Bearer …"}';

/** Uptime Kuma signs nothing; a notification has additional headers (louislam/uptime-kuma, notification-providers/webhook.js). */
export const { verify, sign, proof, secretNames } = provenBy(
  { authorization: true, parameters: ["token"] },
  { variable: secretVariable, is: "the secret in the notification's additional headers" },
);

/** A heartbeat has its time; a test, or a certificate that expires, may say the same again. */
export function deliveryId(request: Incoming): string | undefined {
  const payload = eventOf(payloadOf(request));
  return text(payload, "heartbeat", "time") === undefined ? undefined : contentId(request);
}

/** What the numbers of a heartbeat mean (louislam/uptime-kuma, src/util). */
const STATUS: Record<string, string> = { 0: "down", 1: "up", 2: "pending", 3: "maintenance" };

/** Says which monitor is up or down and why, such as `phone is DOWN: connection refused`. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const event = eventOf(payload);
  const beat = at(event, "heartbeat");
  const status = STATUS[text(beat, "status") ?? ""];
  const name = line(event, "monitor", "name");
  const reason = line(beat, "msg");
  const title = name && status
    ? words(name, "is", status === "maintenance" ? "under maintenance" : status.toUpperCase())
    : undefined;
  return toDescription({ name: "uptimekuma", label }, payload, context, {
    event: status,
    title: title ? (reason ? `${title}: ${reason}` : title) : line(event, "msg"),
    links: [at(event, "monitor", "url")],
    fields: {
      monitor: name,
      status,
      reason,
      type: line(event, "monitor", "type"),
      host: line(event, "monitor", "hostname"),
      ping_ms: line(beat, "ping"),
      time: first(line(beat, "localDateTime"), line(beat, "time")),
    },
    text: whole(event, "msg"),
  });
}

/** As a form the event stands in one field, in JSON. */
function eventOf(payload: unknown): unknown {
  const data = text(payload, "data");
  if (isObject(payload, "heartbeat") || !data?.startsWith("{")) return payload;
  try {
    return JSON.parse(data);
  } catch {
    return payload;
  }
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("down", {
    heartbeat: {
      monitorID: 1,
      status: 0,
      time: "2026-01-02 03:04:05.000",
      msg: "connect ECONNREFUSED (SAMPLE)",
      important: true,
    },
    monitor: { id: 1, name: "phone", url: "https://phone.example.com/", type: "http" },
    msg: "[phone] [🔴 Down] connect ECONNREFUSED",
  }),
];
