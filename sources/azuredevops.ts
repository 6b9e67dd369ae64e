import type { Description } from "./description.ts";
import { at, first, line, text, whole } from "./kit/json_path.ts";
import { idWithContent, payloadOf } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import type { DescribeContext, Incoming } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";
import { provenBy } from "./kit/token.ts";

export const label = "Azure DevOps";
export const aliases = ["azure-devops", "azure_devops", "azure", "vsts", "tfs"];
export const secretVariable = "AZUREDEVOPS_WEBHOOK_SECRET";
export const setup = "Project settings → Service hooks → Web Hooks: URL; " +
  "the secret as basic authentication password (any username), or in HTTP headers Authorization:…";
/** No cap is documented; a work item comes with all of its fields. */
export const bodyLimit = 25 * 1024 * 1024;

/** Nothing is signed (learn.microsoft.com, "Webhooks with Azure DevOps"): a password or a header of one's own proves the sender. */
export const { verify, sign, proof, secretNames } = provenBy(
  { authorization: true },
  { variable: secretVariable, is: "the service hook's password" },
);

/**
 * The event's id, the same for all subscriptions; a test has the one of the documents' sample, for
 * whichever content, and so the content belongs to it.
 */
export function deliveryId(request: Incoming): string | undefined {
  const payload = payloadOf(request);
  return idWithContent(request, text(payload, "id"));
}

/** Says what happened in Azure's own sentence, such as `Ada Byron pushed updates to phone:main.` */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const event = line(payload, "eventType");
  const resource = at(payload, "resource");
  const repository = first(
    line(resource, "repository", "name"),
    line(resource, "pullRequest", "repository", "name"),
  );
  const project = first(
    line(resource, "repository", "project", "name"),
    line(resource, "pullRequest", "repository", "project", "name"),
    line(resource, "fields", "System.TeamProject"),
    line(resource, "revision", "fields", "System.TeamProject"),
    line(resource, "project", "name"),
  );
  return toDescription({ name: "azuredevops", label }, payload, context, {
    event,
    title: first(
      line(payload, "message", "text"),
      line(payload, "detailedMessage", "text"),
      event && `${label} ${event}`,
    ),
    links: [
      at(resource, "_links", "web", "href"),
      at(resource, "_links", "html", "href"),
      at(resource, "pullRequest", "_links", "web", "href"),
      linkIn(text(payload, "message", "html")),
      linkIn(text(payload, "detailedMessage", "html")),
      at(resource, "repository", "remoteUrl"),
    ],
    actor: first(
      line(resource, "pushedBy", "displayName"),
      line(resource, "comment", "author", "displayName"),
      line(resource, "revisedBy", "displayName"),
      personOf(line(resource, "fields", "System.ChangedBy")),
      personOf(line(resource, "revision", "fields", "System.ChangedBy")),
      line(resource, "requestedFor", "displayName"),
      line(resource, "lastChangedBy", "displayName"),
      event === "git.pullrequest.created" ? line(resource, "createdBy", "displayName") : undefined,
    ),
    fields: {
      project,
      repository,
      status: first(line(resource, "status"), line(resource, "result")),
      number: first(line(resource, "pullRequestId"), line(resource, "buildNumber")),
      from: line(resource, "sourceRefName"),
      to: line(resource, "targetRefName"),
    },
    text: first(
      whole(resource, "comment", "content"),
      whole(resource, "description"),
      whole(payload, "detailedMessage", "text"),
    ),
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("git.push", {
    subscriptionId: "6ba5f6b6-0b4e-4a0e-9d8e-1f4f2a1b3c5d",
    notificationId: 7,
    id: "SAMPLE",
    eventType: "git.push",
    publisherId: "tfs",
    message: { text: "Ada Byron pushed updates to phone:main." },
    detailedMessage: {
      text: "Ada Byron pushed a commit to phone:main.\n - Greet callers by name 2222222",
    },
    resource: {
      pushedBy: { displayName: "Ada Byron", uniqueName: "ada@example.com" },
      refUpdates: [{ name: "refs/heads/main" }],
      repository: {
        name: "phone",
        project: { name: "Octo" },
        remoteUrl: "https://dev.azure.com/octo/Octo/_git/phone",
      },
    },
    createdDate: "2026-01-02T03:04:05Z",
  }),
];

/** The longest sentence whose link is looked for, in characters. */
const MAX_HTML = 20_000;

/** The first link of a sentence in HTML: what the event is about. */
function linkIn(html: string | undefined): string | undefined {
  const [, link] = /<a href="(https?:\/\/[^"]{1,2000})"/.exec(html?.slice(0, MAX_HTML) ?? "") ?? [];
  return link?.replaceAll("&amp;", "&");
}

/** `Ada Byron <ada@example.com>` is one person's name and address. */
function personOf(written: string | undefined): string | undefined {
  const name = written?.split("<", 1)[0].trim();
  return name || written;
}
