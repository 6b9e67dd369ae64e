import type { Description } from "./description.ts";
import { quoted, words } from "./kit/line.ts";
import { at, first, line, list, text, whole } from "./kit/json_path.ts";
import { checkJwt } from "./signature/signature.ts";
import { usableId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { signedBy, toVerdict } from "./kit/signed.ts";
import type { DescribeContext, Incoming, Verdict } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";

export const label = "Jira";
export const secretVariable = "JIRA_WEBHOOK_SECRET";
export const setup = "Settings → System → WebHooks: URL and secret; for webhooks of a Connect or " +
  "OAuth 2.0 app the app's shared or client secret";
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

const NAMES: Record<string, string> = {
  created: "created",
  updated: "updated",
  deleted: "deleted",
};

/** Says what happened, such as `Ada updated OTT-12 "Title": status To Do → Done`. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const event = line(payload, "webhookEvent");
  const issue = at(payload, "issue");
  const key = line(issue, "key");
  const comment = at(payload, "comment");
  const actor = first(
    line(payload, "user", "displayName"),
    line(comment, "updateAuthor", "displayName"),
    line(comment, "author", "displayName"),
    line(payload, "worklog", "author", "displayName"),
  );
  const [, thing, past] = /^(?:jira:)?([^\W_]+)_(\w+)$/.exec(event ?? "") ?? [];
  const changes = list(payload, "changelog", "items").slice(0, 10).map((item) =>
    words(
      line(item, "field"),
      // `toString` must be the item's own: `at` never finds the inherited one.
      words(line(item, "fromString"), ["→", line(item, "toString")]),
    )
  ).filter((change) => change);
  const subject = first(
    line(issue, "fields", "summary"),
    line(payload, "sprint", "name"),
    line(payload, "version", "name"),
    line(payload, "project", "name"),
  );
  const did = past && (NAMES[past] ?? past.replaceAll("_", " "));
  const what = words(
    thing === "issue" && key ? undefined : thing,
    thing !== "issue" && key ? ["on", key] : key,
    quoted(subject),
  );
  const title = event &&
    (actor ? words(actor, did, what) : words(what.replace(/^[a-z]/, upper), did));
  const said = thing === "comment" ? line(comment, "body") : changes.join(", ");
  return toDescription({ name: "jira", label }, payload, context, {
    event,
    title: title && said ? `${title}: ${said}` : title,
    links: [browseLink(issue)],
    actor,
    fields: {
      issue: key,
      status: line(issue, "fields", "status", "name"),
      priority: line(issue, "fields", "priority", "name"),
      project: line(issue, "fields", "project", "key"),
      assignee: line(issue, "fields", "assignee", "displayName"),
      changed: changes.join(", "),
    },
    text: first(whole(comment, "body"), whole(issue, "fields", "description")),
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("jira:issue_updated", {
    webhookEvent: "jira:issue_updated",
    issue_event_type_name: "issue_generic",
    user: { displayName: "Ada Byron" },
    issue: {
      self: "https://otto.atlassian.net/rest/api/2/issue/10002",
      key: "OTT-12",
      fields: {
        summary: "The line drops after ten minutes",
        status: { name: "Done" },
        project: { key: "OTT" },
      },
    },
    changelog: { items: [{ field: "status", fromString: "To Do", toString: "Done" }] },
  }, { "x-atlassian-webhook-identifier": "SAMPLE" }),
];

function upper(letter: string): string {
  return letter.toUpperCase();
}

/** The issue's page for people: `self` is the API's address. */
function browseLink(issue: unknown): string | undefined {
  const key = text(issue, "key");
  const self = URL.parse(text(issue, "self") ?? "");
  return self && key && /^[\w-]{1,100}$/.test(key) ? `${self.origin}/browse/${key}` : undefined;
}
