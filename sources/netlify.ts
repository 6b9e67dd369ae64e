import type { Description } from "./description.ts";
import { quoted, words } from "./kit/line.ts";
import { at, first, isObject, line, text, whole } from "./kit/json_path.ts";
import { checkBodyToken, signBodyToken } from "./signature/signature.ts";
import { contentId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { toVerdict } from "./kit/signed.ts";
import type { DescribeContext, Incoming, Verdict } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";
import { signatureMissing } from "./kit/verdict.ts";

export const label = "Netlify";
export const secretVariable = "NETLIFY_WEBHOOK_SECRET";
export const setup =
  "Project configuration → Notifications → HTTP POST request: URL and JWS secret token";
export const troubles = [
  "The token is the notification's own: each notification has a field for it.",
];
export const proof = "a JSON Web Token (HS256) with the body's SHA-256 in `X-Webhook-Signature`";

const HEADER = "X-Webhook-Signature";
const setting = { variable: secretVariable, is: "the notification's JWS secret token" };

/** docs.netlify.com, "Deploy notifications", "Payload signature". The token has no time. */
export async function verify(request: Incoming, secrets: readonly string[]): Promise<Verdict> {
  const token = request.headers.get(HEADER);
  if (!token) {
    return signatureMissing(HEADER, `Set ${secretVariable} to ${setting.is}; the sender needs it.`);
  }
  const { body } = request;
  const finding = await checkBodyToken({ header: HEADER, token, issuer: "netlify", body }, secrets);
  return toVerdict(finding, request, setting);
}

/** Signs as Netlify does. */
export async function sign({ body }: Incoming, secret: string): Promise<Record<string, string>> {
  return { [HEADER.toLowerCase()]: await signBodyToken({ issuer: "netlify", body }, secret) };
}

/** A deploy has its id and `updated_at`, a form's submission its number. */
export const deliveryId = contentId;

/** What a deploy's state means (open-api.netlify.com, "deploy"). */
const STATE: Record<string, string> = {
  building: "is building",
  enqueued: "waits to be built",
  ready: "is ready",
  error: "failed",
};

/** Says how a deploy went, or what a form was filled in with. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const header = context?.headers?.get("x-netlify-event") ?? undefined;
  const isForm = isObject(payload, "data") && text(payload, "form_name") !== undefined;
  const state = line(payload, "state");
  const site = line(payload, "name");
  const branch = line(payload, "branch");
  const where = line(payload, "context");
  const error = line(payload, "error_message");
  const commit = line(payload, "title");
  const person = first(line(payload, "name"), line(payload, "email"));
  const said = first(line(payload, "body"), line(payload, "summary"));
  const did = header?.startsWith("deploy_request") || header?.endsWith("locked")
    ? header.replace(/^deploy_/, "").replaceAll("_", " ")
    : STATE[state ?? ""] ?? state;
  const form = words("New answer", ["to", line(payload, "form_name")], ["from", person]);
  const deploy = state && words(
    "Deploy",
    ["of", site],
    did,
    branch && where ? `(${where}, ${branch})` : branch && `(${branch})`,
  );
  const detail = first(error, quoted(commit));
  return toDescription({ name: "netlify", label }, payload, context, {
    event: header ?? (isForm ? "submission_created" : state && `deploy_${state}`),
    title: isForm
      ? (said ? `${form}: ${said}` : form)
      : deploy && detail
      ? `${deploy}: ${detail}`
      : deploy,
    links: [
      error ? deployLink(payload) : undefined,
      at(payload, "deploy_ssl_url"),
      at(payload, "ssl_url"),
      at(payload, "admin_url"),
    ],
    actor: isForm ? person : line(payload, "committer"),
    fields: {
      site: first(line(payload, "site_name"), isForm ? undefined : site),
      state,
      branch,
      context: where,
      commit: line(payload, "commit_ref"),
      seconds: line(payload, "deploy_time"),
      email: line(payload, "email"),
      error,
    },
    text: first(whole(payload, "body"), whole(payload, "error_message")),
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("deploy_failed", {
    id: "SAMPLE",
    site_id: "s1",
    state: "error",
    name: "phone",
    ssl_url: "https://phone.netlify.app",
    admin_url: "https://app.netlify.com/sites/phone",
    error_message: "Build script returned non-zero exit code: 2",
    branch: "main",
    context: "production",
    title: "Greet callers by name",
    committer: "ada",
    updated_at: "2026-01-02T03:04:05Z",
  }, { "x-netlify-event": "deploy_failed" }),
];

/** A failed deploy has no page of its own but its log. */
function deployLink(payload: unknown): string | undefined {
  const [admin, id] = [text(payload, "admin_url"), text(payload, "id")];
  return admin && id && /^\w+$/.test(id) ? `${admin}/deploys/${id}` : undefined;
}
