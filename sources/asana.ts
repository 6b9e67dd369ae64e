import type { Description } from "./description.ts";
import { capital, quoted, words } from "./kit/line.ts";
import { at, first, line, list, text } from "./kit/json_path.ts";
import { digest } from "./signature/signature.ts";
import { payloadOf, usableId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { signedBy } from "./kit/signed.ts";
import type { DescribeContext, HandshakeReply, Incoming } from "./source.ts";
import { eachOnce, titleOfAll, toDescription } from "./kit/to_description.ts";
import { agreedSubject, idAt, roleIn, timeAt, toSubject } from "./kit/subject/subject_key.ts";
import type { Subject, SubjectRole } from "./subject.ts";

export const label = "Asana";
export const secretVariable = "ASANA_WEBHOOK_SECRET";
export const troubles = [
  "The secret comes with the first request only: set it, restart, and the events after it are verified.",
];
export const secretIsTheirs = true;
export const setup =
  "The API's POST /webhooks: target; Otto's log then shows the secret: set it here";

/** developers.asana.com, "Webhooks guide". */
export const { verify, sign, proof } = signedBy(
  { header: "X-Hook-Signature", encoding: "hex" },
  { variable: secretVariable, is: "the secret that came with the webhook's handshake" },
);

/** A heartbeat is `{"events":[]}`: a longer body is not parsed before its signature is checked. */
const MAX_HEARTBEAT_SIZE = 256;

/** Answers the handshake, which brings the secret for the operator to set, and the heartbeat, which has no events. */
export function probe(request: Incoming): HandshakeReply | undefined {
  if (request.method !== "POST") return undefined;
  const offered = request.headers.get("x-hook-secret");
  if (offered && /^[\x21-\x7e]{8,500}$/.test(offered)) {
    return { status: 200, headers: { "x-hook-secret": offered }, offered };
  }
  if (request.body.length > MAX_HEARTBEAT_SIZE) return undefined;
  const events = at(payloadOf(request), "events");
  return Array.isArray(events) && events.length === 0 ? { status: 200 } : undefined;
}

/** Asana sends no id: all its events together. */
export function deliveryId(request: Incoming): string | undefined {
  const events = list(payloadOf(request), "events");
  return events.length > 0 && events.every((event) => text(event, "created_at"))
    ? usableId(digest(JSON.stringify(events)))
    : undefined;
}

/** Says what changed; Asana sends ids, not names. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const events = eachOnce(list(payload, "events"), (event) => JSON.stringify(event));
  const [event] = events;
  const kind = line(event, "resource", "resource_type");
  const action = line(event, "action");
  const actor = first(line(event, "user", "name"), line(event, "user", "gid"));
  return toDescription({ name: "asana", label }, payload, context, {
    event: kind && action ? `${kind}.${action}` : action,
    title: titleOfAll(
      events.length,
      action && words(
        "Asana",
        kind,
        first(line(event, "resource", "name"), line(event, "resource", "gid")),
        action,
        line(event, "change", "field") && `(${line(event, "change", "field")})`,
        ["by", actor],
      ),
    ),
    links: [taskLink(kind, text(event, "resource", "gid"))],
    actor,
    fields: {
      resource: line(event, "resource", "gid"),
      parent: words(line(event, "parent", "resource_type"), line(event, "parent", "gid")),
      changed: line(event, "change", "field"),
      events: events.length > 1 ? String(events.length) : undefined,
    },
  });
}

export const about = "a task with its comments, or another resource";

/** What a batch is about: one task or other resource; a comment is its task's. */
export function subject(payload: unknown): Subject | undefined {
  return agreedSubject(list(payload, "events").map(ofEvent));
}

function ofEvent(event: unknown): Subject | undefined {
  const isStory = line(event, "resource", "resource_type") === "story";
  const thing = at(event, isStory ? "parent" : "resource");
  const kind = line(thing, "resource_type");
  const name = line(thing, "name");
  return toSubject(idAt(thing, "gid"), {
    role: isStory
      ? storyRole(event)
      : kind === "task"
      ? roleIn({ opens: ["added"], closes: ["deleted"] }, line(event, "action"))
      : "notes",
    name: name && words(kind && capital(kind.replaceAll("_", " ")), quoted(name)),
    link: taskLink(kind, text(thing, "gid")),
    at: timeAt(event, "created_at"),
  });
}

/** Asana keeps a story of everything, too; what people write has a name of its own. */
function storyRole(event: unknown): SubjectRole {
  const kind = line(event, "resource", "resource_subtype") ?? "comment_added";
  return kind === "comment_added" && line(event, "action") === "added" ? "continues" : "notes";
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("task.added", {
    events: [{
      action: "added",
      created_at: "2026-01-02T03:04:05Z",
      user: { gid: "11", resource_type: "user" },
      resource: { gid: "1200", resource_type: "task", name: "SAMPLE" },
      parent: { gid: "33", resource_type: "project" },
    }],
  }),
];

function taskLink(kind: string | undefined, id: string | undefined): string | undefined {
  return kind === "task" && id && /^\d+$/.test(id) ? `https://app.asana.com/0/0/${id}` : undefined;
}
