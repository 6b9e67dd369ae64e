import type { Description } from "./description.ts";
import { quoted, words } from "./kit/line.ts";
import { at, first, line, list, text, whole } from "./kit/json_path.ts";
import { encodeBase64, hmac } from "./signature/signature.ts";
import { jsonReply, notAChallenge, parameter } from "./kit/challenge.ts";
import { payloadOf, usableId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { signedBy } from "./kit/signed.ts";
import type { DescribeContext, HandshakeReply, Incoming, SourceSecrets } from "./source.ts";
import { titleOfAll, toDescription } from "./kit/to_description.ts";
import { agreedSubject, idAt, keyOf, timeAt, toSubject } from "./kit/subject/subject_key.ts";
import type { Subject } from "./subject.ts";

export const label = "X";
export const secretVariable = "X_CONSUMER_SECRET";
export const troubles = [
  "X asks every hour for a proof (CRC) that needs the consumer secret: without it the webhook becomes invalid.",
];
export const secretIsTheirs = true;
export const setup = "The v2 API's POST /2/webhooks: url; the key is the app's consumer secret";

/** docs.x.com/x-api/webhooks, "Quickstart". */
export const { verify, sign, proof } = signedBy(
  { header: "x-twitter-webhooks-signature", prefix: "sha256=", encoding: "base64" },
  { variable: secretVariable, is: "the app's consumer secret" },
);

/**
 * Anybody may ask for this signature. So it is made only of a short token without
 * a brace, which can never be the body of an event.
 */
const CRC_TOKEN = /^[\w.~+/=-]{1,200}$/;

/** Answers the challenge that X sends every hour. */
export async function probe(
  { method, url }: Incoming,
  { secrets }: SourceSecrets,
): Promise<HandshakeReply | undefined> {
  const token = method === "GET" ? parameter(url, "crc_token") : undefined;
  if (token === undefined || secrets.length === 0) return undefined;
  if (!CRC_TOKEN.test(token)) return notAChallenge();
  const response = encodeBase64(await hmac("SHA-256", secrets[0], token));
  return jsonReply({ response_token: `sha256=${response}` });
}

/** X sends no id of the delivery: that of its only event, and for whom it is. */
export function deliveryId(request: Incoming): string | undefined {
  const payload = payloadOf(request);
  const kind = kindOf(payload);
  const events = list(payload, kind ?? "");
  const id = events.length === 1
    ? first(text(events[0], "id_str"), text(events[0], "id"))
    : undefined;
  return kind && id ? usableId(`${text(payload, "for_user_id") ?? ""}:${kind}:${id}`) : undefined;
}

/** Says who wrote or did what. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const kind = kindOf(payload);
  const events = list(payload, kind ?? "");
  const [event] = events;
  const said = first(
    line(event, "text"),
    line(event, "favorited_status", "text"),
    line(event, "message_create", "message_data", "text"),
  );
  const sender = text(event, "message_create", "sender_id");
  const actor = first(
    line(event, "user", "screen_name"),
    line(event, "source", "screen_name"),
    sender && line(payload, "users", sender, "screen_name"),
  );
  const target = line(event, "target", "screen_name");
  const name = kind?.replace(/_events$/, "").replaceAll("_", " ");
  return toDescription({ name: "x", label }, payload, context, {
    event: kind,
    title: titleOfAll(
      events.length,
      name &&
        words(
          "X",
          name,
          ["by", actor && `@${actor}`],
          ["of", target && `@${target}`],
          quoted(said),
        ),
    ),
    links: [postLink(actor, text(event, "id_str"))],
    actor,
    fields: {
      for_user: line(payload, "for_user_id"),
      id: line(event, "id_str"),
      events: events.length > 1 ? String(events.length) : undefined,
    },
    text: first(whole(event, "text"), whole(event, "message_create", "message_data", "text")),
  });
}

export const about = "the direct messages of two people, or the posts of one conversation";

/** What a request is about: one conversation. */
export function subject(payload: unknown): Subject | undefined {
  const kind = kindOf(payload);
  const us = idAt(payload, "for_user_id");
  return agreedSubject(
    list(payload, kind ?? "").map((event) =>
      kind === "direct_message_events" ? directMessage(event, us) : post(event)
    ),
  );
}

function directMessage(event: unknown, us: string | undefined): Subject | undefined {
  const sender = idAt(event, "message_create", "sender_id");
  const people = [sender, idAt(event, "message_create", "target", "recipient_id")];
  // Sorted, as an answer goes the other way.
  const [one, other] = people.includes(undefined) ? [] : people.sort();
  return toSubject(keyOf`${one}|${other}`, {
    role: sender === us ? "notes" : "opens",
    at: timeAt(event, "created_timestamp"),
  });
}

function post(event: unknown): Subject | undefined {
  return toSubject(idAt(event, "conversation_id"), {
    role: "opens",
    link: postLink(line(event, "user", "screen_name"), text(event, "id_str")),
    at: timeAt(event, "created_at"),
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("tweet_create_events", {
    for_user_id: "1",
    tweet_create_events: [{
      id_str: "SAMPLE",
      conversation_id: "1999999999999999999",
      text: "@otto the line is down again",
      user: { screen_name: "ada" },
    }],
  }),
];

function kindOf(payload: unknown): string | undefined {
  if (typeof payload !== "object" || payload === null) return undefined;
  return Object.keys(payload).find((key) =>
    /^\w{1,60}_events$/.test(key) && Array.isArray(at(payload, key))
  );
}

function postLink(user: string | undefined, id: string | undefined): string | undefined {
  return user && id && /^\w+\/\d+$/.test(`${user}/${id}`)
    ? `https://x.com/${user.trim()}/status/${id}`
    : undefined;
}
