import { quoted, words } from "./kit/line.ts";
import { mailThread } from "./kit/subject/mail_subject.ts";
import { idAt, roleIn, timeAt, toSubject } from "./kit/subject/subject_key.ts";
import type { SubjectRole } from "./subject.ts";
import { at, first, line, whole } from "./kit/json_path.ts";
import type { Scheme } from "./signature/signature.ts";
import { usableId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { type SecretSetting, signedBy, signedByKey } from "./kit/signed.ts";
import type { DescribeContext, Incoming, Source, Verdict } from "./source.ts";
import { type Extracted, toDescription } from "./kit/to_description.ts";

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
  const standard = signedWithHeaders("webhook", setting);
  const svix = signedWithHeaders("svix", setting);
  const signedIn = ({ headers }: Incoming) =>
    headers.has("svix-signature") && !headers.has("webhook-signature") ? svix : standard;
  // A title begins with the sender's name; the standard's would say nothing there.
  const prefix = name === "standardwebhooks" ? undefined : label;

  return {
    label,
    secretVariable: variable,
    secretIsTheirs: true,
    setup: "The endpoint's settings: URL; the signing secret (whsec_…) is shown there",
    proof: `${standard.proof} (or \`svix-signature\`)`,
    verify: (request, secrets) => verifyByEither(signedIn(request), request, secrets),
    sign: (request, secret) => signedIn(request).sign(request, secret),
    deliveryId: ({ headers }) => usableId(headers.get("webhook-id") ?? headers.get("svix-id")),
    describe: (payload: unknown, context?: DescribeContext) =>
      toDescription({ name, label }, payload, context, extractEvent(payload, prefix)),
    ...SUBJECTS[name],
    samples: [
      jsonSample(String(sample.type ?? sample.status), sample, { "webhook-id": "msg_SAMPLE" }),
    ],
  };
}

/** What the events of some of its senders are about; the standard itself has no such thing. */
const SUBJECTS: Record<string, Pick<Source, "about" | "subject"> | undefined> = {
  clerk: {
    about: "a user, an organization, a session or another object",
    subject: (payload) =>
      toSubject(idAt(payload, "data", "id"), {
        role: roleIn(
          { opens: ["created"], continues: ["updated"], closes: ["deleted"] },
          endOf(line(payload, "type")),
        ),
        at: timeAt(payload, "timestamp"),
      }),
  },
  openai: {
    about: "a response, a batch or another job",
    subject: (payload) =>
      toSubject(idAt(payload, "data", "id"), {
        role: jobRole(endOf(line(payload, "type"))),
        at: timeAt(payload, "created_at"),
      }),
  },
  replicate: {
    about: "a prediction or a training",
    subject: (payload) =>
      toSubject(idAt(payload, "id"), {
        role: jobRole(line(payload, "status")),
        at: first(timeAt(payload, "completed_at"), timeAt(payload, "created_at")),
      }),
  },
  resend: {
    about: "a mail that was sent, or the thread of one that came in",
    subject: (payload) => {
      const type = line(payload, "type");
      const data = at(payload, "data");
      const title = line(data, "subject");
      return type === "email.received"
        ? mailThread({
          messageId: at(data, "message_id"),
          subject: title,
          at: timeAt(payload, "created_at"),
        })
        : toSubject(idAt(data, "email_id"), {
          role: roleIn({
            opens: ["email.bounced", "email.complained", "email.failed"],
            closes: ["email.delivered"],
          }, type),
          name: title && words("Mail", quoted(title)),
          at: timeAt(payload, "created_at"),
        });
    },
  },
};

/** What came of it is heard, as a job of its own where nothing waits for it. */
function jobRole(state: string | undefined): SubjectRole {
  return roleIn({
    opens: ["in_progress", "starting"],
    result: [
      "completed",
      "succeeded",
      "failed",
      "canceled",
      "cancelled",
      "incomplete",
      "expired",
      "aborted",
    ],
  }, state);
}

/** `completed` of `response.completed`. */
function endOf(type: string | undefined): string | undefined {
  return type?.slice(type.lastIndexOf(".") + 1);
}

/** The standard's two schemes, with a shared and with a public key, in headers that begin so. */
function signedWithHeaders(start: "webhook" | "svix", setting: SecretSetting) {
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
}

/** Checks public keys as such, and everything else that is set as shared secrets. */
async function verifyByEither(
  signed: ReturnType<typeof signedWithHeaders>,
  request: Incoming,
  secrets: readonly string[],
): Promise<Verdict> {
  // A public key is known to everybody: an HMAC made with its text would prove nothing.
  const isKey = (secret: string) => secret.startsWith("whpk_");
  const [keys, shared] = [secrets.filter(isKey), secrets.filter((each) => !isKey(each))];
  if (keys.length > 0) {
    const verdict = await signed.verifyByKey(request, keys);
    if (verdict.ok || shared.length === 0) return verdict;
  }
  return await signed.verify(request, shared);
}

/** What such payloads usually have: the standard asks for `type`, `timestamp` and `data` only. */
function extractEvent(payload: unknown, prefix: string | undefined): Extracted {
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
  return {
    event,
    title: event && words(prefix, event, subject, id && id !== subject ? `(${id})` : undefined),
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
  };
}
