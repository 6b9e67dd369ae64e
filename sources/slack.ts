import type { Description } from "./description.ts";
import { answersOf, formText } from "./slack/form.ts";
import { oneLine, words } from "./kit/line.ts";
import { at, facts, first, line, text, whole } from "./kit/json_path.ts";
import {
  decodeHex,
  encodeHex,
  FIVE_MINUTES,
  hmac,
  isWithin,
  parseTimestamp,
  prefixed,
  verifyHmac,
} from "./signature/signature.ts";
import { isForm, payloadOf, plainRequest, usableId } from "./kit/incoming.ts";
import { channelOf, eventOf, titleOf, userOf } from "./slack/title.ts";
import type { HandshakeReply, Incoming, Sample, Verdict } from "./source.ts";
import {
  signatureMalformed,
  signatureMismatch,
  signatureMissing,
  timestampOutsideWindow,
  verified,
} from "./kit/verdict.ts";

export const label = "Slack";
export const secretVariable = "SLACK_SIGNING_SECRET";
export const troubles = [
  'Slack\'s "Request URL" turns green only when the signing secret is set here already.',
  "Invite the app to the channel, and subscribe to message.channels or app_mention, or nothing comes.",
];
export const secretIsTheirs = true;
export const setup =
  "The app → Event Subscriptions, Interactivity, Slash Commands: request URL; Basic Information: signing secret";
export const proof = "HMAC-SHA-256 of `v0:{time}:{body}` in `X-Slack-Signature`, ± 5 min";
export const secretRequired = true;

const SIGNATURE = "X-Slack-Signature";
const TIMESTAMP = "X-Slack-Request-Timestamp";

/** Slack's probe of a command's URL is a short form: a longer body is not parsed before its signature is checked. */
const MAX_PROBE_SIZE = 4_096;

/** A challenge is a short token; the limits keep the answer from carrying anything else. */
const CHALLENGE = /^[\w.~+/=-]{1,500}$/;

/**
 * Checks `X-Slack-Signature: v0=…` over `v0:{time}:{body}`, alike for events,
 * commands and interactivity (docs.slack.dev, "Verifying requests from Slack").
 */
export async function verify(
  request: Incoming,
  secrets: readonly string[],
): Promise<Verdict> {
  const header = request.headers.get(SIGNATURE);
  if (!header) {
    return signatureMissing(SIGNATURE, "Only Slack's own requests are taken here.");
  }
  const signature = header.startsWith("v0=") ? decodeHex(header.slice(3)) : undefined;
  if (signature?.length !== 32) {
    return signatureMalformed(SIGNATURE, "v0={64 hexadecimal digits}");
  }
  const timestamp = request.headers.get(TIMESTAMP);
  const seconds = parseTimestamp(timestamp);
  if (seconds === undefined) return signatureMalformed(TIMESTAMP, "{ten digits}");
  const message = prefixed(`v0:${timestamp}:`, request.body);
  if (!await verifyHmac("SHA-256", secrets, message, [signature])) {
    return signatureMismatch(
      SIGNATURE,
      `Set ${secretVariable} to the app's signing secret (Basic Information) and forward the body unchanged.`,
    );
  }
  return isWithin(FIVE_MINUTES, seconds, request.receivedAt)
    ? verified
    : timestampOutsideWindow(seconds, request.receivedAt, FIVE_MINUTES.past);
}

/** Signs a body the way Slack does. */
export async function sign(
  request: Incoming,
  secret: string,
): Promise<Record<string, string>> {
  const timestamp = String(Math.floor(request.receivedAt / 1000));
  const message = prefixed(`v0:${timestamp}:`, request.body);
  return {
    "x-slack-request-timestamp": timestamp,
    "x-slack-signature": `v0=${encodeHex(await hmac("SHA-256", secret, message))}`,
  };
}

/** The event's id, or what a command or a click is known by; the same on every retry. */
export function deliveryId(request: Incoming): string | undefined {
  const payload = payloadOf(request);
  const clicked = text(payload, "container", "message_ts");
  const acted = text(payload, "actions", 0, "action_ts");
  return first(
    usableId(text(payload, "event_id")),
    usableId(text(payload, "trigger_id")),
    clicked && acted ? usableId(`${clicked}:${acted}`) : undefined,
  );
}

/** Answers `ssl_check=1`, which Slack posts now and then, unsigned, to see that the URL's certificate works. */
export function probe(request: Incoming): HandshakeReply | undefined {
  if (request.body.length > MAX_PROBE_SIZE || !isForm(request)) {
    return undefined;
  }
  return text(payloadOf(request), "ssl_check") === "1" ? { status: 200 } : undefined;
}

/** Answers `url_verification` with its challenge (docs.slack.dev, "url_verification event"). */
export function handshake(request: Incoming): HandshakeReply | undefined {
  const payload = payloadOf(request);
  if (at(payload, "type") !== "url_verification") return undefined;
  const challenge = at(payload, "challenge");
  const contentType = "text/plain; charset=utf-8";
  return typeof challenge === "string" && CHALLENGE.test(challenge)
    ? { status: 200, contentType, body: challenge }
    : {
      status: 400,
      contentType,
      body: "Answering url_verification failed: it has no challenge of 1 to 500 letters and digits",
    };
}

/** Commands and clicks show the user whatever comes back, so nothing does; events take Otto's JSON. */
export function answer(request: Incoming): HandshakeReply | undefined {
  return isForm(plainRequest(request) ?? request) ? { status: 200 } : undefined;
}

/** Says what happened. Slack sends ids, not names: they are shown as ids. */
export function describe(payload: unknown): Description {
  const event = eventOf(payload);
  const user = userOf(payload);
  const channel = channelOf(payload);
  return {
    event,
    title: titleOf(payload),
    description: oneLine(
      words("Process Slack", event, ["from", user], ["in", channel]),
    ),
    link: channelLink(payload),
    actor: first(
      line(payload, "user_name"),
      line(payload, "user", "username"),
      line(payload, "user", "name"),
      user,
    ),
    fields: facts({
      command: line(payload, "command"),
      user,
      channel,
      channel_name: first(
        line(payload, "channel_name"),
        line(payload, "channel", "name"),
      ),
      team: first(
        line(payload, "team_domain"),
        line(payload, "team", "domain"),
        line(payload, "team_id"),
      ),
      thread: first(
        line(payload, "event", "thread_ts"),
        line(payload, "event", "ts"),
      ),
      reaction: line(payload, "event", "reaction"),
      action: line(payload, "actions", 0, "action_id"),
      value: first(
        line(payload, "actions", 0, "value"),
        line(payload, "actions", 0, "selected_option", "value"),
      ),
      ...formFields(payload),
      callback: first(
        line(payload, "callback_id"),
        line(payload, "view", "callback_id"),
      ),
    }),
    text: first(
      whole(payload, "event", "text"),
      whole(payload, "text"),
      formText(payload),
      whole(payload, "message", "text"),
    ),
  };
}

/** What was filled into a form, by its labels. */
function formFields(payload: unknown): Record<string, string> {
  return Object.fromEntries(
    answersOf(payload).slice(0, 10).flatMap(({ label, value }) => label ? [[label, value]] : []),
  );
}

/** Small events to try the source with; each `SAMPLE` in an id wants to be unique. */
export const samples: readonly Sample[] = [
  {
    event: "app_mention",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      type: "event_callback",
      team_id: "T0OTTO",
      event_id: "EvSAMPLE",
      event_time: 1_700_000_000,
      event: {
        type: "app_mention",
        user: "U0ADA",
        channel: "C0PHONE",
        text: "<@U0OTTO> why did last night's backup take so long?",
        ts: "1700000000.000100",
      },
    }),
  },
  {
    event: "slash_command",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({
      command: "/otto",
      text: "summarise the open incidents",
      user_id: "U0ADA",
      user_name: "ada",
      channel_id: "C0PHONE",
      channel_name: "phone",
      team_id: "T0OTTO",
      team_domain: "otto",
      trigger_id: "1.2.SAMPLE",
    }).toString(),
  },
];

/** Opens the channel in Slack (docs.slack.dev, "Deep linking into Slack"). */
function channelLink(payload: unknown): string | undefined {
  const channel = channelOf(payload);
  const team = first(line(payload, "team_id"), line(payload, "team", "id"));
  if (!channel || !/^[A-Z0-9]+$/.test(channel)) return undefined;
  const query = new URLSearchParams({ channel, ...(team && { team }) });
  return `https://slack.com/app_redirect?${query}`;
}
