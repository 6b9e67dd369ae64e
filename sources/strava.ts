import type { Description } from "./description.ts";
import { counted, words } from "./kit/line.ts";
import { at, isObject, line } from "./kit/json_path.ts";
import { isSecret } from "./signature/signature.ts";
import { isChallenge, jsonReply, notAChallenge, parameter } from "./kit/challenge.ts";
import { contentId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import type { DescribeContext, HandshakeReply, Incoming, SourceSecrets } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";
import { provenBy } from "./kit/token.ts";

export const label = "Strava";
export const secretVariable = "STRAVA_WEBHOOK_SECRET";
export const verifyTokenVariable = "STRAVA_VERIFY_TOKEN";
export const setup =
  "The API's POST /push_subscriptions: callback_url with ?token= and the secret, " +
  "verify_token (STRAVA_VERIFY_TOKEN, any text of yours)";
export const troubles = [
  "An app has one subscription only: delete the old one before a new one is made.",
];

/** Strava signs nothing (developers.strava.com/docs/webhooks): a token in the URL proves it. */
export const { verify, prove, proof, secretNames } = provenBy(
  { parameters: ["token"] },
  { variable: secretVariable, is: "the token in the subscription's callback_url" },
);

/** Answers the subscription's validation, if it knows our verify token: its own key is the answer's, too. */
export async function probe(
  { method, url }: Incoming,
  { verifyTokens }: SourceSecrets,
): Promise<HandshakeReply | undefined> {
  if (method !== "GET" || parameter(url, "hub.mode") !== "subscribe") return undefined;
  if (!await isSecret(parameter(url, "hub.verify_token"), verifyTokens)) {
    return {
      status: 403,
      contentType: "text/plain; charset=utf-8",
      body: `The verify token is not the one in ${verifyTokenVariable}`,
    };
  }
  const challenge = parameter(url, "hub.challenge");
  return isChallenge(challenge) ? jsonReply({ "hub.challenge": challenge }) : notAChallenge();
}

/** An event has its second, its object and what changed. */
export const deliveryId = contentId;

const DID: Record<string, string> = { create: "created", update: "updated", delete: "deleted" };

/** Says which activity of which athlete changed, and how; more is to be had from the API only. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const kind = line(payload, "object_type");
  const aspect = line(payload, "aspect_type");
  const updates = isObject(payload, "updates") ? Object.keys(at(payload, "updates") as object) : [];
  const did = DID[aspect ?? ""] ?? aspect;
  const isRevoked = kind === "athlete" && line(payload, "updates", "authorized") === "false";
  const name = line(payload, "updates", "title");
  return toDescription({ name: "strava", label }, payload, context, {
    event: kind && aspect && `${kind}.${aspect}`,
    title: isRevoked
      ? words("Athlete", line(payload, "owner_id"), "revoked the app's access to Strava")
      : kind && words(
        "Strava",
        kind,
        line(payload, "object_id"),
        did,
        name && `(title: ${name})`,
        !name && updates.length > 0
          ? updates.length <= MOST_NAMED
            ? `(${updates.join(", ")})`
            : `(${counted(updates.length, "field")})`
          : undefined,
        ["of athlete", kind === "activity" ? line(payload, "owner_id") : undefined],
      ),
    links:
      kind === "activity" && aspect !== "delete" && /^\d+$/.test(line(payload, "object_id") ?? "")
        ? [`https://www.strava.com/activities/${line(payload, "object_id")}`]
        : [],
    fields: {
      object: line(payload, "object_id"),
      athlete: line(payload, "owner_id"),
      type: line(payload, "updates", "type"),
      subscription: line(payload, "subscription_id"),
    },
  });
}

/** More changed fields than these are counted. */
const MOST_NAMED = 5;

/** Small events to try the source with. */
export const samples = [
  jsonSample("activity.update", {
    object_type: "activity",
    object_id: 1_360_128_428,
    aspect_type: "update",
    updates: { title: "Walk to the phone (SAMPLE)" },
    owner_id: 134_815,
    subscription_id: 120_475,
    event_time: 1_767_322_645,
  }),
];
