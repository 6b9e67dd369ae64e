import type { Description } from "./description.ts";
import { oneLine, quoted, wholeText, words } from "./kit/line.ts";
import { at, first, isObject, line, text, whole } from "./kit/json_path.ts";
import { checkIdToken, decodeBase64, decodeBase64Url } from "./signature/signature.ts";
import { payloadOf, usableId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { toVerdict } from "./kit/signed.ts";
import type { DescribeContext, Incoming, Verdict } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";
import { secretUnusable, signatureMissing } from "./kit/verdict.ts";

export const label = "Google Pub/Sub";
export const aliases = ["google-pubsub", "googlepubsub", "gcp-pubsub"];
export const secretVariable = "PUBSUB_WEBHOOK_ID";
export const secretIsTheirs = true;
export const setup =
  "The subscription: push, URL, Enable authentication with a service account and an " +
  "audience; set PUBSUB_WEBHOOK_ID to both, with a space between them";
export const troubles = [
  "The variable is no secret: it is the subscription's service account and its audience, such as `push@project.iam.gserviceaccount.com https://otto.example.com/webhook/pubsub`.",
  "Without an audience of its own a subscription's is its push endpoint, as it is written there.",
  "A subscription with payload unwrapping sends the bare data: leave unwrapping off.",
];
export const proof =
  "a token of Google's (OpenID Connect, RS256) in `Authorization` for the service " +
  "account and the audience that are set; the body is not signed";
/** A message has up to 10 MB (cloud.google.com/pubsub/quotas), a third more in base64. */
export const bodyLimit = 14 * 1024 * 1024;

const setting = {
  variable: secretVariable,
  is: "the subscription's service account and audience, with a space between them",
};
/** Google's own key set (accounts.google.com/.well-known/openid-configuration, "jwks_uri"). */
const KEYS = "https://www.googleapis.com/oauth2/v3/certs";
const ISSUERS = ["https://accounts.google.com", "accounts.google.com"];
const BEARER = /^Bearer (\S{1,8000})$/i;

/** Where Google's keys lie, for a request that has a token to check with them. */
export function keySetUrl({ headers }: Incoming): string | undefined {
  return BEARER.test(headers.get("authorization") ?? "") ? KEYS : undefined;
}

/** Checks the token that Google signs for the subscription's service account (cloud.google.com/pubsub/docs/authenticate-push-subscriptions). */
export async function verify(request: Incoming, secrets: readonly string[]): Promise<Verdict> {
  const [, token] = BEARER.exec(request.headers.get("authorization") ?? "") ?? [];
  if (!token) {
    return signatureMissing("Authorization", "Enable authentication of the push subscription.");
  }
  const wanted = secrets.map(identityIn).filter((each) => each !== undefined);
  if (wanted.length === 0) return secretUnusable(secretVariable, IDENTITY_FORM);
  const { keySet: keys, receivedAt } = request;
  const finding = await checkIdToken({ header: "Authorization", token, keys }, wanted, receivedAt);
  return toVerdict(finding, request, setting);
}

/** Whether this names a service account and an audience. */
export function takes(secret: string): Promise<boolean> {
  return Promise.resolve(identityIn(secret) !== undefined);
}

const IDENTITY_FORM = "{service account's mail address} {audience}";

function identityIn(secret: string) {
  const [email, audience, ...rest] = secret.trim().split(/\s+/);
  return email.includes("@") && audience && rest.length === 0
    ? { issuers: ISSUERS, email, audience }
    : undefined;
}

/** The message's id, the same for all attempts, with the subscription: each has a copy of its own. */
export function deliveryId(request: Incoming): string | undefined {
  const payload = payloadOf(request);
  const id = first(text(payload, "message", "messageId"), text(payload, "message", "message_id"));
  return id && usableId([text(payload, "subscription") ?? "", id].join("#"));
}

/** Counted where a subscription has a dead letter topic. */
export const changesOnRetry = ["deliveryAttempt"];

/** Where a message says what a person would read first. */
const SAYS = ["title", "subject", "name", "summary", "message", "text", "msg", "description"];

/** Says what a message tells, decoded: an alert of Cloud Monitoring, an object of Cloud Storage, or its own words. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const message = at(payload, "message");
  const attributes = at(message, "attributes");
  const data = decode(text(message, "data"));
  const json = parse(data);
  const incident = at(json, "incident");
  const subscription = line(payload, "subscription")?.split("/").at(-1);
  const [bucket, object] = [line(attributes, "bucketId"), line(attributes, "objectId")];
  const event = first(
    line(attributes, "eventType"),
    line(attributes, "event_type"),
    line(attributes, "event"),
    line(attributes, "type"),
    incident === undefined ? undefined : `incident.${line(incident, "state") ?? "changed"}`,
    line(json, "eventType"),
    line(json, "event_type"),
    line(json, "event"),
    line(json, "type"),
  );
  const said = SAYS.map((name) => line(json, name)).find((each) => each) ??
    (json === undefined && data ? oneLine(data) || undefined : undefined);
  const title = incident !== undefined
    ? words(
      "Alert",
      quoted(first(line(incident, "policy_name"), line(incident, "condition_name"))),
      line(incident, "state"),
    )
    : bucket && object
    ? words("Cloud Storage", event, `${bucket}/${object}`)
    : text(json, "emailAddress") && text(json, "historyId")
    ? words("Mailbox", line(json, "emailAddress"), "changed")
    : words("Pub/Sub", event ?? "message", ["in", subscription]);
  const detail = incident === undefined ? said : line(incident, "summary");
  return toDescription({ name: "pubsub", label }, payload, context, {
    event: event ?? (message === undefined ? undefined : "message"),
    title: detail ? `${title}: ${detail}` : title,
    links: [at(incident, "url"), at(json, "url"), at(json, "link"), at(json, "logUrl")],
    fields: {
      subscription,
      ...Object.fromEntries(
        (isObject(attributes) ? Object.keys(attributes as object) : []).slice(0, MOST_ATTRIBUTES)
          .map((name) => [oneLine(name, 60) || "attribute", line(attributes, name)]),
      ),
      severity: line(incident, "severity"),
      published: first(line(message, "publishTime"), line(message, "publish_time")),
      attempt: line(payload, "deliveryAttempt"),
    },
    text: first(whole(incident, "summary"), data && wholeText(data)),
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("call.missed", {
    message: {
      attributes: { event: "call.missed" },
      data: btoa(JSON.stringify({ title: "Nobody answered Ada Byron", line: 1 })),
      messageId: "SAMPLE",
      publishTime: "2026-01-02T03:04:05.678Z",
    },
    subscription: "projects/octo/subscriptions/calls",
  }),
];

/** A message may have a hundred attributes. */
const MOST_ATTRIBUTES = 10;
/** The longest data that is shown or parsed, in characters: nobody reads more. */
const MOST_DATA = 64 * 1024;

/** The text of base64 data, as much as can be read; `undefined` where it is none. */
function decode(data: string | undefined): string | undefined {
  if (!data) return undefined;
  // Whole groups of four characters each, so that a cut one is still base64.
  const start = data.slice(0, MOST_DATA);
  const bytes = decodeBase64(start) ?? decodeBase64Url(start);
  return bytes && new TextDecoder().decode(bytes);
}

function parse(data: string | undefined): unknown {
  if (!data?.startsWith("{")) return undefined;
  try {
    return JSON.parse(data);
  } catch {
    return undefined;
  }
}
