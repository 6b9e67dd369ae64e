import { oneLine } from "../kit/line.ts";
import type { Leaf } from "./survey.ts";
import { wordsOf } from "./key.ts";

/** The longest that an event's name is, in characters: longer is a sentence. */
const MAX_EVENT = 80;

/** What senders call the name of what happened, the most certain first; how far away each may stand. */
const KEYS: { keys: Set<string>; within: number; isCertain: boolean }[] = [
  {
    keys:
      "event webhookcode eventtype eventname eventkey eventcode webhookevent hookevent eventslug eventkind",
    within: 4,
    isCertain: true,
  },
  {
    keys:
      "topic triggerevent webhooktopic webhookeventtype notificationtype notificationevent hooktype " +
      "webhooktype subscriptiontype",
    within: 4,
    isCertain: true,
  },
  {
    keys:
      "trigger objectkind activitytype changetype alerttype eventaction updatetype scope operationtype op",
    within: 4,
    isCertain: false,
  },
  { keys: "kind operation verb action actiontype command", within: 1, isCertain: false },
  { keys: "type messagetype", within: 1, isCertain: true },
  { keys: "resourcetype entitytype objecttype eventcategory", within: 2, isCertain: true },
].map(({ keys, ...rest }) => ({ keys: new Set(keys.split(" ")), ...rest }));

/** What an event happened to, where the event alone is only a verb. */
const NOUNS = new Set(
  "entity entitytype resource resourcetype object objecttype model subjecttype targettype table type itemtype recordtype"
    .split(" "),
);

const TABLE = new Set(["table"]);
const NOTHING = new Set<string>();

/** The name of what happened. */
export interface EventName {
  name: string;
  /** It may as well be the kind of a thing, as the `type` of a product is. */
  isKind: boolean;
}

/** What happened, by the headers first: most senders that name it there do not name it in the body. */
export function eventOf(
  leaves: readonly Leaf[],
  headers: Headers | undefined,
): EventName | undefined {
  const near = leaves.filter(({ value, aside, distance, key }) =>
    typeof value === "string" && isName(value) &&
    (aside === undefined
      ? distance <= 4
      : KEYS[0].keys.has(key) && key !== "event" && distance <= 14)
  );
  const verb = nearest(near, ({ key, distance }) => key === "action" && distance <= 1);
  const header = headerEvent(headers);
  if (header) return { name: verb ? joined(header, verb) : header, isKind: false };
  for (const { keys, within, isCertain } of KEYS) {
    const name = nearest(
      near,
      (leaf) =>
        (keys.has(leaf.key) && (leaf.distance <= within || leaf.aside !== undefined)) ||
        (keys === KEYS[0].keys && isTypeOfEvent(leaf)),
    );
    if (!name) continue;
    if (verb && verb !== name) return { name: joined(name, verb), isKind: false };
    const hasParts = /[._:/-]/.test(name);
    // Of a `type` only a table is not the same again: `INSERT` into `orders`.
    const nouns = keys.has("type") ? TABLE : isCertain ? NOTHING : NOUNS;
    const noun = hasParts
      ? undefined
      : nearest(near, ({ key, value }) =>
        nouns.has(key) && /^[\w-]{2,40}$/.test(String(value)) && value !== name);
    return {
      name: noun ? joined(noun, name) : name,
      isKind: keys.has("type") && !hasParts && !noun,
    };
  }
  return undefined;
}

/** `{event: {type: "…"}}`: the type of what is called the event. */
function isTypeOfEvent({ path, key }: Leaf): boolean {
  return /^(type|name)$/.test(key) &&
    /^(event|webhook|hook|notification)$/i.test(path.at(-2) ?? "");
}

function nearest(leaves: readonly Leaf[], is: (leaf: Leaf) => boolean): string | undefined {
  let found: Leaf | undefined;
  for (const leaf of leaves) {
    if (is(leaf) && leaf.distance < (found?.distance ?? Infinity)) found = leaf;
  }
  return found && (oneLine(String(found.value)) || undefined);
}

/** Whether a text can be a name of an event, and no sentence, address or number. */
function isName(text: string): boolean {
  return text.length <= MAX_EVENT && /\p{L}/u.test(text) && !text.trim().includes("\n") &&
    !/^https?:/i.test(text) && !/^[0-9a-f-]{24,}$/i.test(text) &&
    text.trim().split(" ").length <= 6;
}

/** `issues` and `opened` as `issues.opened`. */
function joined(event: string, verb: string): string {
  return event.toLowerCase().includes(verb.toLowerCase()) ? event : `${event}.${verb}`;
}

/** The event in a header such as `X-Acme-Event`, `X-WC-Webhook-Topic` or `X-Event-Key`; of several the one that says most. */
function headerEvent(headers: Headers | undefined): string | undefined {
  let event: string | undefined;
  headers?.forEach((value, name) => {
    if (!isEventHeader(name)) return;
    const found = oneLine(value);
    if (isName(found) && found.length > (event?.length ?? 0)) event = found;
  });
  return event;
}

function isEventHeader(name: string): boolean {
  const words = wordsOf(name);
  const [before, last] = words.slice(-2);
  if (name === "ce-type") return true;
  if (/^(event|events|topic)$/.test(last ?? "")) return words.length > 1 && before !== "last";
  return before === "event" && /^(type|key|name|action|code)$/.test(last);
}
