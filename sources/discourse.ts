import type { Description } from "./description.ts";
import { capital, quoted, spoken, words } from "./kit/line.ts";
import { at, first, isObject, line, list, text, whole } from "./kit/json_path.ts";
import { triedBy } from "./kit/challenge.ts";
import { payloadOf, usableId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { keyWithWord, signedBy } from "./kit/signed.ts";
import type { DescribeContext, Incoming } from "./source.ts";
import { toDescription, withoutTags } from "./kit/to_description.ts";

export const label = "Discourse";
export const secretVariable = "DISCOURSE_WEBHOOK_SECRET";
export const setup =
  "Admin → Advanced → Webhooks: payload URL, content type application/json, secret";

/** discourse/discourse, app/jobs/regular/emit_web_hook_event.rb. */
export const { verify, sign, proof } = signedBy(
  { header: "X-Discourse-Event-Signature", prefix: "sha256=", encoding: "hex" },
  { variable: secretVariable, is: "the webhook's secret" },
);

/** “Ping” on the webhook's page. */
export const { probe, handshake } = triedBy(({ headers }) =>
  headers.get("x-discourse-event") === "ping"
);

/** The event's number counts for its own forum only. */
export function deliveryId({ headers }: Incoming): string | undefined {
  const id = headers.get("x-discourse-event-id");
  return id ? usableId([headers.get("x-discourse-instance") ?? "", id].join("#")) : undefined;
}

/** What may happen (discourse/discourse, app/models/web_hook_event_type.rb); only a header says it. */
const EVENTS = [
  ...["created", "revised", "edited", "destroyed", "recovered"].map((did) => `topic_${did}`),
  ...["created", "edited", "destroyed", "recovered"].map((did) => `post_${did}`),
  ...["assigned", "unassigned", "accepted_solution", "unaccepted_solution", "post_liked"],
];

/**
 * The same content is the same event where it says when it was changed. Of others, such as a login
 * or a category that gets its old name back, the same may be said again.
 */
export function signedContentKeys(request: Incoming): Uint8Array[] {
  const payload = payloadOf(request);
  const isDated = isObject(payload) &&
    Object.values(payload as object).some((thing) => text(thing, "updated_at") !== undefined);
  return isDated
    ? [keyWithWord(request.body, request.headers.get("x-discourse-event"), EVENTS)]
    : [];
}

/** Says who wrote what where, such as `ada posted in "The line drops": It still does`. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const header = context?.headers?.get("x-discourse-event") ?? undefined;
  const kind = isObject(payload)
    ? Object.keys(payload as object).find((key) => isObject(payload, key))
    : undefined;
  const thing = kind && at(payload, kind);
  const event = header ?? kind;
  const did = spoken(event ?? "").split(" ").slice(1).join(" ");
  const actor = first(
    line(thing, "username"),
    line(thing, "created_by", "username"),
    line(thing, "user", "username"),
    line(thing, "target_created_by", "username"),
  );
  const topic = first(
    line(thing, "topic_title"),
    line(thing, "title"),
    line(thing, "post", "topic_title"),
    line(thing, "topic", "title"),
  );
  const said = first(
    whole(thing, "raw"),
    withoutTags(text(thing, "cooked")),
    withoutTags(text(thing, "post", "cooked")),
  );
  const name = first(line(thing, "name"), topic);
  const title = event &&
    (kind === "post" && did === "created"
      ? words(actor ?? "Somebody", "posted in", quoted(topic))
      : kind === "topic" && did === "created"
      ? words(actor ?? "Somebody", "created topic", quoted(topic))
      : words(
        capital(spoken(kind ?? event)),
        kind === "user" ? actor : quoted(name),
        kind && did,
        ["by", kind === "user" || kind === "topic" || kind === "post" ? undefined : actor],
      ));
  return toDescription({ name: "discourse", label }, payload, context, {
    event,
    title: title && said && kind === "post" ? `${title}: ${said}` : title,
    links: [linkOf(context?.headers?.get("x-discourse-instance"), thing)],
    actor,
    fields: {
      topic,
      category: first(line(thing, "category_name"), line(thing, "category_id")),
      tags: list(thing, "tags").map((_, i) =>
        first(line(thing, "tags", i, "name"), line(thing, "tags", i))
      ).filter((tag) => tag).slice(0, 10).join(", "),
      id: line(thing, "id"),
      email: line(thing, "email"),
    },
    text: said,
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("post_created", {
    post: {
      id: 11,
      username: "ada",
      topic_id: 7,
      topic_slug: "the-line-drops",
      topic_title: "The line drops",
      post_number: 2,
      raw: "It still does, after ten minutes.",
      cooked: "<p>It still does, after ten minutes.</p>",
    },
  }, {
    "x-discourse-instance": "https://forum.example.com",
    "x-discourse-event-id": "SAMPLE",
    "x-discourse-event-type": "post",
    "x-discourse-event": "post_created",
  }),
];

/** The forum names itself in a header; the topic's parts are made safe for a path. */
function linkOf(instance: string | null | undefined, thing: unknown): string | undefined {
  const topic = first(line(thing, "topic_id"), line(thing, "post", "topic_id"));
  const id = topic ?? (line(thing, "title") ? line(thing, "id") : undefined);
  const post = topic ? first(line(thing, "post_number"), line(thing, "post", "post_number")) : "";
  return instance && id && /^\d+$/.test(id)
    ? `${instance}/t/${id}${post && /^\d+$/.test(post) ? `/${post}` : ""}`
    : undefined;
}
