import type { Description } from "./description.ts";
import { httpLink } from "./kit/link.ts";
import { counted, oneLine } from "./kit/line.ts";
import { countFields } from "./kit/payload.ts";
import { at, facts, first, line, text, whole } from "./kit/json_path.ts";
import type { DescribeContext } from "./source.ts";

export const label = "Webhook";

/** Where systems we do not know usually put what they want to say. */
const TITLES = [
  "title",
  "subject",
  "message",
  "text",
  "event",
  "type",
  "action",
  "name",
  "summary",
  "raw_body",
];
const EVENTS = ["event", "event_type", "eventType", "type", "action"];
const LINKS = ["html_url", "url", "link", "permalink", "web_url"];
const TEXTS = ["message", "text", "body", "description", "content", "raw_body"];

/** The most facts that are shown of a payload: with more, a person may as well read all of it. */
const MAX_FIELDS = 12;

/** Describes whatever any system sent. */
export function describe(
  payload: unknown,
  context: DescribeContext = {},
): Description {
  const type = oneLine(context.type ?? "") || "generic";
  const isBatch = Array.isArray(payload) && payload.length > 0;
  const event = isBatch ? payload[0] : payload;
  const saying = titleOf(event);
  const summary = isBatch && payload.length > 1
    ? `${counted(payload.length, "event")}: first ${saying ?? "one untitled"}`
    : saying;
  return {
    event: first(...EVENTS.map((key) => line(event, key))),
    title: oneLine(summary ? `${type}: ${summary}` : `${type} webhook`),
    description: oneLine(
      `Process ${type} webhook event with payload containing ${countFields(payload)} fields.`,
    ),
    link: first(...LINKS.map((key) => httpLink(at(event, key)))),
    fields: fieldsOf(event),
    text: first(...TEXTS.map((key) => whole(event, key))),
  };
}

/** Small events to try the source with. */
export const samples = [
  {
    event: "deploy.finished",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      event: "deploy.finished",
      title: "Deploy of the web shop finished",
      environment: "production",
      duration_seconds: 42,
      url: "https://ci.example.com/deploys/42",
    }),
  },
  {
    event: "form",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: "subject=New+contact+request&name=Ada&message=Please+call+me+back",
  },
];

function titleOf(event: unknown): string | undefined {
  return typeof event === "object"
    ? first(...TITLES.map((key) => line(event, key)))
    : line([event], 0);
}

/** The plain values at the top, in their order. */
function fieldsOf(event: unknown): Record<string, string> {
  const plain: [string, string | undefined][] = [];
  if (typeof event === "object" && event !== null) {
    for (const key of Object.keys(event)) {
      const value = at(event, key);
      const found = typeof value === "boolean" ? String(value) : text(event, key);
      const name = oneLine(key, 60);
      if (found && name && key !== "raw_body") plain.push([name, found]);
      if (plain.length === MAX_FIELDS) break;
    }
  }
  return facts(Object.fromEntries(plain));
}
