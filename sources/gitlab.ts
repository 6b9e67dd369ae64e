import type { Description } from "./description.ts";
import { line, whole } from "./kit/json_path.ts";
import type { Scheme } from "./signature/signature.ts";
import { factsOf, linksOf } from "./gitlab/digest.ts";
import { systemTitle } from "./gitlab/system_hook.ts";
import { whoOf } from "./gitlab/gitlab_event.ts";
import { eventOf, titleOf } from "./gitlab/title.ts";
import { usableId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { signedBy } from "./kit/signed.ts";
import type { DescribeContext, Incoming, Verdict } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";
import { provenBy } from "./kit/token.ts";
import { subjectOf } from "./gitlab/subject.ts";
import type { Subject } from "./subject.ts";

export { audienceOf as audience } from "./gitlab/audience.ts";
export { reply, replyApi, sentReply } from "./gitlab/reply.ts";
export const label = "GitLab";
export const secretVariable = "GITLAB_WEBHOOK_SECRET";
export const troubles = [
  "GitLab switches a webhook off after repeated failures: Settings → Webhooks shows it as disabled; press Test.",
];
export const setup =
  "Project or group → Settings → Webhooks: URL and secret token or signing token";
/** GitLab's cap on payloads. */
export const bodyLimit = 25 * 1024 * 1024;

const setting = { variable: secretVariable, is: "the webhook's secret token or signing token" };

/** GitLab 19's signing token, which is Standard Webhooks (app/services/web_hook_service.rb). */
const scheme: Scheme = {
  header: "webhook-signature",
  separator: " ",
  prefix: "v1,",
  encoding: "base64",
  key: "whsec",
  signed: "{id}.{time}.{body}",
  time: { header: "webhook-timestamp" },
  id: "webhook-id",
};
const signed = signedBy(scheme, setting);
const proven = provenBy({ header: "X-Gitlab-Token" }, setting);

export const { secretNames } = proven;
export const proof = `${signed.proof} (signing token, whsec_…), or ${proven.proof} (secret token)`;

/** A signing token, `whsec_…`, must have signed; any other secret must be the token GitLab sends. */
export function verify(request: Incoming, secrets: readonly string[]): Promise<Verdict> {
  const signing = secrets.filter((secret) => secret.startsWith("whsec_"));
  if (signing.length > 0 && request.headers.has(scheme.header)) {
    return signed.verify(request, signing);
  }
  // GitLab never sends a signing token itself: as a secret token it would prove nothing.
  return proven.verify(request, secrets.filter((secret) => !signing.includes(secret)));
}

/** Signs a body the way GitLab does with this kind of secret. */
export function sign(request: Incoming, secret: string): Promise<Record<string, string>> {
  return secret.startsWith("whsec_") ? signed.sign(request, secret) : proven.sign(request, secret);
}

/** The same on every retry, the signed one first; `X-Gitlab-Webhook-UUID` is the webhook's, not the delivery's. */
export function deliveryId({ headers }: Incoming): string | undefined {
  return usableId(
    headers.get("webhook-id") ?? headers.get("idempotency-key") ??
      headers.get("x-gitlab-event-uuid"),
  );
}

/** Says what happened; a custom template may have replaced the whole body. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  return toDescription({ name: "gitlab", label }, payload, context, {
    event: eventOf(payload, context?.headers),
    title: titleOf(payload, context?.headers),
    links: linksOf(payload),
    // A system hook names whom it is about, not who did it.
    actor: systemTitle(payload) ? undefined : whoOf(payload),
    fields: factsOf(payload),
    text: whole(
      payload,
      "object_attributes",
      line(payload, "object_kind") === "note" ? "note" : "description",
    ),
  });
}

const project = {
  id: 1,
  path_with_namespace: "octo/phone",
  web_url: "https://gitlab.com/octo/phone",
};

export const about =
  "a merge request, an issue, a group's epic or a commit; what runs on a commit is the merge request's that has it at its head";

/** What an event is about: a merge request, an issue, an epic or a commit. */
export function subject(payload: unknown, context?: DescribeContext): Subject | undefined {
  return subjectOf(payload, context?.headers);
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("merge_request.open", {
    object_kind: "merge_request",
    user: { name: "Ada Byron", username: "ada" },
    project,
    object_attributes: {
      iid: 7,
      action: "open",
      state: "opened",
      title: "Answer the phone with a friendly greeting",
      description: "The greeting is read from the settings.",
      url: "https://gitlab.com/octo/phone/-/merge_requests/7",
      source_branch: "greeting",
      target_branch: "main",
    },
  }, { "x-gitlab-event": "Merge Request Hook", "idempotency-key": "SAMPLE" }),
  jsonSample("pipeline.failed", {
    object_kind: "pipeline",
    user: { name: "Ada Byron" },
    project,
    object_attributes: {
      id: 42,
      status: "failed",
      ref: "main",
      duration: 61,
      url: "https://gitlab.com/octo/phone/-/pipelines/42",
    },
  }, { "x-gitlab-event": "Pipeline Hook", "idempotency-key": "SAMPLE" }),
];
