import { writeFile } from "node:fs/promises";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parsePayload } from "../sources/kit/payload.ts";
import { sources } from "../sources/mod.ts";
import type { Source } from "../sources/source.ts";

const START = `# Senders

<!-- Made by \`deno task sources-table\` from the modules in sources/. Change those, not this. -->

Paste the URL of the second column at the sender, after your own address, such as
\`https://otto.example.com/webhook/github\`, and set the variable to the sender's secret. Every source
also hears \`WEBHOOK_SECRET_{SOURCE}\`, such as \`WEBHOOK_SECRET_GITHUB\`. Several secrets, separated by
commas, are all accepted while you change one for another. Without a secret a sender's messages are
accepted and marked \`unverified\`; Slack's are refused.

Any other name in the URL works too and needs no module: its messages are described by what their
payload has.

Set \`PUBLIC_URL\` for senders whose signature covers the URL they call (Twilio, Square, HubSpot,
Trello, Mandrill): it must be the address they have on file.

`;

const END = `
## What is particular

\`deno task doctor\` says for each of them what is set and what is missing, \`deno task send\` sends a
sample of each, and \`POST /webhook/{type}/explain\` what would become of a request. A message that came
in under another name than its sender's, be it of this list or nobody's, has a \`hint\`: "looks like
Sentry: use /webhook/sentry".

- **Handshakes** are answered by themselves: by GET for Dropbox, Mailchimp, Meta, Okta and X, by HEAD for
  Intercom, Mandrill and Trello, by OPTIONS for CloudEvents, by POST for Asana, Azure Event Grid,
  Discord, Microsoft Graph, monday.com, Notion, Slack, Twitch and Zoom. The trials of Buildkite,
  Cal.com, LINE, Mandrill and WooCommerce are answered and make no task. What a vendor signs is answered only after its signature was
  checked, so the secret must be set first. Meta's needs \`META_VERIFY_TOKEN\`, any text that you choose
  and tell Meta.
- **Notion and Asana** send the secret with their handshake. Otto never adopts it, since anybody
  could send one: it stands in the log (\`webhook.secret_offered\`) and for an hour on its page, for you
  to set.
- **Batches**: HubSpot, SendGrid, Mandrill, Meta, Microsoft Graph, LINE, Adyen, Asana, Okta, Event Grid, CloudEvents,
  Alertmanager and Grafana send many events at once. One request is one task, told as "3 events: first …"; an event
  that is in it twice counts once.
- **Alertmanager and Grafana** tell the same alerts again every repeat interval. As long as nothing
  changed, that is a repeat and makes no second task.
- **Dropbox and Home Assistant** send nothing that tells a repeat from news: each request is a
  message.
- **Jira** signs a webhook that has a secret. Webhooks made by an OAuth 2.0 or Connect app carry a
  token instead, which says who sends and until when, but covers no body. Use HTTPS.
- **Mailgun** signs a time and a token, not the event; **Adyen** eight fields of it; **monday.com**
  a token, for the webhooks of apps only. **Alertmanager, Azure DevOps, CloudEvents, Event Grid, Home
  Assistant, Mailchimp, Microsoft Graph, Okta, Postmark and Telegram** sign nothing and send a secret. Use
  HTTPS. **Amazon SNS** signs for everybody's topics: set the ARN of yours as the secret.
- **Methods**: events come by POST, from Gitea also by GET, from Grafana by PUT, from Zendesk by PUT and PATCH, and from
  Home Assistant by whatever is set there. Twilio, HubSpot's workflows and Home Assistant may use GET: the
  query's fields are the payload then. By GET only a verified event is taken, because browsers,
  crawlers and link previews send GETs, too, so set the secret first.

## Add one

Copy a module of \`sources/\`, such as \`sentry.ts\`, and list it in \`sources/mod.ts\`. Its scheme is
data, \`describe\` says what happened, and a sample shows it. \`deno task test\` then holds the new
source to the promises that all have, and \`deno task sources-table\` adds it here.
`;

/** The page about all sources, in Markdown before formatting. */
export function writePage(): string {
  const rows = Object.entries<Source>(sources).map(([name, source]) => [
    source.label ?? name,
    `\`/webhook/${name}\``,
    `\`${source.secretVariable ?? `WEBHOOK_SECRET_${name.toUpperCase()}`}\``,
    source.proof ?? (source.verify ? "the vendor's signature" : "nothing"),
    source.setup ?? "",
    sampleTitle(source),
  ]);
  const table = [
    ["sender", "URL", "variable", "what is verified", "where to set it up", "a task looks like"],
    Array(6).fill("---"),
    ...rows,
  ].map((row) => `| ${row.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`).join("\n");
  return `${START}${table}\n${END}`;
}

/** The title of the first sample. */
function sampleTitle(source: Source): string {
  const sample = source.samples?.[0];
  if (!sample) return "";
  const headers = new Headers(sample.headers);
  const body = new TextEncoder().encode(sample.body);
  const payload = parsePayload(body, headers.get("content-type") ?? undefined);
  // Angle brackets would be HTML.
  return source.describe(payload, { headers }).title.replaceAll("<", "&lt;");
}

if (process.argv.includes("--write")) {
  await writeFile(fileURLToPath(new URL("./sources.md", import.meta.url)), writePage());
}
