import type { Description } from "./description.ts";
import { words } from "./kit/line.ts";
import { first, line, text } from "./kit/json_path.ts";
import { jsonReply } from "./kit/challenge.ts";
import { payloadOf, usableId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { signedBy } from "./kit/signed.ts";
import type { DescribeContext, HandshakeReply, Incoming } from "./source.ts";
import { toDescription, withoutTags } from "./kit/to_description.ts";
import { idAt, timeAt, toSubject } from "./kit/subject/subject_key.ts";
import type { Subject } from "./subject.ts";

export const label = "Microsoft Teams";
export const secretVariable = "TEAMS_WEBHOOK_SECRET";
export const troubles = [
  "Teams waits five seconds and sends only messages that mention the webhook by name.",
];
export const secretIsTheirs = true;
export const setup =
  "The team → Manage team → Apps → Create an outgoing webhook: URL; security token";

/** `Authorization: HMAC …` with the decoded token (learn.microsoft.com, "Create Outgoing Webhooks"). */
export const { verify, sign, proof } = signedBy(
  { header: "Authorization", prefix: "HMAC ", encoding: "base64", key: "base64" },
  { variable: secretVariable, is: "the outgoing webhook's security token" },
);

/** The message's id, which is a time and unique only within its conversation. */
export function deliveryId(request: Incoming): string | undefined {
  const payload = payloadOf(request);
  const id = text(payload, "id");
  return id && usableId(`${text(payload, "conversation", "id") ?? ""}:${id}`);
}

/** Teams needs a message within five seconds; the outcome comes as a notification. */
export function answer(): HandshakeReply {
  return jsonReply({ type: "message", text: "Got it: Otto is on it." });
}

/** Says who wrote what, without the mention and the tags around it. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const said = withoutTags(
    text(payload, "text")?.slice(0, 50_000).replace(/<at>[^<>]*<\/at>/g, ""),
  );
  const actor = line(payload, "from", "name");
  const conversation = first(
    line(payload, "conversation", "name"),
    line(payload, "channelData", "channel", "name"),
  );
  const type = line(payload, "type");
  const title = type && words("Teams message", ["from", actor], ["in", conversation]);
  return toDescription({ name: "teams", label }, payload, context, {
    event: type,
    title: title && said ? `${title}: ${said}` : title,
    actor,
    fields: { conversation, from: actor, time: line(payload, "timestamp") },
    text: said,
  });
}

export const about = "a conversation, which is of one thread in a channel";

/** What a message is about: its conversation, whose id ends with the thread's first message. */
export function subject(payload: unknown): Subject | undefined {
  if (line(payload, "type") !== "message") return undefined;
  const id = idAt(payload, "conversation", "id");
  const [, root] = /;messageid=(\d{1,20})$/.exec(id ?? "") ?? [];
  const isReply = root !== undefined && root !== line(payload, "id");
  return toSubject(id, {
    role: isReply ? "continues" : "opens",
    name: line(payload, "conversation", "name"),
    at: timeAt(payload, "timestamp"),
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("message", {
    type: "message",
    id: "SAMPLE",
    timestamp: "2026-01-02T03:04:05Z",
    from: { name: "Ada Byron" },
    conversation: { id: "19:phone@thread.tacv2;messageid=1767322645000", name: "Phone" },
    text: "<at>Otto</at> why did last night's backup take so long?",
  }),
];
