import type { Description } from "./description.ts";
import { repositoryOf, saysComment, titleOf } from "./bitbucket/title.ts";
import { at, first, line, whole } from "./kit/json_path.ts";
import { usableId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { signedBy } from "./kit/signed.ts";
import type { DescribeContext, Incoming } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";
import { subjectOf } from "./bitbucket/subject.ts";
import type { Subject } from "./subject.ts";

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

/** Says what happened; the event's key is a header, so without it the payload's shape must do. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const event = eventOf(payload, context);
  const actor = first(
    line(payload, "actor", "display_name"),
    line(payload, "actor", "displayName"),
  );
  const pull = first(at(payload, "pullrequest"), at(payload, "pullRequest"));
  const issue = at(payload, "issue");
  const status = at(payload, "commit_status");
  const repository = repositoryOf(payload);
  const work = pull ?? issue;
  const comment = first(
    line(payload, "comment", "content", "raw"),
    line(payload, "comment", "text"),
  );
  const title = titleOf(payload, { event, actor });
  return toDescription({ name: "bitbucket", label }, payload, context, {
    event,
    title: title && comment && saysComment(event) ? `${title}: ${comment}` : title,
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

export const about =
  "a pull request, an issue or a commit; what is built of a commit is the pull request's that has it at its head";

/** What an event is about: a pull request, an issue or a commit. */
export function subject(payload: unknown, context?: DescribeContext): Subject | undefined {
  return subjectOf(payload, eventOf(payload, context));
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

/** The event's key is a header, on Data Center also in the payload. */
function eventOf(payload: unknown, context?: DescribeContext): string | undefined {
  return context?.headers?.get("x-event-key") ?? line(payload, "eventKey") ??
    (at(payload, "push") ? "repo:push" : undefined);
}
