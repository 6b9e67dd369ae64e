import type { Description } from "./description.ts";
import { words } from "./kit/line.ts";
import { at, first, line, text, whole } from "./kit/json_path.ts";
import { jsonReply, notAChallenge } from "./kit/challenge.ts";
import { batchId, payloadOf } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import type { DescribeContext, HandshakeReply, Incoming, SourceSecrets } from "./source.ts";
import { eachOnce, titleOfAll, toDescription } from "./kit/to_description.ts";
import { provenBy } from "./kit/token.ts";
import { agreedSubject, idAt, keyOf, timeAt, toSubject } from "./kit/subject/subject_key.ts";
import type { Subject } from "./subject.ts";

export const label = "Azure Event Grid";
export const secretVariable = "EVENTGRID_WEBHOOK_SECRET";
export const setup =
  "Event subscription → endpoint type Web Hook: URL with ?token= and the secret (event schema: " +
  "Event Grid; for CloudEvents use /webhook/cloudevents)";

/** Event Grid signs nothing; what it calls may have a token in its query (learn.microsoft.com, "Webhook event delivery"). */
export const { verify, prove, proof, secretNames } = provenBy(
  { parameters: ["token"], authorization: true },
  { variable: secretVariable, is: "the token in the subscription's URL" },
);

const VALIDATION = "Microsoft.EventGrid.SubscriptionValidationEvent";
/** A validation is one event with a code: a longer body is not parsed before its sender is checked. */
const MAX_VALIDATION_SIZE = 8_192;

/** Answers a new subscription with its validation code (learn.microsoft.com, "Endpoint validation with Event Grid event schema"). */
export async function probe(
  request: Incoming,
  { secrets }: SourceSecrets,
): Promise<HandshakeReply | undefined> {
  if (request.method !== "POST" || request.body.length > MAX_VALIDATION_SIZE) return undefined;
  const payload = payloadOf(request);
  if (at(payload, 0, "eventType") !== VALIDATION) return undefined;
  // It is sent to the URL as it was given, with the token in it.
  if (secrets.length > 0 && !(await verify(request, secrets)).ok) return undefined;
  const code = at(payload, 0, "data", "validationCode");
  return typeof code === "string" && /^[\w-]{1,200}$/.test(code)
    ? jsonReply({ validationResponse: code })
    : notAChallenge();
}

/** A batch is known by its events. */
export function deliveryId(request: Incoming): string | undefined {
  return batchId(eventsOf(payloadOf(request)).map(deliveryKey));
}

/** A batch is the same in any order. */
export const changesOnRetry: readonly string[] = [];

/** Says what happened to which resource, and how much more. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const events = eventsOf(payload);
  const [event] = events;
  const type = line(event, "eventType");
  return toDescription({ name: "eventgrid", label }, payload, context, {
    event: type,
    title: titleOfAll(
      events.length,
      type && words(type.replace(/^Microsoft\./, ""), line(event, "subject")),
    ),
    links: [at(event, "data", "url")],
    actor: first(line(event, "data", "claims", "name"), line(event, "data", "caller")),
    fields: {
      subject: line(event, "subject"),
      topic: line(event, "topic"),
      status: line(event, "data", "status"),
      time: line(event, "eventTime"),
      events: events.length > 1 ? String(events.length) : undefined,
    },
    text: whole(event, "data", "message"),
  });
}

export const about = "a resource, by its topic and subject";

/** What a batch is about: one subject of one topic. */
export function subject(payload: unknown): Subject | undefined {
  return agreedSubject(
    eventsOf(payload).map((event) =>
      toSubject(keyOf`${idAt(event, "topic")}:${idAt(event, "subject")}`, {
        role: "continues",
        name: line(event, "subject"),
        at: timeAt(event, "eventTime"),
      })
    ),
  );
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("Microsoft.Storage.BlobCreated", [{
    id: "SAMPLE",
    topic:
      "/subscriptions/s1/resourceGroups/phone/providers/Microsoft.Storage/storageAccounts/otto",
    eventType: "Microsoft.Storage.BlobCreated",
    subject: "/blobServices/default/containers/calls/blobs/1.mp3",
    eventTime: "2026-01-02T03:04:05Z",
    data: { url: "https://otto.blob.core.windows.net/calls/1.mp3" },
    dataVersion: "1",
  }]),
];

function eventsOf(payload: unknown): unknown[] {
  return eachOnce(Array.isArray(payload) ? payload : [payload], deliveryKey);
}

function deliveryKey(event: unknown): string | undefined {
  const id = text(event, "id");
  return id && `${text(event, "topic") ?? ""}|${id}`;
}
