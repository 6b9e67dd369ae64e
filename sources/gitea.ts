import type { Description } from "./description.ts";
import { eventOf, linksOf, textOf, titleOf, whoOf } from "./gitea/title.ts";
import { first, line } from "./kit/json_path.ts";
import { contentOf, isForm, usableId } from "./kit/incoming.ts";
import { charsetOf } from "./kit/body/charset.ts";
import { formFields } from "./kit/body/form.ts";
import { jsonSample } from "./kit/sample.ts";
import { signedBy } from "./kit/signed.ts";
import type { DescribeContext, Incoming, Verdict } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";

export const label = "Gitea";
/** Forks and their forefather sign and speak alike, under names of their own. */
export const aliases = ["forgejo", "gogs", "codeberg"];
export const secretVariable = "GITEA_WEBHOOK_SECRET";
export const setup = "Repository, organization or site → Settings → Webhooks → Gitea, Forgejo or " +
  "Gogs: target URL and secret";
/** The webhook's "HTTP Method"; by GET the payload stands in the query. */
export const methods = ["POST", "GET"];
/** No cap is documented; a push names every file it touched. */
export const bodyLimit = 25 * 1024 * 1024;

const setting = { variable: secretVariable, is: "the webhook's secret" };
const SIGNATURES = ["X-Gitea-Signature", "X-Forgejo-Signature", "X-Gogs-Signature"] as const;
const [gitea, ...others] = SIGNATURES.map((header) => ({
  header,
  ...signedBy({ header, encoding: "hex" }, setting),
}));

export const proof = `${gitea.proof} (or \`${SIGNATURES[1]}\`, \`${SIGNATURES[2]}\`); ` +
  "of a form its `payload`";

/** The header of whichever of them has sent it (go-gitea/gitea, services/webhook/deliver.go). */
export function verify(request: Incoming, secrets: readonly string[]): Promise<Verdict> {
  const { verify } =
    others.find(({ header }) =>
      !request.headers.has(gitea.header) && request.headers.has(header)
    ) ?? gitea;
  return verify(signedPart(request), secrets);
}

/** Signs a body as Gitea does. */
export function sign(request: Incoming, secret: string): Promise<Record<string, string>> {
  return gitea.sign(signedPart(request), secret);
}

/** All that is signed. */
export function signedContentKeys(request: Incoming): Uint8Array[] {
  return [signedPart(request).body];
}

/** The delivery's UUID; one that is sent again by hand has another. */
export function deliveryId({ headers }: Incoming): string | undefined {
  return usableId(
    headers.get("x-gitea-delivery") ?? headers.get("x-forgejo-delivery") ??
      headers.get("x-gogs-delivery"),
  );
}

/** Says what happened in which repository. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const event = eventOf(payload, context?.headers);
  const action = line(payload, "action");
  const work = first(line(payload, "pull_request", "number"), line(payload, "issue", "number"));
  return toDescription({ name: "gitea", label }, payload, context, {
    event: event && action ? `${event}.${action}` : event ?? action,
    title: titleOf(payload, event),
    links: linksOf(payload),
    actor: whoOf(payload),
    fields: {
      repository: line(payload, "repository", "full_name"),
      number: work,
      ref: line(payload, "ref"),
      from: line(payload, "pull_request", "head", "ref"),
      to: line(payload, "pull_request", "base", "ref"),
      state: first(line(payload, "pull_request", "state"), line(payload, "issue", "state")),
    },
    text: textOf(payload),
  });
}

const repository = { full_name: "octo/phone", html_url: "https://gitea.example.com/octo/phone" };
const sender = { login: "ada", full_name: "Ada Byron" };

/** Small events to try the source with. */
export const samples = [
  jsonSample("pull_request.opened", {
    action: "opened",
    number: 7,
    pull_request: {
      number: 7,
      title: "Answer the phone with a friendly greeting",
      body: "The greeting is read from the settings.",
      state: "open",
      html_url: "https://gitea.example.com/octo/phone/pulls/7",
      head: { ref: "greeting" },
      base: { ref: "main" },
    },
    repository,
    sender,
  }, headersOf("pull_request")),
  jsonSample("push", {
    ref: "refs/heads/main",
    before: "1".repeat(40),
    after: "2".repeat(40),
    compare_url: "https://gitea.example.com/octo/phone/compare/1111111...2222222",
    total_commits: 1,
    commits: [{ id: "2".repeat(40), message: "Greet callers by name\n" }],
    repository,
    pusher: sender,
    sender,
  }, headersOf("push")),
];

function headersOf(event: string): Record<string, string> {
  return { "x-gitea-event": event, "x-gitea-event-type": event, "x-gitea-delivery": "SAMPLE" };
}

/**
 * The signature is of the JSON, also where that came as a form's only field or in the query. Other
 * fields beside it would be told, and nobody has signed them.
 */
function signedPart(request: Incoming): Incoming {
  if (!isForm(request)) return request;
  try {
    const charset = charsetOf(request.headers.get("content-type"));
    const fields = formFields(contentOf(request), charset);
    const [payload, ...others] = fields.get("payload") ?? [];
    if (payload === undefined || others.length > 0 || fields.size > 1) return request;
    return { ...request, body: new TextEncoder().encode(payload) };
  } catch {
    // It has more fields than are read, so it is none of Gitea's.
    return request;
  }
}
