import type { Description } from "./description.ts";
import { changed, quoted, words } from "./kit/line.ts";
import { at, first, line, text, whole } from "./kit/json_path.ts";
import { usableId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { signedBy } from "./kit/signed.ts";
import type { DescribeContext, Incoming, Verdict } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";
import { signatureMismatch } from "./kit/verdict.ts";
import { idAt, keyOf, roleIn, timeAt, toSubject } from "./kit/subject/subject_key.ts";
import type { Subject, SubjectRole } from "./subject.ts";

export const label = "Zendesk";
export const secretVariable = "ZENDESK_WEBHOOK_SECRET";
export const troubles = [
  "Zendesk's test before the webhook is saved is signed with a secret that everybody knows, and refused.",
];
export const secretIsTheirs = true;
export const setup = "Admin Center → Apps and integrations → Webhooks: URL and signing secret";
/**
 * A trigger's webhook may have any (developer.zendesk.com, "Creating and monitoring
 * webhooks"). By GET and DELETE all it says would stand in the URL, which is not signed.
 */
export const methods = ["POST", "PUT", "PATCH"];

/** Whether a retry gets a new time is not documented, so its age is not judged (developer.zendesk.com, "Verifying webhook authenticity"). */
const signed = signedBy({
  header: "X-Zendesk-Webhook-Signature",
  encoding: "base64",
  signed: "{time}{body}",
  time: { header: "X-Zendesk-Webhook-Signature-Timestamp", unit: "date", window: null },
}, { variable: secretVariable, is: "the webhook's signing secret" });
export const { sign, proof, signedContentKeys } = signed;

/** What signs the test of a webhook that is not saved yet: everybody knows it, so it proves nobody. */
const TEST_SECRET = "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ==";

/** Checks the signature, and knows Zendesk's own test by it. */
export async function verify(request: Incoming, secrets: readonly string[]): Promise<Verdict> {
  const verdict = await signed.verify(request, secrets);
  if (
    verdict.ok || verdict.code !== "signature_mismatch" ||
    !(await signed.verify(request, [TEST_SECRET])).ok
  ) return verdict;
  return signatureMismatch(
    "X-Zendesk-Webhook-Signature",
    "This is Zendesk's test of a webhook that is not saved yet, signed with a secret that " +
      "everybody knows. Create the webhook, and test it then.",
  );
}

/** The invocation's id. */
export function deliveryId({ headers }: Incoming): string | undefined {
  return usableId(headers.get("x-zendesk-webhook-invocation-id"));
}

/** Says what happened to a ticket or a user; a trigger's body is whatever the admin wrote. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const event = line(payload, "type")?.replace(/^zen:event-type:/, "");
  const detail = first(at(payload, "detail"), at(payload, "ticket")) ?? payload;
  const [thing, did] = event?.split(".") ?? [];
  const now = line(payload, "event", "current");
  const was = line(payload, "event", "previous");
  const subject = quoted(
    first(line(detail, "subject"), line(detail, "title"), line(detail, "name")),
  );
  const id = line(detail, "id");
  const comment = line(payload, "event", "comment", "body");
  return toDescription({ name: "zendesk", label }, payload, context, {
    event,
    title: thing
      ? words(
        thing[0].toUpperCase() + thing.slice(1).replaceAll("_", " "),
        id && `#${id}`,
        did?.replaceAll("_", " "),
        was || now ? changed(undefined, was, now) : undefined,
        subject,
        ["by", line(payload, "event", "comment", "author", "name")],
      ) + (comment ? `: ${comment}` : "")
      : first(subject, line(payload, "message")),
    links: [at(payload, "url"), at(detail, "url")],
    actor: first(line(payload, "event", "actor", "name"), line(detail, "requester", "name")),
    fields: {
      ticket: thing === "ticket" || !thing ? id : undefined,
      status: line(detail, "status"),
      priority: line(detail, "priority"),
      subject: line(payload, "subject"),
      account: line(payload, "account_id"),
    },
    text: first(
      whole(payload, "event", "comment", "body"),
      whole(detail, "description"),
      whole(payload, "message"),
    ),
  });
}

export const about = "a ticket";

/** What an event is about: a ticket. What a trigger sends is whatever the admin wrote, and says it by `SOURCES_FILE`. */
export function subject(payload: unknown): Subject | undefined {
  const [, number] = /^zen:ticket:(\d{1,20})$/.exec(text(payload, "subject") ?? "") ?? [];
  const title = line(payload, "detail", "subject");
  return toSubject(keyOf`${idAt(payload, "account_id")}:${number}`, {
    role: roleOf(payload),
    name: title && words(`Ticket #${number}`, quoted(title)),
    at: timeAt(payload, "time"),
  });
}

/** What agents, triggers and we ourselves write comes back: only a customer's word is one to us. */
function roleOf(payload: unknown): SubjectRole {
  const event = line(payload, "type");
  switch (event?.slice(event.lastIndexOf(".") + 1)) {
    case "created":
    case "ticket_created":
      return "opens";
    case "comment_added":
    case "message_added":
      return isByCustomer(at(payload, "event")) ? "continues" : "notes";
    case "status_changed":
      return roleIn(
        { opens: ["OPEN"], closes: ["SOLVED", "CLOSED"] },
        line(payload, "event", "current")?.toUpperCase(),
      );
    case "soft_deleted":
    case "permanently_deleted":
      return "closes";
    default:
      return "notes";
  }
}

function isByCustomer(event: unknown): boolean {
  const type = line(event, "actor", "type");
  return type === undefined
    ? at(event, "comment", "author", "is_staff") === false
    : type === "end_user";
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("ticket.status_changed", {
    id: "SAMPLE",
    type: "zen:event-type:ticket.status_changed",
    subject: "zen:ticket:123",
    account_id: 1,
    time: "2026-01-02T03:04:05Z",
    detail: { id: "123", subject: "The line drops after ten minutes", status: "OPEN" },
    event: { previous: "NEW", current: "OPEN" },
  }, { "x-zendesk-webhook-invocation-id": "SAMPLE" }),
];
