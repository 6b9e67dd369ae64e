import { sources } from "../mod.ts";
import { recogniseBody } from "./body_marks.ts";
import { GENERIC } from "../rules/registry.ts";

/** A header, the source whose sender writes it, and the start of its value where others write it too. */
type Clue = readonly [header: string, source: keyof typeof sources, start?: string];

/** Headers that only one sender writes, the surest first. */
const OWN: readonly Clue[] = [
  ["x-github-event", "github"],
  ["stripe-signature", "stripe"],
  ["x-slack-signature", "slack"],
  ["x-twilio-signature", "twilio"],
  ["x-gitlab-event", "gitlab"],
  ["linear-signature", "linear"],
  ["linear-event", "linear"],
  ["x-atlassian-webhook-identifier", "jira"],
  ["x-shopify-hmac-sha256", "shopify"],
  ["x-shopify-topic", "shopify"],
  ["shopify-hmac-sha256", "shopify"],
  ["sentry-hook-resource", "sentry"],
  ["sentry-hook-signature", "sentry"],
  ["x-pagerduty-signature", "pagerduty"],
  ["x-signature-ed25519", "discord"],
  ["x-grafana-alerting-signature", "grafana"],
  ["x-airtable-content-mac", "airtable"],
  ["x-hook-signature", "asana"],
  ["x-hook-uuid", "bitbucket"],
  ["x-event-key", "bitbucket"],
  ["calendly-webhook-signature", "calendly"],
  ["x-dropbox-signature", "dropbox"],
  ["aeg-event-type", "eventgrid"],
  ["x-hubspot-signature", "hubspot"],
  ["x-hubspot-signature-v3", "hubspot"],
  ["x-notion-signature", "notion"],
  ["paddle-signature", "paddle"],
  ["paypal-transmission-sig", "paypal"],
  ["paypal-transmission-id", "paypal"],
  ["x-twilio-email-event-webhook-signature", "sendgrid"],
  ["x-square-hmacsha256-signature", "square"],
  ["x-amz-sns-message-type", "sns"],
  ["x-telegram-bot-api-secret-token", "telegram"],
  ["x-trello-webhook", "trello"],
  ["twitch-eventsub-message-id", "twitch"],
  ["typeform-signature", "typeform"],
  ["x-vercel-signature", "vercel"],
  ["x-twitter-webhooks-signature", "x"],
  ["x-zendesk-webhook-signature", "zendesk"],
  ["x-zendesk-webhook-id", "zendesk"],
  ["x-zm-signature", "zoom"],
  ["heroku-webhook-hmac-sha256", "heroku"],
  ["x-nylas-signature", "nylas"],
  ["x-netlify-event", "netlify"],
  ["x-discourse-event", "discourse"],
  ["box-signature-primary", "box"],
  ["box-delivery-id", "box"],
  ["x-xero-signature", "xero"],
  ["x-paystack-signature", "paystack"],
  ["x-cc-webhook-signature", "coinbasecommerce"],
  ["x-lark-signature", "lark"],
  ["x-lark-request-nonce", "lark"],
  ["circleci-event-type", "circleci"],
  ["circleci-signature", "circleci"],
  ["gotk-component", "flux"],
  ["authorization", "teams", "HMAC "],
  ["user-agent", "github", "GitHub-Hookshot/"],
  ["user-agent", "alertmanager", "Alertmanager/"],
  ["user-agent", "grafana", "Grafana"],
  ["user-agent", "gocardless", "gocardless-webhook-service/"],
  ["user-agent", "pubsub", "APIs-Google"],
  ["user-agent", "opsgenie", "Opsgenie Http Client"],
  ["user-agent", "jira", "Atlassian Webhook HTTP Client"],
];

/**
 * Headers that several senders write: a GitLab hook has those of Standard Webhooks,
 * too. They name a sender only where no header of `OWN` does.
 * `X-Hub-Signature` is not among them, because too many senders write it.
 */
const SHARED: readonly Clue[] = [
  ["ce-specversion", "cloudevents"],
  ["ce-id", "cloudevents"],
  ["content-type", "cloudevents", "application/cloudevents"],
  ["svix-signature", "svix"],
  ["svix-id", "svix"],
  ["webhook-signature", "standardwebhooks"],
  ["webhook-id", "standardwebhooks"],
  ["x-hub-signature-256", "meta"],
];

const [BY_OWN, BY_SHARED] = [OWN, SHARED].map((clues) => ({
  clues,
  ranks: Map.groupBy(clues.keys(), (rank) => clues[rank][0]),
}));

type Given = Iterable<readonly [name: string, value: string]>;

/** The source whose sender writes such headers (names in lower case). */
export function recogniseSender(headers: Given): keyof typeof sources | undefined {
  return find(headers, BY_OWN) ?? find(headers, BY_SHARED);
}

function find(headers: Given, { clues, ranks }: typeof BY_OWN): keyof typeof sources | undefined {
  let best = clues.length;
  for (const [name, value] of headers) {
    for (const rank of ranks.get(name) ?? []) {
      if (rank < best && value.startsWith(clues[rank][2] ?? "")) best = rank;
    }
  }
  return clues[best]?.[1];
}

/**
 * What to tell a person whose webhook came in under a name that is not its
 * sender's. `name` is the source it was sent to. There is no hint for a source of the
 * operator's own, because its headers may be those of any sender. `body` is what the request
 * says, for those of whom the headers say nothing.
 */
export function hintFor(
  headers: Given,
  name: string,
  body?: () => Uint8Array,
): string | undefined {
  const isKnown = Object.hasOwn(sources, name);
  if (!isKnown && name !== GENERIC) return undefined;
  const sender = isKnown
    ? find(headers, BY_OWN)
    : recogniseSender(headers) ?? (body && recogniseBody(body()));
  if (sender === undefined || sender === name) return undefined;
  // A sender that follows a common standard may send to the name of the standard.
  const isMember = FAMILIES.has(name) && find(headers, BY_SHARED) === name;
  return isMember
    ? undefined
    : `looks like ${sources[sender].label ?? sender}: use /webhook/${sender}`;
}

const FAMILIES = new Set(["cloudevents", "svix", "standardwebhooks"]);
