import type { Description } from "./description.ts";
import { words } from "./kit/line.ts";
import { at, first, line, whole } from "./kit/json_path.ts";
import { echo } from "./kit/challenge.ts";
import { payloadOf, usableId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { signedBy } from "./kit/signed.ts";
import type { DescribeContext, HandshakeReply, Incoming } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";
import { idAt, keyOf, roleIn, timeAt, toSubject } from "./kit/subject/subject_key.ts";
import type { Subject } from "./subject.ts";

export const label = "Twitch";
export const secretVariable = "TWITCH_WEBHOOK_SECRET";
export const setup = "The API's EventSub subscription: transport.callback and transport.secret";

/** `{id}{time}{body}`, at most ten minutes old (dev.twitch.tv, "Getting events using webhooks"). */
export const { verify, sign, proof } = signedBy({
  header: "Twitch-Eventsub-Message-Signature",
  prefix: "sha256=",
  encoding: "hex",
  signed: "{id}{time}{body}",
  id: "Twitch-Eventsub-Message-Id",
  time: {
    header: "Twitch-Eventsub-Message-Timestamp",
    unit: "date",
    window: { past: 600, future: 600 },
  },
}, { variable: secretVariable, is: "the subscription's secret" });

/** The message's id, the same on every retry. */
export function deliveryId({ headers }: Incoming): string | undefined {
  return usableId(headers.get("twitch-eventsub-message-id"));
}

/** Answers a new subscription with its challenge. */
export function handshake(request: Incoming): HandshakeReply | undefined {
  const type = request.headers.get("twitch-eventsub-message-type");
  if (type !== "webhook_callback_verification") return undefined;
  return echo(at(payloadOf(request), "challenge"));
}

/** Says what happened on which channel. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const type = line(payload, "subscription", "type");
  const event = at(payload, "event");
  const revoked = event === undefined ? line(payload, "subscription", "status") : undefined;
  const actor = first(line(event, "user_name"), line(event, "from_broadcaster_user_name"));
  const channel = first(
    line(event, "broadcaster_user_name"),
    line(event, "to_broadcaster_user_name"),
  );
  return toDescription({ name: "twitch", label }, payload, context, {
    event: type,
    title: type && words(
      "Twitch",
      type.replaceAll(/[._]/g, " "),
      revoked && `is over: ${revoked}`,
      ["by", actor],
      channel !== actor ? ["on", channel] as const : undefined,
      words(
        ["with", line(event, "bits") && `${line(event, "bits")} bits`],
        ["with", line(event, "viewers") && `${line(event, "viewers")} viewers`],
      ),
      line(event, "title"),
    ),
    links: [
      line(event, "broadcaster_user_login") &&
      `https://www.twitch.tv/${encodeURIComponent(line(event, "broadcaster_user_login")!)}`,
    ],
    actor,
    fields: { channel, tier: line(event, "tier"), viewers: line(event, "viewers") },
    text: first(whole(event, "message", "text"), whole(event, "user_input")),
  });
}

export const about = "a channel's stream; its other events are about nothing that lasts";

/** What an event is about: the stream of a channel. */
export function subject(payload: unknown, context?: DescribeContext): Subject | undefined {
  const type = line(payload, "subscription", "type");
  const event = at(payload, "event");
  const channel = line(event, "broadcaster_user_login");
  if (!type?.startsWith("stream.")) return undefined;
  return toSubject(keyOf`stream:${idAt(event, "broadcaster_user_id")}`, {
    role: roleIn({ opens: ["stream.online"], closes: ["stream.offline"] }, type),
    name: words("Stream of", line(event, "broadcaster_user_name")),
    link: channel && `https://www.twitch.tv/${encodeURIComponent(channel)}`,
    at: timeAt([context?.headers?.get("twitch-eventsub-message-timestamp")], 0),
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("channel.follow", {
    subscription: { type: "channel.follow", status: "enabled" },
    event: { user_name: "Ada", broadcaster_user_name: "Otto", broadcaster_user_login: "otto" },
  }, {
    "twitch-eventsub-message-id": "SAMPLE",
    "twitch-eventsub-message-type": "notification",
  }),
];
