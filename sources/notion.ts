import type { Description } from "./description.ts";
import { quoted, words } from "./kit/line.ts";
import { at, first, isObject, line, list, text } from "./kit/json_path.ts";
import { payloadOf, usableId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { signedBy } from "./kit/signed.ts";
import type { DescribeContext, HandshakeReply, Incoming } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";
import { idAt, roleIn, timeAt, toSubject } from "./kit/subject/subject_key.ts";
import type { Subject } from "./subject.ts";

export const label = "Notion";
export const secretVariable = "NOTION_WEBHOOK_SECRET";
export const troubles = [
  "Notion's page waits for the verification token: it stands in Otto's log and, for an hour, on the source's page.",
];
export const secretIsTheirs = true;
export const setup =
  "The integration → Webhooks: URL; Otto's log then shows the verification token: " +
  "paste it in Notion and set it here";

/** The key is the verification token (developers.notion.com, "Validating event payloads"). */
export const { verify, sign, proof } = signedBy(
  { header: "X-Notion-Signature", prefix: "sha256=", encoding: "hex" },
  { variable: secretVariable, is: "the subscription's verification token" },
);

/** The handshake is one short token: a longer body is not parsed before its signature is checked. */
const MAX_HANDSHAKE_SIZE = 1_024;

/** Answers the first request, which carries the token that will sign all others: the operator sets it, or does not. */
export function probe(request: Incoming): HandshakeReply | undefined {
  if (request.method !== "POST" || request.body.length > MAX_HANDSHAKE_SIZE) return undefined;
  const payload = payloadOf(request);
  const offered = at(payload, "verification_token");
  return typeof offered === "string" && /^[\x21-\x7e]{8,500}$/.test(offered) &&
      at(payload, "type") === undefined
    ? { status: 200, offered }
    : undefined;
}

/** The event's id; `attempt_number` is another each time. */
export function deliveryId(request: Incoming): string | undefined {
  return usableId(text(payloadOf(request), "id"));
}

export const changesOnRetry = ["attempt_number"];

/** Says what happened. Notion sends ids, not titles. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const event = line(payload, "type");
  const [thing, did] = event?.split(".") ?? [];
  const kind = line(payload, "entity", "type");
  const id = line(payload, "entity", "id");
  const authors = list(payload, "authors");
  return toDescription({ name: "notion", label }, payload, context, {
    event,
    title: automationTitle(payload) ?? (thing && words(
      "Notion",
      thing.replaceAll("_", " "),
      did?.replaceAll("_", " "),
      ["in", line(payload, "workspace_name")],
    )),
    links: [pageLink(kind, text(payload, "entity", "id")), at(payload, "data", "url")],
    actor: first(
      line(authors[0], "name"),
      words(line(authors[0], "type"), line(authors[0], "id")) || undefined,
    ),
    fields: {
      kind,
      id,
      workspace: line(payload, "workspace_name"),
      parent: words(line(payload, "data", "parent", "type"), line(payload, "data", "parent", "id")),
      changed: list(payload, "data", "updated_properties").slice(0, 10)
        .map((_, i) => line(payload, "data", "updated_properties", i)).filter((name) => name).join(
          ", ",
        ),
    },
  });
}

/** A button or an automation sends the page itself, whose title is one of its properties. */
function automationTitle(payload: unknown): string | undefined {
  const properties = at(payload, "data", "properties");
  if (!isObject(payload, "source") || !isObject(properties)) return undefined;
  const title = Object.keys(properties as object).slice(0, 100)
    .map((key) => line(properties, key, "title", 0, "plain_text")).find((found) => found);
  return words("Notion", line(payload, "source", "type"), quoted(title));
}

export const about = "a page, with the comments on it, or a database";

/** What an event is about: a page or a database; a comment is its page's. */
export function subject(payload: unknown): Subject | undefined {
  const type = line(payload, "type");
  const isComment = type?.startsWith("comment.") ?? false;
  const id = isComment ? idAt(payload, "data", "page_id") : idAt(payload, "entity", "id");
  return toSubject(id, {
    role: roleIn({
      opens: ["page.created"],
      continues: ["comment.created"],
      closes: ["page.deleted"],
    }, type),
    link: pageLink(isComment ? "page" : line(payload, "entity", "type"), id),
    at: timeAt(payload, "timestamp"),
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("page.content_updated", {
    id: "SAMPLE",
    type: "page.content_updated",
    timestamp: "2026-01-02T03:04:05Z",
    workspace_name: "Otto",
    attempt_number: 1,
    authors: [{ id: "u1", type: "person" }],
    entity: { id: "153104cd-477e-809d-8dc4-ff2d96ae3090", type: "page" },
    data: { parent: { id: "s1", type: "space" } },
  }),
];

function pageLink(kind: string | undefined, id: string | undefined): string | undefined {
  const bare = id?.replaceAll("-", "");
  return bare && /^(page|database)$/.test(kind ?? "") && /^[0-9a-f]{32}$/.test(bare)
    ? `https://notion.so/${bare}`
    : undefined;
}
