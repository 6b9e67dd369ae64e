import { sources } from "./mod.ts";

/**
 * Headers that only one sender writes, the surest first: a GitLab hook has
 * Standard Webhooks' headers, too. Headers that several share
 * (`X-Hub-Signature`) say nothing.
 */
const HEADERS: readonly [header: string, source: keyof typeof sources][] = [
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
  ["ce-specversion", "cloudevents"],
  ["ce-id", "cloudevents"],
  ["svix-signature", "svix"],
  ["webhook-signature", "standardwebhooks"],
];
const RANKS = new Map(HEADERS.map(([header], rank) => [header, rank]));

/** How some senders call themselves in `User-Agent`. */
const AGENTS: readonly [start: string, source: keyof typeof sources][] = [
  ["GitHub-Hookshot/", "github"],
  ["Alertmanager/", "alertmanager"],
  ["Grafana", "grafana"],
  ["Atlassian Webhook HTTP Client", "jira"],
];

/** The source whose sender writes such headers (names in lower case), if they are one's own. */
export function recogniseSender(
  headers: Iterable<readonly [name: string, value: string]>,
): keyof typeof sources | undefined {
  let rank = HEADERS.length;
  let agent: keyof typeof sources | undefined;
  for (const [name, value] of headers) {
    rank = Math.min(rank, RANKS.get(name) ?? rank);
    if (name === "user-agent") agent = AGENTS.find(([start]) => value.startsWith(start))?.[1];
  }
  return HEADERS[rank]?.[1] ?? agent;
}

/** What to tell a person whose webhook came in under a name that is not its sender's. */
export function hintFor(
  headers: Iterable<readonly [name: string, value: string]>,
): string | undefined {
  const name = recogniseSender(headers);
  return name && `looks like ${sources[name].label ?? name}: use /webhook/${name}`;
}
