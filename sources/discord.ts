import type { Description } from "./description.ts";
import { quoted, words } from "./kit/line.ts";
import { at, first, line, list, text, whole } from "./kit/json_path.ts";
import { digest } from "./signature/signature.ts";
import { payloadOf, usableId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { signedByKey } from "./kit/signed.ts";
import type { DescribeContext, HandshakeReply, Incoming } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";
import { idAt, toSubject } from "./kit/subject/subject_key.ts";
import type { Subject } from "./subject.ts";

export const label = "Discord";
export const secretVariable = "DISCORD_PUBLIC_KEY";
export const troubles = [
  "Discord takes the URL only when the public key is set here first: it sends a good and a bad signature to try.",
];
export const secretIsTheirs = true;
export const setup =
  "Developer Portal → the app: Interactions Endpoint URL and Webhooks; the public key is under General";

/**
 * Ed25519 with the app's public key (discord-api-docs, "Setting up an
 * endpoint"). Discord names no window: an interaction can be answered for 15
 * minutes, and an event is tried for ten.
 */
export const { verify, proof, takes } = signedByKey({
  algorithm: "Ed25519",
  header: "X-Signature-Ed25519",
  encoding: "hex",
  key: "hex",
  signed: "{time}{body}",
  time: { header: "X-Signature-Timestamp", window: { past: 900, future: 300 } },
}, { variable: secretVariable, is: "the app's public key (64 hexadecimal digits)" });

const JSON_TYPE = "application/json";
const [PING, COMMAND, COMPONENT, AUTOCOMPLETE, MODAL] = [1, 2, 3, 4, 5];
const KINDS: Record<number, string> = {
  [PING]: "ping",
  [COMMAND]: "command",
  [COMPONENT]: "component",
  [AUTOCOMPLETE]: "autocomplete",
  [MODAL]: "modal",
};
/** The flag of a message that only the user sees. */
const EPHEMERAL = 64;

/** An interaction's id; events have none, but are the same when all of them is. */
export function deliveryId(request: Incoming): string | undefined {
  const payload = payloadOf(request);
  if (!isEvent(payload)) return usableId(text(payload, "id"));
  return usableId(
    `event:${text(payload, "event", "type")}:${text(payload, "event", "timestamp")}:${
      digest(request.body)
    }`,
  );
}

/** Answers Discord's pings, and its questions while a user is still typing: neither is an event. */
export function handshake(request: Incoming): HandshakeReply | undefined {
  const payload = payloadOf(request);
  // Webhook events have a version and ping with 0.
  if (at(payload, "type") === 0 && at(payload, "event") === undefined) return NOTHING;
  if (isEvent(payload)) return undefined;
  if (at(payload, "type") === PING) return reply({ type: 1 });
  if (at(payload, "type") === AUTOCOMPLETE) return reply({ type: 8, data: { choices: [] } });
  return undefined;
}

/** Answers what the user did within Discord's three seconds; the outcome comes as a notification. */
export function answer(request: Incoming): HandshakeReply | undefined {
  const payload = payloadOf(request);
  if (isEvent(payload)) return NOTHING;
  switch (at(payload, "type")) {
    case COMMAND:
    case MODAL:
      return reply({ type: 4, data: { content: "Got it: Otto is on it.", flags: EPHEMERAL } });
    case COMPONENT:
      return reply({ type: 6 });
    default:
      return undefined;
  }
}

/** Says what somebody did, or what happened to the app. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const user = first(
    at(payload, "member", "user"),
    at(payload, "user"),
    at(payload, "event", "data", "user"),
  );
  const actor = first(line(user, "global_name"), line(user, "username"));
  const type = at(payload, "type");
  const kind = typeof type === "number" ? KINDS[type] : undefined;
  const name = line(payload, "data", "name");
  const options = list(payload, "data", "options").slice(0, 10)
    .map((option) => words(line(option, "name"), line(option, "value")))
    .filter((option) => option).join(", ");
  const event = isEvent(payload) ? line(payload, "event", "type") : kind;
  return toDescription({ name: "discord", label }, payload, context, {
    event,
    title: isEvent(payload)
      ? event && words("Discord", event.toLowerCase().replaceAll("_", " "), ["by", actor])
      : kind && words(
        actor ?? "Somebody",
        kind === "command" ? words("used", name ? `/${name}` : "a command") : `sent a ${kind}`,
        quoted(options || line(payload, "data", "custom_id")),
        ["in", line(payload, "channel", "name")],
      ),
    links: [messageLink(payload)],
    actor,
    fields: {
      command: name,
      options,
      custom_id: line(payload, "data", "custom_id"),
      channel: first(line(payload, "channel", "name"), line(payload, "channel_id")),
      server: line(payload, "guild_id"),
    },
    text: first(
      whole(payload, "data", "options", 0, "value"),
      whole(payload, "data", "components", 0, "components", 0, "value"),
    ),
  });
}

export const about = "the message whose buttons or form was used; a command is about nothing";

/** What an interaction is about: the message that it was done on. */
export function subject(payload: unknown): Subject | undefined {
  const type = at(payload, "type");
  return type !== COMPONENT && type !== MODAL ? undefined : toSubject(
    idAt(payload, "message", "id"),
    { role: "continues", link: messageLink(payload) },
  );
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("command", {
    id: "SAMPLE",
    type: COMMAND,
    guild_id: "100000000000000001",
    channel: { name: "phone" },
    member: { user: { username: "ada" } },
    data: { name: "otto", options: [{ name: "ask", value: "summarise the open incidents" }] },
  }),
];

/** Discord wants a content type even where there is no content. */
const NOTHING: HandshakeReply = { status: 204, contentType: JSON_TYPE };

function reply(body: unknown): HandshakeReply {
  return { status: 200, contentType: JSON_TYPE, body: JSON.stringify(body) };
}

function isEvent(payload: unknown): boolean {
  return typeof at(payload, "event") === "object" && at(payload, "event") !== null;
}

function messageLink(payload: unknown): string | undefined {
  const path = [
    text(payload, "guild_id"),
    text(payload, "channel_id"),
    text(payload, "message", "id"),
  ].filter((id) => id && /^\d+$/.test(id));
  return path.length > 1 ? `https://discord.com/channels/${path.join("/")}` : undefined;
}
