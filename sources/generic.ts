import type { Description } from "./description.ts";
import { eventOf } from "./generic/event.ts";
import { opened } from "./generic/opened.ts";
import { sayingOf, withoutMarkup } from "./generic/saying.ts";
import { type Leaf, survey } from "./generic/survey.ts";
import { titleOf } from "./generic/title.ts";
import { facts } from "./kit/json_path.ts";
import { counted, oneLine, wholeText } from "./kit/line.ts";
import { countFields } from "./kit/payload.ts";
import type { DescribeContext } from "./source.ts";

export const label = "Webhook";

/** The most facts that are shown of a payload: with more, a person may as well read all of it. */
const MAX_FIELDS = 12;

/** Describes whatever any system sent: unwrapped first, then searched for what a person would read first. */
export function describe(
  payload: unknown,
  context: DescribeContext = {},
): Description {
  const type = oneLine(context.type ?? "") || "generic";
  const content = opened(payload);
  const isBatch = Array.isArray(content) && content.length > 0;
  const first = isBatch ? content[0] : content;
  const isPlain = typeof first !== "object";
  const leaves = survey(isPlain ? { text: first } : first ?? {});
  const event = eventOf(leaves, context.headers);
  const saying = sayingOf(leaves);
  const title = titleOf(event, saying, leaves);
  const summary = isBatch && content.length > 1
    ? `${counted(content.length, "event")}: first ${title ?? "one untitled"}`
    : title;
  return {
    event: event?.name,
    title: oneLine(summary ? `${type}: ${summary}` : `${type} webhook`),
    description: oneLine(
      `Process ${type} webhook event with payload containing ${countFields(payload)} fields.`,
    ),
    link: saying.link,
    actor: saying.actor,
    fields: isPlain ? {} : fieldsOf(leaves),
    text: saying.text && (wholeText(withoutMarkup(String(saying.text.value))).trim() || undefined),
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

/** The first plain values, those at the top before those within. */
function fieldsOf(leaves: readonly Leaf[]): Record<string, string> {
  const plain: [string, string][] = [];
  for (const { path, value, aside } of leaves) {
    const name = oneLine(path.join("."), 60);
    const isShown = String(value).trim() !== "" && aside !== "setting" &&
      path.length <= 3;
    if (isShown && name) plain.push([name, String(value)]);
    if (plain.length === MAX_FIELDS) break;
  }
  return facts(Object.fromEntries(plain));
}
