import type { Description } from "./description.ts";
import { words } from "./kit/line.ts";
import { at, first, line, list, text } from "./kit/json_path.ts";
import { jsonReply } from "./kit/challenge.ts";
import { batchId, payloadOf, usableId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import type { DescribeContext, HandshakeReply, Incoming } from "./source.ts";
import { eachOnce, titleOfAll, toDescription } from "./kit/to_description.ts";
import { provenBy } from "./kit/token.ts";
import { agreedSubject, idAt, timeAt, toSubject } from "./kit/subject/subject_key.ts";
import type { Subject } from "./subject.ts";

export const label = "Okta";
export const secretVariable = "OKTA_WEBHOOK_SECRET";
export const setup =
  "Workflow → Event Hooks: URL, authentication field Authorization and its secret";

/** developer.okta.com, "Event hooks": a header of your choice; ours is Authorization. */
export const { verify, sign, proof, secretNames } = provenBy(
  { authorization: true },
  { variable: secretVariable, is: "the event hook's authentication secret" },
);

/** Answers the one-time verification of the URL, which is not signed. */
export function probe({ method, headers }: Incoming): HandshakeReply | undefined {
  const challenge = headers.get("x-okta-verification-challenge");
  return method === "GET" && challenge && challenge.length <= 500
    ? jsonReply({ verification: challenge })
    : undefined;
}

/** The hook's own id, else its events'. */
export function deliveryId(request: Incoming): string | undefined {
  const payload = payloadOf(request);
  return usableId(text(payload, "eventId")) ?? batchId(eventsOf(payload).map(keyOf));
}

/** When the hook was called, not when it happened. */
export const changesOnRetry = ["eventTime"];

/** Says what happened in the directory, and how much more. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const events = eventsOf(payload);
  const [event] = events;
  const type = line(event, "eventType");
  const actor = first(line(event, "actor", "displayName"), line(event, "actor", "alternateId"));
  const target = first(
    line(event, "target", 0, "displayName"),
    line(event, "target", 0, "alternateId"),
  );
  // A login that failed must not read as one that did not.
  const result = line(event, "outcome", "result");
  const failure = result && !/^(?:SUCCESS|ALLOW|UNKNOWN)$/.test(result)
    ? [result.toLowerCase(), line(event, "outcome", "reason")].filter((part) => part).join(": ")
    : undefined;
  return toDescription({ name: "okta", label }, payload, context, {
    event: type,
    title: titleOfAll(
      events.length,
      type && words(
        first(line(event, "displayMessage"), type),
        target !== actor ? target : undefined,
        ["by", actor],
        failure && `(${failure})`,
      ),
    ),
    actor,
    fields: {
      target,
      outcome: words(line(event, "outcome", "result"), line(event, "outcome", "reason")),
      severity: line(event, "severity"),
      client_ip: line(event, "client", "ipAddress"),
      events: events.length > 1 ? String(events.length) : undefined,
    },
  });
}

export const about = "whom or what the events were done to first";

/** What a hook is about: the first target of all its events. */
export function subject(payload: unknown): Subject | undefined {
  return agreedSubject(
    eventsOf(payload).map((event) =>
      toSubject(idAt(event, "target", 0, "id"), {
        role: "continues",
        name: line(event, "target", 0, "displayName"),
        at: timeAt(event, "published"),
      })
    ),
  );
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("user.account.lock", {
    eventId: "SAMPLE",
    data: {
      events: [{
        uuid: "SAMPLE",
        eventType: "user.account.lock",
        displayMessage: "Max sign in attempts exceeded",
        actor: { displayName: "Ada Byron", alternateId: "ada@example.com" },
        target: [{ id: "00u1otto", type: "User", displayName: "Ada Byron" }],
        outcome: { result: "FAILURE", reason: "LOCKED_OUT" },
      }],
    },
  }),
];

function eventsOf(payload: unknown): unknown[] {
  return eachOnce(list(payload, "data", "events").filter((event) => at(event)), keyOf);
}

function keyOf(event: unknown): string | undefined {
  return text(event, "uuid");
}
