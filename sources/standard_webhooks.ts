import { words } from "./kit/line.ts";
import { at, first, line, whole } from "./kit/json_path.ts";
import type { Scheme } from "./signature/signature.ts";
import { usableId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { signedBy, signedByKey } from "./kit/signed.ts";
import type { DescribeContext, Incoming, Source } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";

const CONTACT = {
  type: "contact.created",
  timestamp: "2026-01-02T03:04:05Z",
  data: { id: "c_1", name: "Ada Byron", email: "ada@example.com" },
};

/**
 * A sender that follows Standard Webhooks 1.0.0
 * (standard-webhooks/standard-webhooks, spec), as Svix does for its customers:
 * the same headers, of the names `webhook-…` or `svix-…`.
 */
export function standardWebhooks(
  name: string,
  label: string,
  variable?: string,
  sample: Record<string, unknown> = CONTACT,
): Source {
  const setting = {
    variable: variable ?? `WEBHOOK_SECRET_${name.toUpperCase()}`,
    is: "the endpoint's signing secret (whsec_…)",
  };
  const spelled = (start: string) => {
    const scheme: Scheme = {
      header: `${start}-signature`,
      separator: " ",
      prefix: "v1,",
      encoding: "base64",
      key: "whsec",
      signed: "{id}.{time}.{body}",
      time: { header: `${start}-timestamp` },
      id: `${start}-id`,
    };
    const byKey: Scheme = { ...scheme, algorithm: "Ed25519", prefix: "v1a,", key: "whpk" };
    return { ...signedBy(scheme, setting), verifyByKey: signedByKey(byKey, setting).verify };
  };
  const [standard, svix] = [spelled("webhook"), spelled("svix")];
  const speltAs = ({ headers }: Incoming) =>
    headers.has("svix-signature") && !headers.has("webhook-signature") ? svix : standard;

  return {
    label,
    secretVariable: variable,
    setup: "The endpoint's settings: URL; the signing secret (whsec_…) is shown there",
    proof: `${standard.proof} (or \`svix-signature\`)`,
    async verify(request, secrets) {
      const scheme = speltAs(request);
      // A public key is one, and never the text that an HMAC could be made with.
      const isKey = (secret: string) => secret.startsWith("whpk_");
      const [keys, shared] = [secrets.filter(isKey), secrets.filter((each) => !isKey(each))];
      if (keys.length > 0) {
        const verdict = await scheme.verifyByKey(request, keys);
        if (verdict.ok || shared.length === 0) return verdict;
      }
      return await scheme.verify(request, shared);
    },
    sign: (request, secret) => speltAs(request).sign(request, secret),
    deliveryId: ({ headers }) => usableId(headers.get("webhook-id") ?? headers.get("svix-id")),
    describe(payload: unknown, context?: DescribeContext) {
      const event = first(
        line(payload, "type"),
        line(payload, "event"),
        line(payload, "eventType"),
        line(payload, "status"),
      );
      const data = at(payload, "data") ?? payload;
      const subject = first(
        line(data, "title"),
        line(data, "subject"),
        line(data, "name"),
        line(data, "email"),
        line(data, "email_addresses", 0, "email_address"),
        line(data, "to", 0),
      );
      const id = line(data, "id");
      return toDescription({ name, label }, payload, context, {
        event,
        title: event && words(
          name === "standardwebhooks" ? undefined : label,
          event,
          subject,
          id && id !== subject ? `(${id})` : undefined,
        ),
        links: [at(data, "html_url"), at(data, "url")],
        actor: first(line(data, "email"), line(data, "email_addresses", 0, "email_address")),
        fields: {
          id,
          subject,
          status: line(data, "status"),
          error: first(line(data, "error"), line(data, "error", "message")),
          created: first(line(payload, "timestamp"), line(payload, "created_at")),
        },
        text: first(whole(data, "text"), whole(data, "message"), whole(data, "description")),
      });
    },
    samples: [
      jsonSample(String(sample.type ?? sample.status), sample, { "webhook-id": "msg_SAMPLE" }),
    ],
  };
}
