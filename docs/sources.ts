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

Any other name in the URL works too and needs no module. Otto reads what such a sender says as a
person would: the event, from the payload or from a header such as \`X-Acme-Event\`; the name, title or
subject of what it is about; its status, amount and who; and what was written. It looks some levels
down, and into JSON in a field of a form, JSON in a text, base64, XML and tables. An amount is told
only where its unit is certain. \`deno task titles FOLDER\` counts which payloads of a folder get a
title that says nothing; a [file of your own](sources-file.md) has better words for them.

Set \`PUBLIC_URL\` for senders whose signature covers the URL they call (Twilio, Square, HubSpot,
Trello, Mandrill): it must be the address they have on file.

`;

const TROUBLES = `
## When it does not work

1. \`deno task doctor\` says which variables are set, which are missing, and which look mistyped.
2. \`deno task send github\` sends a sample of our own, signed with the secret that is set: when it
   is taken and the vendor's is not, the vendor has another secret or another URL.
3. **Refused messages are kept**, each with its reason and what to change; once that is done, they
   can be let in: [What was refused](operating.md#what-was-refused).
4. **Nothing comes at all:** look into the vendor's own log of deliveries. It shows the answer that it
   got; no answer means that it cannot reach the URL.
5. **A proxy in between** must pass the body on byte by byte, or no signature fits.

## Each sender
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
- **Repeats**: a delivery whose id and content have come before makes no second task. The same id with
  another content is another message, with a task and a \`hint\` of its own: two tasks are better than a
  lost one. What a sender changes when it tries again (Stripe's \`pending_webhooks\`, Notion's
  \`attempt_number\`, Linear's time, the order of a batch …) does not count. CloudEvents are known by their
  source and id alone, as their standard says. Stripe's test events all have one id, which counts as
  none.
- **Alertmanager and Grafana** tell the same alerts again every repeat interval. As long as no alert
  began, ended or joined them, that is a repeat and makes no second task. An alert is known by its
  fingerprint, or by its labels where there is none, and by its beginning.
- **Dropbox and Home Assistant** send nothing that tells a repeat from news: each request is a
  message.
- **Sizes**: a body may have 1 MiB, GitHub's, GitLab's and Jira's 25 MiB, mail 30 to 35 (\`body_limit\`,
  \`MAX_BODY_BYTES\`); a larger one gets 413. What is taken is kept byte for byte. To be read it may nest
  512 levels deep, and a form may have 10,000 fields; a deeper one is kept, fails with words, and makes
  no task. A whole number above 2^53, which JavaScript would round, is read as the text of its digits:
  \`"12345678901234567890"\` in paths, filters and what the agent sees.
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
data, \`describe\` says what happened, \`subject\` and \`about\` what it is about, and a sample shows it.
\`deno task test\` then holds the new source to the promises that all have, and
\`deno task sources-table\` adds it here.
`;

/** The page about all sources, in Markdown before formatting. */
export function writePage(): string {
  const all = Object.entries<Source>(sources);
  const rows = all.map(([name, source]) => [
    `[${labelOf(name, source)}](#${anchorOf(labelOf(name, source))})`,
    `\`/webhook/${name}\``,
    `\`${variableOf(name, source)}\``,
    sampleTitle(source),
  ]);
  const table = [
    ["sender", "URL", "variable", "a task looks like"],
    Array(4).fill("---"),
    ...rows,
  ].map((row) => `| ${row.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`).join("\n");
  const sections = all.map(([name, source]) => writeSection(name, source)).join("\n");
  return `${START}${table}\n${TROUBLES}\n${sections}${END}`;
}

/** All that is to be known of one sender. */
function writeSection(name: string, source: Source): string {
  const proof = source.proof ?? (source.verify ? "the vendor's signature" : "nothing");
  const points = [
    `**Set it up:** ${source.setup ?? "give the sender the URL"}`,
    `**URL and variable:** \`/webhook/${name}\`, \`${variableOf(name, source)}\`` +
    (source.verifyTokenVariable ? `, \`${source.verifyTokenVariable}\`` : ""),
    `**What is verified:** ${proof}`,
    `**A task:** ${sampleTitle(source)}`,
    ...source.about ? [`**What it is about:** ${source.about}`] : [],
    `**Try it:** \`deno task send ${name}\``,
    ...troublesOf(source, proof).map((trouble) => `**If it does not work:** ${trouble}`),
  ];
  return `### ${labelOf(name, source)}\n\n${points.map((point) => `- ${point}\n`).join("")}`;
}

/** What a person should look at, from what the module says and how its sender proves itself. */
function troublesOf(source: Source, proof: string): readonly string[] {
  const [, minutes] = /± (\d+) min/.exec(proof) ?? [];
  const coversUrl = /\{url\}|of the URL/.test(proof);
  return [
    ...source.troubles ?? [],
    ...coversUrl
      ? [
        "The signature covers the URL: `PUBLIC_URL` and the sender must have the same address, " +
        "the port and the query included.",
      ]
      : [],
    ...minutes
      ? [
        `Messages more than ${minutes} minutes off are refused: this machine's clock must be right.`,
      ]
      : [],
    ...source.secretRequired ? ["Without its secret all of it is refused."] : [],
  ];
}

function labelOf(name: string, source: Source): string {
  return source.label ?? name;
}

function variableOf(name: string, source: Source): string {
  return source.secretVariable ?? `WEBHOOK_SECRET_${name.toUpperCase()}`;
}

/** The anchor that a Markdown page gives a heading. */
function anchorOf(heading: string): string {
  return heading.toLowerCase().replace(/[^\p{L}\p{N}_ -]/gu, "").replaceAll(" ", "-");
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
