import type { Description } from "./description.ts";
import { quoted, words } from "./kit/line.ts";
import { at, first, line, text, whole } from "./kit/json_path.ts";
import { payloadOf, usableId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { signedBy } from "./kit/signed.ts";
import type { DescribeContext, Incoming } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";
import { idAt, roleIn, timeAt, toSubject } from "./kit/subject/subject_key.ts";
import type { Subject } from "./subject.ts";
import { httpLink } from "./kit/link.ts";

export const label = "Vercel";
export const secretVariable = "VERCEL_WEBHOOK_SECRET";
export const secretIsTheirs = true;
export const setup = "Team settings → Webhooks: URL; the secret is shown once";

/** SHA-1 still (vercel.com/docs/webhooks, "Securing webhooks"). */
export const { verify, sign, proof } = signedBy(
  { algorithm: "HMAC-SHA-1", header: "x-vercel-signature", encoding: "hex" },
  { variable: secretVariable, is: "the webhook's secret (an integration's: its client secret)" },
);

/** The event's id. */
export function deliveryId(request: Incoming): string | undefined {
  return usableId(text(payloadOf(request), "id"));
}

/** Says what happened, such as `Deployment phone error (production): "Greet callers"`. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const event = line(payload, "type");
  const data = at(payload, "payload");
  const deployment = at(data, "deployment");
  const [thing, did] = event?.split(".") ?? [];
  const message = line(deployment, "meta", "githubCommitMessage");
  const actor = first(
    line(deployment, "meta", "githubCommitAuthorName"),
    line(data, "user", "username"),
  );
  const url = text(deployment, "url");
  const title = thing && words(
    thing[0].toUpperCase() + thing.slice(1),
    first(line(deployment, "name"), line(data, "project", "name"), line(data, "domain", "name")),
    did?.replaceAll("-", " "),
    line(data, "target") && `(${line(data, "target")})`,
  );
  return toDescription({ name: "vercel", label }, payload, context, {
    event,
    title: title && message ? `${title}: ${quoted(message)}` : title,
    links: [at(data, "links", "deployment"), url && !url.includes("://") ? `https://${url}` : url],
    actor,
    fields: {
      deployment: line(deployment, "id"),
      target: line(data, "target"),
      branch: line(deployment, "meta", "githubCommitRef"),
      project: first(line(data, "project", "name"), line(data, "project", "id")),
      region: line(payload, "region"),
    },
    text: whole(deployment, "meta", "githubCommitMessage"),
  });
}

export const about = "a deployment";

/** What an event is about: a deployment. */
export function subject(payload: unknown): Subject | undefined {
  const data = at(payload, "payload");
  const deployment = at(data, "deployment");
  const message = line(deployment, "meta", "githubCommitMessage");
  return toSubject(idAt(deployment, "id"), {
    role: roleIn({
      opens: ["deployment.created"],
      closes: ["deployment.succeeded", "deployment.error", "deployment.canceled"],
    }, line(payload, "type")),
    name: words("Deployment of", line(deployment, "name"), quoted(message)),
    link: httpLink(at(data, "links", "deployment")),
    at: timeAt(payload, "createdAt"),
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("deployment.error", {
    id: "SAMPLE",
    type: "deployment.error",
    createdAt: 1_767_322_645_000,
    region: "fra1",
    payload: {
      target: "production",
      project: { id: "prj_1" },
      deployment: {
        id: "dpl_1",
        name: "phone",
        url: "phone-abc.vercel.app",
        meta: { githubCommitMessage: "Greet callers by name", githubCommitAuthorName: "Ada Byron" },
      },
      links: { deployment: "https://vercel.com/otto/phone/1" },
    },
  }),
];
