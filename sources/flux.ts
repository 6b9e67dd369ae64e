import type { Description } from "./description.ts";
import { words } from "./kit/line.ts";
import { at, first, isObject, line, whole } from "./kit/json_path.ts";
import { contentId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { signedBy } from "./kit/signed.ts";
import type { DescribeContext, Incoming, Verdict } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";
import { provenBy } from "./kit/token.ts";

export const label = "Flux";
export const aliases = ["fluxcd"];
export const secretVariable = "FLUX_WEBHOOK_SECRET";
export const setup = "A Provider of type generic-hmac: address, and a secret with the key token";

const setting = { variable: secretVariable, is: "the token of the provider's secret" };
const signed = signedBy({ header: "X-Signature", prefix: "sha256=", encoding: "hex" }, setting);
const proven = provenBy({ authorization: true, parameters: ["token"] }, setting);

export const { sign } = signed;
export const { secretNames } = proven;
export const proof = `${signed.proof}, or (type generic) ${proven.proof}`;

/** fluxcd.io, "Providers", "Generic webhook with HMAC"; a plain generic one has headers of one's own. */
export async function verify(request: Incoming, secrets: readonly string[]): Promise<Verdict> {
  const hasToken = request.headers.has("authorization") ||
    URL.parse(request.url)?.searchParams.has("token");
  return request.headers.has("x-signature") || !hasToken
    ? await signed.verify(request, secrets)
    : await proven.verify(request, secrets);
}

/** An event has its second, its object and its message. */
export const deliveryId = contentId;

/** Says what became of which object, such as `Kustomization apps/phone ReconciliationFailed (error): …`. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const object = at(payload, "involvedObject");
  const reason = line(payload, "reason");
  const severity = line(payload, "severity");
  const name = [line(object, "namespace"), line(object, "name")].filter((part) => part).join("/");
  const said = line(payload, "message");
  const metadata = isObject(payload, "metadata") ? at(payload, "metadata") as object : {};
  const revision = Object.keys(metadata).find((key) => key.split("/").at(-1) === "revision");
  const title = object !== undefined && words(
    line(object, "kind"),
    name,
    reason,
    severity && severity !== "info" ? `(${severity})` : undefined,
  );
  return toDescription({ name: "flux", label }, payload, context, {
    event: reason,
    title: title && said ? `${title}: ${said}` : title || said,
    fields: {
      kind: line(object, "kind"),
      object: name,
      severity,
      reason,
      revision: revision && line(metadata, revision),
      summary: line(metadata, "summary"),
      controller: line(payload, "reportingController"),
      time: line(payload, "timestamp"),
    },
    text: first(whole(payload, "message")),
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("ReconciliationFailed", {
    involvedObject: {
      apiVersion: "kustomize.toolkit.fluxcd.io/v1",
      kind: "Kustomization",
      name: "phone",
      namespace: "apps",
      uid: "SAMPLE",
    },
    metadata: { "kustomize.toolkit.fluxcd.io/revision": "main@sha1:1f3a5c7e" },
    severity: "error",
    reason: "ReconciliationFailed",
    message: "Deployment/phone dry-run failed: spec.replicas is no number",
    reportingController: "kustomize-controller",
    timestamp: "2026-01-02T03:04:05Z",
  }),
];
