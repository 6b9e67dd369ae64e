import type { Description } from "../description.ts";
import { oneLine, wholeText } from "./line.ts";
import { httpLink } from "./link.ts";
import { countFields } from "./payload.ts";
import { facts, line } from "./json_path.ts";
import type { DescribeContext } from "../source.ts";

/** What a source extracts from a payload for its description; anything can be missing. */
export interface Extracted {
  event?: string;
  /** The line a person reads; without one it is the source's name and the event. */
  title?: string;
  /** Where the event can be looked at; the first that is a URL counts. */
  links?: readonly unknown[];
  actor?: string;
  fields?: Record<string, string | undefined>;
  text?: string;
}

/** A description in Otto's wording for every source that has none of its own, with each text made one clean line. */
export function toDescription(
  { name, label }: { name: string; label: string },
  payload: unknown,
  context: DescribeContext | undefined,
  { event, title, links = [], actor, fields = {}, text }: Extracted,
): Description {
  const type = oneLine(context?.type ?? "") || name;
  const named = event && oneLine(event);
  return {
    event: named || undefined,
    title: oneLine(title ?? "") || untitled(label, named, payload),
    description: oneLine(
      `Process ${type} webhook event with payload containing ${countFields(payload)} fields.`,
    ),
    link: links.map(httpLink).find((link) => link !== undefined),
    actor: (actor && oneLine(actor)) || undefined,
    fields: facts(fields),
    text: text?.trim() ? wholeText(text) : undefined,
  };
}

/** The title of what the source has no words for: never the bare name where the payload says anything. */
function untitled(label: string, event: string | undefined, payload: unknown): string {
  const saying = event ? undefined : sayingOf(payload);
  return oneLine(saying ? `${label}: ${saying}` : `${label} ${event || "webhook"}`);
}

/** The items of a batch, each once: a vendor that tries again may repeat some. Items without a key all count. */
export function eachOnce<T>(items: readonly T[], keyOf: (item: T) => string | undefined): T[] {
  const seen = new Set<string>();
  return items.filter((item) => {
    const key = keyOf(item);
    if (key === undefined) return true;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/** The title of a batch: `3 events: first …`, or that of its only item. */
export function titleOfAll(
  count: number,
  first: string | undefined,
  noun = "event",
): string | undefined {
  return count > 1 ? `${count} ${noun}s: first ${first || "one untitled"}` : first;
}

/** Text without its HTML tags, for vendors that send their users' words as HTML. */
export function withoutTags(html: string | undefined): string | undefined {
  const text = html?.slice(0, MAX_HTML)
    .replace(/<[^<>]*>/g, " ")
    .replace(/&(amp|lt|gt|quot|#39|nbsp);/g, (_, name: string) => ENTITIES[name]);
  return text && wholeText(text).trim() || undefined;
}

/** The most HTML that is made text, in characters: nobody reads more, and a sender may send megabytes. */
const MAX_HTML = 20_000;

const ENTITIES: Record<string, string> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  "#39": "'",
  nbsp: " ",
};

/** Where a payload of unknown shape says what a person would read first. */
const SAYING = ["title", "subject", "name", "summary", "message", "text", "msg", "description"];
const HAPPENED = ["event", "event_type", "eventType", "event_name", "type", "action", "topic"];
/** What holds it where it does not stand at the top. */
const HOLDERS = ["data", "payload", "object", "event", "item", "body", "resource"];

/** What a payload says that its source knows no shape of: the event and the words, one level down at most. */
export function sayingOf(payload: unknown): string | undefined {
  const happened = HAPPENED.map((key) => line(payload, key)).find((found) => found);
  const places = [[], ...HOLDERS.map((holder) => [holder])];
  const said = places.flatMap((path) => SAYING.map((key) => line(payload, ...path, key)))
    .find((found) => found) ?? line(payload, "raw_body");
  return happened && said ? `${happened}: ${said}` : happened ?? said;
}
