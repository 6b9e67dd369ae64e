import { counted, oneLine } from "../kit/line.ts";
import type { EventName } from "./event.ts";
import { spoken } from "./key.ts";
import { detailOf, headOf, type Saying } from "./saying.ts";
import type { Leaf } from "./survey.ts";

/** The most facts in a title that has nothing better. */
const MOST_FACTS = 3;

/**
 * What happened, what it is about and what is said of it, as far as each is there and adds
 * something: `order.paid: Order 1001 (paid, 20.00 EUR, Ada): Please ring twice`; `undefined` where
 * a payload says nothing that a person could read.
 */
export function titleOf(
  event: EventName | undefined,
  saying: Saying,
  leaves: readonly Leaf[],
): string | undefined {
  const named = saying.head && headOf(saying.head);
  const text = saying.text && saying.text !== saying.head ? detailOf(saying.text) : undefined;
  const detail = text && !says(named, text) && !says(event?.name, text) ? text : undefined;
  const adds = named && !says(detail, named) && !says(event?.name, named);
  const isNamed = named !== undefined || detail !== undefined;
  const subject = adds ? named : isNamed ? undefined : saying.identity;
  // A thing's kind stands behind its name: "Blue mug (simple)" rather than "simple: Blue mug".
  const isBehind = event?.isKind === true && isNamed;
  const front = [isBehind ? undefined : event?.name, subject].filter(isThere).join(": ");
  const told = [front, detail].filter(isThere).join(": ");
  const list = (adds ? saying.head : saying.text ?? saying.head)?.list;
  const beside: string[] = [];
  for (
    const part of [isBehind ? event.name : undefined, saying.status, saying.amount, saying.who]
  ) {
    if (part && !says(told, part) && !beside.some((other) => says(other, part))) beside.push(part);
  }
  if (list) {
    beside.push(`first of ${counted(list.length, singular(spoken(list.name)) || "item")}`);
  }
  if (!event && !isNamed) {
    const facts = factsOf(leaves, [told, ...beside].join(" "));
    return oneLine([front, ...facts, ...beside].filter(isThere).join(", ")) || undefined;
  }
  const extras = beside.length > 0 ? ` (${beside.join(", ")})` : "";
  if (front === "") return oneLine(`${detail ?? ""}${extras}`);
  return oneLine([`${front}${extras}`, detail].filter(isThere).join(": "));
}

function isThere(part: string | undefined): part is string {
  return part !== undefined && part !== "";
}

/** Whether a text already says a value, whatever its case and separators. */
function says(text: string | undefined, value: string): boolean {
  return text !== undefined && plain(text).includes(plain(value));
}

function plain(text: string): string {
  return text.toLowerCase().replace(/[\s_.:…-]/g, "");
}

function singular(name: string): string {
  return name.endsWith("ies")
    ? `${name.slice(0, -3)}y`
    : name.endsWith("s")
    ? name.slice(0, -1)
    : name;
}

/** The first plain values, for payloads of machines: `temperature 21.5, humidity 40`. */
function factsOf(leaves: readonly Leaf[], told: string): string[] {
  const found = leaves.filter(({ words, key, value, aside, distance }) => {
    const isId = /^(id|uuid|guid|ts|time|timestamp|date|version|livemode|test|sandbox)$/
      .test(words.at(-1) ?? "") || /^(created|updated)/.test(key);
    const shown = String(value).trim();
    return key.length > 1 && !isId && aside === undefined && distance <= 4 &&
      typeof value !== "boolean" && shown !== "" && shown.length <= 60 &&
      !/^https?:|^\d{4}-\d\d-\d\dT/i.test(shown) && !says(told, shown);
  });
  return found.slice(0, MOST_FACTS).map(({ path, value }) =>
    `${spoken(path.at(-1) ?? "")} ${value}`
  );
}
