import type { Description } from "./description.ts";
import { spoken, words } from "./kit/line.ts";
import { at, line, list, text } from "./kit/json_path.ts";
import { digest } from "./signature/signature.ts";
import { batchId, payloadOf } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { signedBy } from "./kit/signed.ts";
import type { DescribeContext, HandshakeReply, Incoming } from "./source.ts";
import { eachOnce, titleOfAll, toDescription } from "./kit/to_description.ts";

export const label = "Xero";
export const secretVariable = "XERO_WEBHOOK_SIGNING_KEY";
export const secretIsTheirs = true;
export const setup = "My apps → the app → Webhooks: delivery URL; the webhooks key";
export const troubles = [
  "Set the key before “Send intent to receive”: Xero sends right and wrong signatures and wants 200 and 401.",
];

/** developer.xero.com, "Webhooks": a wrong signature must get 401, and some are sent to see that. */
export const { verify, sign, proof } = signedBy(
  { header: "x-xero-signature", encoding: "base64" },
  { variable: secretVariable, is: "the app's webhooks key" },
);

/** Xero wants 200 with nothing in it. */
export function answer(): HandshakeReply {
  return { status: 200 };
}

/** The “intent to receive” has no events: it only looks whether signatures are checked. */
export function handshake(request: Incoming): HandshakeReply | undefined {
  const events = at(payloadOf(request), "events");
  return Array.isArray(events) && events.length === 0 ? answer() : undefined;
}

/** A batch is known by its events, which have no ids of their own. */
export function deliveryId(request: Incoming): string | undefined {
  return batchId(list(payloadOf(request), "events").map(keyOf));
}

/** What the batch adds to its events; it is the same in any order. */
export const changesOnRetry = ["entropy", "firstEventSequence", "lastEventSequence"];

const DID: Record<string, string> = { CREATE: "created", UPDATE: "updated", DELETE: "deleted" };

/** Says what happened to which record, and how many more; what it says is to be had from the API only. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const events = eachOnce(list(payload, "events"), keyOf);
  const [event] = events;
  const category = line(event, "eventCategory");
  const type = line(event, "eventType");
  const id = line(event, "resourceId");
  return toDescription({ name: "xero", label }, payload, context, {
    event: category && type && `${category}.${type}`,
    title: titleOfAll(
      events.length,
      category && words("Xero", spoken(category), DID[type ?? ""] ?? type, id && `(${id})`),
    ),
    fields: {
      id,
      category,
      tenant: line(event, "tenantId"),
      url: line(event, "resourceUrl"),
      time: line(event, "eventDateUtc"),
      events: events.length > 1 ? String(events.length) : undefined,
    },
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("INVOICE.CREATE", {
    events: [{
      resourceUrl: "https://api.xero.com/api.xro/2.0/Invoices/SAMPLE",
      resourceId: "SAMPLE",
      eventDateUtc: "2026-01-02T03:04:05.678",
      eventType: "CREATE",
      eventCategory: "INVOICE",
      tenantId: "t1",
      tenantType: "ORGANISATION",
    }],
    lastEventSequence: 1,
    firstEventSequence: 1,
    entropy: "S0m3r4nd0m",
  }),
];

function keyOf(event: unknown): string | undefined {
  const parts = ["tenantId", "eventCategory", "resourceId", "eventType", "eventDateUtc"]
    .map((name) => text(event, name));
  return parts.every((part) => part) ? digest(JSON.stringify(parts)) : undefined;
}
