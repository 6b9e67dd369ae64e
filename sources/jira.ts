import type { Description } from "./description.ts";
import { actorOf, changesOf, issueOf, plainText, titleOf } from "./jira/title.ts";
import { at, first, line, text, whole } from "./kit/json_path.ts";
import { checkJwt } from "./signature/signature.ts";
import { usableId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { signedBy, toVerdict } from "./kit/signed.ts";
import type { DescribeContext, Incoming, Verdict } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";
import { subjectOf } from "./jira/subject.ts";
import type { Subject } from "./subject.ts";

export const label = "Jira";
export const secretVariable = "JIRA_WEBHOOK_SECRET";
export const setup = "Settings → System → WebHooks: URL and secret; for webhooks of a Connect or " +
  "OAuth 2.0 app the app's shared or client secret";
export const troubles = [
  "Jira's page shows no answers: look at the task list here, and at the webhook's JQL filter there.",
  'A rule of Jira Automation can send an issue, too: action "Send web request", body "Issue data"; it signs nothing.',
];
/** Atlassian's cap on payloads. */
export const bodyLimit = 25 * 1024 * 1024;

const setting = { variable: secretVariable, is: "the webhook's secret, or the app's" };
const HEADER = "X-Hub-Signature";
const TOKEN = "Authorization";
/** Apps on OAuth 2.0 are sent `Bearer`, those on Connect `JWT`. */
const CARRIER = /^(?:Bearer|JWT) +(\S+)$/i;

const signed = signedBy({ header: HEADER, prefix: "sha256=", encoding: "hex" }, setting);
export const { sign, signedContentKeys } = signed;
export const proof = `${signed.proof}; an app's webhooks: a JSON Web Token (HS256) in ` +
  `\`${TOKEN}\`, which does not cover the body`;

/**
 * WebSub's `X-Hub-Signature: sha256=…` (developer.atlassian.com/cloud/jira/platform/webhooks).
 * Webhooks that an app has made come with a token of the app's secret instead;
 * a signature that is there counts alone.
 */
export async function verify(request: Incoming, secrets: readonly string[]): Promise<Verdict> {
  const [, token] = CARRIER.exec(request.headers.get(TOKEN) ?? "") ?? [];
  if (request.headers.has(HEADER) || token === undefined) {
    return await signed.verify(request, secrets);
  }
  const finding = await checkJwt({ header: TOKEN, token }, secrets, request.receivedAt);
  return toVerdict(finding, request, setting);
}

/** Stable over retries. */
export function deliveryId({ headers }: Incoming): string | undefined {
  return usableId(headers.get("x-atlassian-webhook-identifier"));
}

/** Says what happened, such as `Ada updated OTT-12 "Title": status To Do → Done`. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const issue = issueOf(payload);
  return toDescription({ name: "jira", label }, payload, context, {
    event: line(payload, "webhookEvent"),
    title: titleOf(payload),
    links: [browseLink(issue), at(payload, "attachment", "content")],
    actor: actorOf(payload),
    fields: {
      issue: line(issue, "key"),
      type: line(issue, "fields", "issuetype", "name"),
      status: line(issue, "fields", "status", "name"),
      priority: line(issue, "fields", "priority", "name"),
      project: line(issue, "fields", "project", "key"),
      assignee: line(issue, "fields", "assignee", "displayName"),
      changed: changesOf(payload).join(", "),
    },
    text: first(
      whole(payload, "comment", "body"),
      plainText(at(payload, "comment", "body")),
      whole(payload, "worklog", "comment"),
      whole(issue, "fields", "description"),
      plainText(at(issue, "fields", "description")),
    ),
  });
}

export const about = "an issue, a sprint, a version or a project of one Jira";

/** What an event is about: an issue above all. */
export function subject(payload: unknown): Subject | undefined {
  return subjectOf(payload, browseLink(issueOf(payload)));
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("jira:issue_updated", {
    webhookEvent: "jira:issue_updated",
    issue_event_type_name: "issue_generic",
    user: { displayName: "Ada Byron" },
    issue: {
      self: "https://otto.atlassian.net/rest/api/2/issue/10002",
      id: "10002",
      key: "OTT-12",
      fields: {
        summary: "The line drops after ten minutes",
        status: { name: "Done", statusCategory: { key: "done" } },
        project: { key: "OTT" },
      },
    },
    changelog: { items: [{ field: "status", fromString: "To Do", toString: "Done" }] },
  }, { "x-atlassian-webhook-identifier": "SAMPLE" }),
];

/** The issue's page for people: `self` is the API's address. */
function browseLink(issue: unknown): string | undefined {
  const key = text(issue, "key");
  const self = URL.parse(text(issue, "self") ?? "");
  return self && key && /^[\w-]{1,100}$/.test(key) ? `${self.origin}/browse/${key}` : undefined;
}
