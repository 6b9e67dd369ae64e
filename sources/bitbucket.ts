import type { Description } from "./description.ts";
import { counted, quoted, words } from "./kit/line.ts";
import { at, first, line, list, whole } from "./kit/json_path.ts";
import { usableId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { signedBy } from "./kit/signed.ts";
import type { DescribeContext, Incoming } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";

export const label = "Bitbucket";
export const secretVariable = "BITBUCKET_WEBHOOK_SECRET";
export const setup = "Repository settings → Webhooks: URL and secret";

/** `sha256=…`, despite the old header's name (support.atlassian.com, "Manage webhooks"). */
export const { verify, sign, proof, signedContentKeys } = signedBy(
  { header: "X-Hub-Signature", prefix: "sha256=", encoding: "hex" },
  { variable: secretVariable, is: "the webhook's secret" },
);

/** Cloud's id is the same for all attempts; Data Center calls it otherwise. */
export function deliveryId({ headers }: Incoming): string | undefined {
  return usableId(headers.get("x-request-uuid") ?? headers.get("x-request-id"));
}

const DID: Record<string, string> = {
  fulfilled: "merged",
  rejected: "declined",
  unapproved: "withdrew approval of",
  comment_created: "commented on",
  comment_added: "commented on",
  changes_request_created: "asked for changes of",
};

/** Says what happened; the event's key is a header, so without it the payload's shape must do. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const event = context?.headers?.get("x-event-key") ?? line(payload, "eventKey") ?? guess(payload);
  const actor = first(
    line(payload, "actor", "display_name"),
    line(payload, "actor", "displayName"),
  );
  const pull = first(at(payload, "pullrequest"), at(payload, "pullRequest"));
  const issue = at(payload, "issue");
  const status = at(payload, "commit_status");
  const repository = first(
    line(payload, "repository", "full_name"),
    line(payload, "repository", "name"),
    line(payload, "pullRequest", "toRef", "repository", "name"),
  );
  const work = pull ?? issue;
  const comment = first(
    line(payload, "comment", "content", "raw"),
    line(payload, "comment", "text"),
  );
  const title = titleOf(payload, { event, actor, where: ["in", repository] });
  return toDescription({ name: "bitbucket", label }, payload, context, {
    event,
    title: title && comment ? `${title}: ${comment}` : title,
    links: [
      at(payload, "comment", "links", "html", "href"),
      at(work, "links", "html", "href"),
      at(work, "links", "self", 0, "href"),
      at(status, "url"),
      at(payload, "push", "changes", 0, "links", "html", "href"),
      at(payload, "repository", "links", "html", "href"),
    ],
    actor,
    fields: {
      repository,
      state: first(line(work, "state"), line(status, "state")),
      branch: first(
        line(payload, "push", "changes", 0, "new", "name"),
        line(payload, "changes", 0, "ref", "displayId"),
        line(pull, "source", "branch", "name"),
      ),
      into: line(pull, "destination", "branch", "name"),
    },
    text: first(
      whole(payload, "comment", "content", "raw"),
      whole(payload, "comment", "text"),
      whole(pull, "description"),
    ),
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("pullrequest:created", {
    actor: { display_name: "Ada Byron" },
    repository: { full_name: "octo/phone" },
    pullrequest: {
      id: 7,
      title: "Answer the phone with a friendly greeting",
      state: "OPEN",
      links: { html: { href: "https://bitbucket.org/octo/phone/pull-requests/7" } },
    },
  }, { "x-event-key": "pullrequest:created", "x-request-uuid": "SAMPLE" }),
];

/** What the titles of all events share. */
interface TitleParts {
  event: string | undefined;
  actor: string | undefined;
  where: readonly ["in", string | undefined];
}

function titleOf(payload: unknown, parts: TitleParts): string | undefined {
  const { event, actor, where } = parts;
  const did = event?.split(":").slice(1).join("_");
  const pull = first(at(payload, "pullrequest"), at(payload, "pullRequest"));
  const work = pull ?? at(payload, "issue");
  if (work) {
    return words(
      actor,
      (did && DID[did]) ?? did?.replaceAll("_", " "),
      pull ? "PR" : "issue",
      line(work, "id") && `#${line(work, "id")}`,
      quoted(line(work, "title")),
      where,
    );
  }
  const status = at(payload, "commit_status");
  if (status) {
    const state = line(status, "state")?.toLowerCase();
    return words("Build", quoted(line(status, "name")), state, where);
  }
  if (at(payload, "push")) return pushTitle(payload, parts);
  if (list(payload, "changes").length > 0) return refsTitle(payload, parts);
  if (at(payload, "test") === true) return "Bitbucket tests the connection";
  return event && words(actor, did?.replaceAll("_", " "), where);
}

function pushTitle(payload: unknown, { actor, where }: TitleParts): string {
  const changes = list(payload, "push", "changes");
  const [change] = changes;
  const branch = first(line(change, "new", "name"), line(change, "old", "name"));
  const kind = first(line(change, "new", "type"), line(change, "old", "type")) ?? "branch";
  if (at(change, "new") === null) return words(actor, "deleted", kind, branch, where);
  const commits = list(change, "commits");
  const said = words(
    actor,
    "pushed",
    commits.length > 0 ? counted(commits.length, "commit") : undefined,
    ["to", branch],
    changes.length > 1 ? `(and ${counted(changes.length - 1, "other ref")})` : undefined,
    where,
  );
  const message = line(commits[0], "message");
  return message ? `${said}: ${message}` : said;
}

const MOVED: Record<string, string> = { ADD: "created", DELETE: "deleted", UPDATE: "pushed to" };

/** The title of a push as Data Center sends it. */
function refsTitle(payload: unknown, { actor, where }: TitleParts): string {
  const changes = list(payload, "changes");
  const type = line(changes, 0, "type") ?? "UPDATE";
  return words(
    actor,
    MOVED[type] ?? type.toLowerCase(),
    type === "UPDATE" ? undefined : line(changes, 0, "ref", "type")?.toLowerCase(),
    line(changes, 0, "ref", "displayId"),
    changes.length > 1 ? `(and ${counted(changes.length - 1, "other ref")})` : undefined,
    where,
  );
}

function guess(payload: unknown): string | undefined {
  return at(payload, "push") ? "repo:push" : undefined;
}
