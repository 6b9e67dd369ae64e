import type { Description } from "./description.ts";
import { capital, quoted, spoken, words } from "./kit/line.ts";
import { at, first, line, list, text, whole } from "./kit/json_path.ts";
import { echo, parameter } from "./kit/challenge.ts";
import { payloadOf, usableId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { signedBy } from "./kit/signed.ts";
import type { DescribeContext, HandshakeReply, Incoming } from "./source.ts";
import { toDescription, withoutTags } from "./kit/to_description.ts";

export const label = "Nylas";
export const secretVariable = "NYLAS_WEBHOOK_SECRET";
export const secretIsTheirs = true;
export const setup =
  "Dashboard → Notifications → Create webhook: URL; the webhook secret is shown once";

/** Whole messages come along, up to 1 MB of each (developer.nylas.com, "Truncated webhooks"). */
export const bodyLimit = 2 * 1024 * 1024;

/** Over the bytes as they came, compressed or not (developer.nylas.com, "Using webhooks with Nylas"). */
export const { verify, sign, proof } = signedBy(
  { header: "X-Nylas-Signature", encoding: "hex" },
  { variable: secretVariable, is: "the webhook's secret" },
);

/** Answers the challenge, unsigned, by which Nylas checks that the URL is ours. */
export function probe({ method, url }: Incoming): HandshakeReply | undefined {
  const challenge = method === "GET" ? parameter(url, "challenge") : undefined;
  return challenge === undefined ? undefined : echo(challenge);
}

/** The notification's id; `webhook_delivery_attempt` is another each time. */
export function deliveryId(request: Incoming): string | undefined {
  return usableId(text(payloadOf(request), "id"));
}

/** Which attempt it is. */
export const changesOnRetry = ["webhook_delivery_attempt"];

/** Says who wrote what to whom, or what happened to an event or a grant. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const event = line(payload, "type");
  const object = at(payload, "data", "object");
  const [thing = "", ...did] = event?.split(".") ?? [];
  const from = person(list(object, "from")[0]);
  const to = list(object, "to").map(person).filter((each) => each);
  const subject = first(
    line(object, "subject"),
    line(object, "title"),
    line(object, "name"),
    line(object, "label"),
    line(object, "booking_info", "title"),
    line(object, "origin", "subject"),
  );
  const bounced = line(object, "bounced_addresses");
  const reason = line(object, "bounce_reason");
  const guest = person(list(object, "booking_info", "participants")[0]);
  const isMail = thing === "message" && did[0] === "created";
  const title = isMail
    ? words("Mail", ["from", from], ["to", to.length > 1 ? `${to[0]} and others` : to[0]])
    : event && words(
      capital(spoken(thing)),
      thing === "grant" ? first(line(object, "email"), line(object, "grant_id")) : quoted(subject),
      spoken(did.join(" ")),
      ["of", thing === "event" ? line(object, "organizer", "email") : undefined],
      ["with", guest],
      ["for", bounced],
    );
  const detail = isMail ? quoted(subject) : reason;
  return toDescription({ name: "nylas", label }, payload, context, {
    event,
    title: title && detail ? `${title}: ${detail}` : title,
    links: [at(object, "html_link")],
    actor: from,
    fields: {
      id: line(object, "id"),
      grant: line(object, "grant_id"),
      from,
      to: to.slice(0, 5).join(", "),
      provider: line(object, "provider"),
      status: line(object, "status"),
      start: first(line(object, "when", "start_time"), line(object, "booking_info", "start_time")),
      times: first(line(object, "message_data", "count"), line(object, "reply_data", "count")),
      thread: line(object, "thread_id"),
    },
    text: first(
      withoutTags(text(object, "body")),
      whole(object, "snippet"),
      withoutTags(text(object, "description")),
      whole(object, "bounce_reason"),
    ),
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("message.created", {
    specversion: "1.0",
    type: "message.created",
    source: "/google/emails/realtime",
    id: "SAMPLE",
    time: 1_767_322_645,
    webhook_delivery_attempt: 1,
    data: {
      application_id: "app-1",
      object: {
        object: "message",
        id: "m1",
        grant_id: "g1",
        subject: "My appointment on Friday",
        from: [{ name: "Ada Byron", email: "ada@example.com" }],
        to: [{ name: "Phone", email: "phone@example.com" }],
        snippet: "Could we move it to Monday?",
      },
    },
  }),
];

function person(value: unknown): string | undefined {
  return first(line(value, "name"), line(value, "email"));
}
