import type { Description } from "./description.ts";
import { capital, quoted, spoken, words } from "./kit/line.ts";
import { at, first, line, text } from "./kit/json_path.ts";
import { payloadOf, usableId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { signedBy } from "./kit/signed.ts";
import type { DescribeContext, HandshakeReply, Incoming } from "./source.ts";
import { toDescription, withoutTags } from "./kit/to_description.ts";
import { idAt, keyOf, roleIn, timeAt, toSubject } from "./kit/subject/subject_key.ts";
import type { Subject } from "./subject.ts";
import { httpLink } from "./kit/link.ts";

export const label = "Intercom";
export const secretVariable = "INTERCOM_CLIENT_SECRET";
export const secretIsTheirs = true;
export const setup =
  "Developer Hub → the app → Webhooks: endpoint URL; the key is the client secret";

/** SHA-1 still (developers.intercom.com, "Signed notifications"). */
export const { verify, sign, proof } = signedBy(
  { algorithm: "HMAC-SHA-1", header: "X-Hub-Signature", prefix: "sha1=", encoding: "hex" },
  { variable: secretVariable, is: "the app's client secret" },
);

/** The notification's id, `notif_…`. */
export function deliveryId(request: Incoming): string | undefined {
  return usableId(text(payloadOf(request), "id"));
}

/** How often and when it was tried (developers.intercom.com, "Webhook notification object"). */
export const changesOnRetry = ["delivery_attempts", "delivery_status", "delivered_at"];

/** Answers the HEAD by which Intercom checks that the URL works. */
export function probe({ method }: Incoming): HandshakeReply | undefined {
  return method === "HEAD" ? { status: 200 } : undefined;
}

/** Says what happened, such as `Conversation user replied: "Hello"`. Bodies are HTML. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const topic = line(payload, "topic");
  const item = at(payload, "data", "item");
  const part = at(item, "conversation_parts", "conversation_parts", 0);
  const said = withoutTags(first(text(part, "body"), text(item, "source", "body")));
  const actor = first(
    line(part, "author", "name"),
    line(item, "source", "author", "name"),
    line(item, "name"),
    line(item, "email"),
  );
  const name = topic?.replaceAll(/[._]/g, " ");
  const tag = first(line(item, "tag", "name"), line(item, "tags_added", "tags", 0, "name"));
  const person = first(
    line(item, "contact", "name"),
    line(item, "contact", "email"),
    line(item, "user", "name"),
    line(item, "user", "email"),
  );
  const assignee = topic?.endsWith("assigned")
    ? first(line(item, "assignee", "name"), line(part, "assigned_to", "name"))
    : undefined;
  return toDescription({ name: "intercom", label }, payload, context, {
    event: topic,
    title: name && words(
          name[0].toUpperCase() + name.slice(1),
          quoted(tag),
          tag ? ["on", person] : undefined,
          ["to", assignee],
          tag && person ? undefined : ["by", actor],
          quoted(withoutTags(first(line(item, "source", "subject"), line(item, "title")))),
        ) + (said ? `: ${said}` : ""),
    links: [at(item, "links", "conversation_web")],
    actor,
    fields: {
      item: words(line(item, "type"), line(item, "id")),
      email: first(line(item, "source", "author", "email"), line(item, "email")),
      state: first(line(item, "state"), line(item, "ticket_state")),
      tag,
      assignee,
      attempts: line(payload, "delivery_attempts") === "1"
        ? undefined
        : line(payload, "delivery_attempts"),
    },
    text: said,
  });
}

export const about = "a conversation, a ticket or a contact of one workspace";

/** What an event is about: a conversation, a ticket, or whatever else the item is. */
export function subject(payload: unknown): Subject | undefined {
  const item = at(payload, "data", "item");
  const type = idAt(item, "type");
  const title = withoutTags(first(
    text(item, "ticket_attributes", "_default_title_"),
    text(item, "source", "subject"),
    text(item, "title"),
  ));
  return toSubject(keyOf`${idAt(payload, "app_id")}:${type}:${idAt(item, "id")}`, {
    // What admins and operators write is notes: so our own replies come back.
    role: roleIn({
      opens: ["conversation.user.created", "conversation.admin.opened", "ticket.created"],
      continues: ["conversation.user.replied", "ticket.contact.replied"],
      closes: ["conversation.admin.closed", "conversation.deleted", "ticket.closed"],
    }, line(payload, "topic")),
    name: title && words(type && capital(spoken(type)), quoted(title)),
    link: httpLink(at(item, "links", "conversation_web")),
    at: timeAt(payload, "created_at"),
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("conversation.user.replied", {
    type: "notification_event",
    id: "notif_SAMPLE",
    app_id: "w1",
    topic: "conversation.user.replied",
    delivery_attempts: 1,
    data: {
      item: {
        type: "conversation",
        id: "1",
        source: {
          author: { name: "Ada Byron", email: "ada@example.com" },
          body: "<p>The line drops.</p>",
        },
      },
    },
  }),
];
