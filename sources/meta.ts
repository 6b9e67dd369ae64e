import type { Description } from "./description.ts";
import { isSecret } from "./signature/signature.ts";
import { text } from "./kit/json_path.ts";
import { digest } from "./signature/signature.ts";
import { echo, parameter } from "./kit/challenge.ts";
import { payloadOf, usableId } from "./kit/incoming.ts";
import { extractUpdate, findUpdates, keyOf } from "./meta/update.ts";
import { jsonSample } from "./kit/sample.ts";
import { signedBy } from "./kit/signed.ts";
import type { DescribeContext, HandshakeReply, Incoming, SourceSecrets } from "./source.ts";
import { titleOfAll, toDescription } from "./kit/to_description.ts";

export const label = "Meta";
export const aliases = ["whatsapp", "instagram", "messenger", "facebook", "threads"];
export const secretVariable = "META_APP_SECRET";
export const verifyTokenVariable = "META_VERIFY_TOKEN";
export const secretIsTheirs = true;
export const setup =
  "App dashboard → WhatsApp, Messenger, Instagram or Webhooks: callback URL and verify token " +
  "(META_VERIFY_TOKEN, any text of yours); the app secret is under App settings → Basic";
export const troubles = [
  'The dialog\'s "Verify and save" needs META_VERIFY_TOKEN first; then each field must be subscribed to, one by one.',
  "WhatsApp: the app must also be subscribed to the account (POST /{account}/subscribed_apps), or nothing comes.",
];
/** WhatsApp's cap on payloads. */
export const bodyLimit = 3 * 1024 * 1024;

/** developers.facebook.com, "Validating payloads": over the bytes as they came, `\u` escapes and all. */
export const { verify, sign, proof } = signedBy(
  { header: "X-Hub-Signature-256", prefix: "sha256=", encoding: "hex" },
  { variable: secretVariable, is: "the app's secret" },
);

/** Answers the subscription's handshake, if it knows our verify token. */
export async function probe(
  { method, url }: Incoming,
  { verifyTokens }: SourceSecrets,
): Promise<HandshakeReply | undefined> {
  if (method !== "GET" || parameter(url, "hub.mode") !== "subscribe") return undefined;
  if (await isSecret(parameter(url, "hub.verify_token"), verifyTokens)) {
    return echo(parameter(url, "hub.challenge"));
  }
  return {
    status: 403,
    contentType: "text/plain; charset=utf-8",
    body: `The verify token is not the one in ${verifyTokenVariable}`,
  };
}

/** A batch is known by its updates. */
export function deliveryId(request: Incoming): string | undefined {
  const payload = payloadOf(request);
  const keys = findUpdates(payload).map(keyOf);
  return keys.length > 0
    ? usableId(digest(JSON.stringify([text(payload, "object"), keys.sort()])))
    : undefined;
}

/** A batch is the same in any order. */
export const changesOnRetry: readonly string[] = [];

/** Says who wrote what on WhatsApp, Messenger, Instagram or a page, and how many more did. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const updates = findUpdates(payload);
  const [update] = updates;
  const { title, ...rest } = update ? extractUpdate(update) : {};
  const object = text(payload, "object");
  return toDescription({ name: "meta", label }, payload, context, {
    event: object,
    ...rest,
    title: titleOfAll(updates.length, title),
    fields: {
      object,
      ...rest.fields,
      events: updates.length > 1 ? `${updates.length}` : undefined,
    },
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("whatsapp.message", {
    object: "whatsapp_business_account",
    entry: [{
      id: "1",
      changes: [{
        field: "messages",
        value: {
          metadata: { display_phone_number: "15005550001" },
          contacts: [{ profile: { name: "Ada Byron" } }],
          messages: [{
            id: "wamid.SAMPLE",
            from: "15005550006",
            type: "text",
            text: { body: "Please move my appointment to Friday." },
          }],
        },
      }],
    }],
  }),
];
