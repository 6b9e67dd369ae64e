import type { Description } from "./description.ts";
import { capital, quoted, spoken, words } from "./kit/line.ts";
import { at, first, isObject, line } from "./kit/json_path.ts";
import { contentId, payloadOf } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { signedBy } from "./kit/signed.ts";
import type { DescribeContext, HandshakeReply, Incoming } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";

export const label = "Confluence";
export const secretVariable = "CONFLUENCE_WEBHOOK_SECRET";
export const setup = "Data Center: General configuration → Webhooks: URL and secret";
export const troubles = [
  "Confluence Cloud has no webhooks of its own but those of apps: only Data Center's are signed with a secret.",
];

/** confluence.atlassian.com, "Managing webhooks": as Jira and Bitbucket sign. */
export const { verify, sign, proof } = signedBy(
  { header: "X-Hub-Signature", prefix: "sha256=", encoding: "hex" },
  { variable: secretVariable, is: "the webhook's secret" },
);

/** “Test connection” sends nothing but that it is a test; nobody says whether it is signed. */
export function probe(request: Incoming): HandshakeReply | undefined {
  const isTest = request.method === "POST" && request.body.length < MOST_OF_A_TEST &&
    at(payloadOf(request), "test") === true;
  return isTest ? { status: 200 } : undefined;
}
const MOST_OF_A_TEST = 100;

/** An event has its time in milliseconds. */
export const deliveryId = contentId;

/** What an event is about; the first that is there. */
const THINGS = ["comment", "attachment", "page", "blog", "blogpost", "space", "label", "content"];

/** Says what happened to which page, such as `Ada Byron updated page "Greeting" in PHONE`. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const event = first(
    line(payload, "event"),
    line(payload, "webhookEvent"),
    line(payload, "eventType"),
    context?.headers?.get("x-event-key") ?? undefined,
  );
  const kind = THINGS.find((each) => isObject(payload, each));
  const thing = kind && at(payload, kind);
  const parent = first(at(thing, "parent"), at(payload, "page"), at(payload, "content"));
  const name = first(line(thing, "title"), line(thing, "fileName"), line(thing, "name"));
  const space = first(
    line(thing, "spaceKey"),
    line(thing, "space", "key"),
    line(parent, "spaceKey"),
    kind === "space" ? line(thing, "key") : undefined,
  );
  const isNew = event?.endsWith("_created");
  const actor = first(
    line(payload, "user", "displayName"),
    line(thing, "author", "displayName"),
    isNew ? line(thing, "creatorName") : line(thing, "lastModifierName"),
  );
  const [noun, ...did] = spoken(event ?? "").split(" ");
  const said = did.join(" ");
  const about = kind === "comment" || kind === "attachment"
    ? quoted(first(line(parent, "title"), line(thing, "parent", "title")))
    : undefined;
  return toDescription({ name: "confluence", label }, payload, context, {
    event,
    title: event && said
      ? words(
        actor ? words(actor, said, noun) : words(capital(noun), kind && name ? undefined : said),
        quoted(name),
        actor || !name ? undefined : said,
        ["on", about],
        ["in", space],
      )
      : words("Confluence", event ?? kind, quoted(name)),
    links: [at(thing, "self"), at(thing, "_links", "webui"), at(parent, "self")],
    actor,
    fields: {
      kind,
      id: line(thing, "id"),
      title: name,
      space,
      version: first(line(thing, "version", "number"), line(thing, "version")),
      user: first(line(payload, "userKey"), line(payload, "userAccountId")),
    },
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("page_updated", {
    timestamp: 1_767_322_645_000,
    event: "page_updated",
    userKey: "SAMPLE",
    page: {
      id: 98_305,
      title: "How we greet callers",
      spaceKey: "PHONE",
      version: 4,
      lastModifierName: "Ada Byron",
      self: "https://wiki.example.com/pages/viewpage.action?pageId=98305",
    },
  }),
];
