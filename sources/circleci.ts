import type { Description } from "./description.ts";
import { quoted, words } from "./kit/line.ts";
import { at, first, line, text, whole } from "./kit/json_path.ts";
import { triedBy } from "./kit/challenge.ts";
import { payloadOf, usableId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { signedBy } from "./kit/signed.ts";
import type { DescribeContext, Incoming } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";

export const label = "CircleCI";
export const aliases = ["circle-ci", "circle"];
export const secretVariable = "CIRCLECI_WEBHOOK_SECRET";
export const setup = "Project settings → Webhooks: receiver URL and secret token";

/** circleci.com/docs/outbound-webhooks, "Validate webhooks". */
export const { verify, sign, proof } = signedBy(
  { header: "circleci-signature", separator: ",", prefix: "v1=", encoding: "hex" },
  { variable: secretVariable, is: "the webhook's secret token" },
);

/** “Test ping event” in the settings. */
export const { probe, handshake } = triedBy((request) =>
  (text(payloadOf(request), "type") ?? request.headers.get("circleci-event-type")) === "ping"
);

/** The event's id. */
export function deliveryId(request: Incoming): string | undefined {
  return usableId(text(payloadOf(request), "id"));
}

/** Where a pipeline's trigger says what it was. */
const HOSTS = ["git", "gitlab", "github_app"];

/** Says how a workflow or a job ended, such as `Workflow "test" failed on main in phone: "Greet callers"`. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const event = first(
    line(payload, "type"),
    context?.headers?.get("circleci-event-type") ?? undefined,
  );
  const isJob = event?.startsWith("job");
  const thing = at(payload, isJob ? "job" : "workflow");
  const status = line(thing, "status");
  const vcs = at(payload, "pipeline", "vcs");
  // Projects of GitLab and of the GitHub app have these instead of `vcs`.
  const trigger = (name: string) =>
    first(...HOSTS.map((host) => line(payload, "pipeline", "trigger_parameters", host, name)));
  const branch = first(line(vcs, "branch"), trigger("branch"));
  const tag = first(line(vcs, "tag"), trigger("tag"));
  const commit = first(line(vcs, "commit", "subject"), trigger("commit_title"));
  const actor = first(line(vcs, "commit", "author", "name"), trigger("commit_author_name"));
  const project = first(line(payload, "project", "name"), line(payload, "project", "slug"));
  const title = event && words(
    isJob ? "Job" : "Workflow",
    quoted(line(thing, "name")),
    status === "success" ? "succeeded" : status?.replaceAll("_", " "),
    ["in workflow", isJob ? line(payload, "workflow", "name") : undefined],
    ["on", branch ?? tag],
    ["in", project],
  );
  return toDescription({ name: "circleci", label }, payload, context, {
    event,
    title: title && commit ? `${title}: ${quoted(commit)}` : title,
    links: [at(payload, "workflow", "url"), at(vcs, "origin_repository_url")],
    actor,
    fields: {
      project,
      workflow: line(payload, "workflow", "name"),
      job: line(payload, "job", "name"),
      status,
      branch: branch ?? tag,
      commit: first(line(vcs, "revision"), trigger("checkout_sha")),
      pipeline: line(payload, "pipeline", "number"),
      organization: line(payload, "organization", "name"),
    },
    text: first(whole(vcs, "commit", "body"), whole(vcs, "commit", "subject")),
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("workflow-completed", {
    type: "workflow-completed",
    id: "SAMPLE",
    happened_at: "2026-01-02T03:04:05Z",
    webhook: { id: "w1", name: "Otto" },
    workflow: {
      id: "wf1",
      name: "test",
      status: "failed",
      url: "https://app.circleci.com/pipelines/github/octo/phone/1/workflows/wf1",
    },
    pipeline: {
      number: 1,
      vcs: {
        branch: "main",
        revision: "1f3a5c7e",
        commit: { subject: "Greet callers by name", body: "", author: { name: "Ada Byron" } },
      },
    },
    project: { id: "p1", name: "phone", slug: "github/octo/phone" },
    organization: { id: "o1", name: "octo" },
  }, { "circleci-event-type": "workflow-completed" }),
];
