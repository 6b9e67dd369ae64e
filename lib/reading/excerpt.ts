import { beginningOf } from "../../sources/kit/beginning.ts";

/** The most characters of an excerpt as JSON: what a body that is parsed on the main thread has. */
const MOST_CHARACTERS = 1024 * 1024;
/** Each try has a quarter of the last one's lists and texts. */
const STEP = 4;
/** The longest list or object, and the longest text, of the first try. */
const LONGEST_LIST = 16_384;
const LONGEST_TEXT = 262_144;

interface Lengths {
  list: number;
  text: number;
}

/**
 * A payload that is too large to be handed around, with the ends of its longest lists,
 * objects and texts left out, and how much that is said in their place. All parts are
 * cut to the same lengths, so that no part has to go for another that comes before it.
 */
export function excerptOf(payload: unknown): unknown {
  for (
    let lengths = { list: LONGEST_LIST, text: LONGEST_TEXT };;
    lengths = shorter(lengths)
  ) {
    const budget = { left: MOST_CHARACTERS };
    const excerpt = shorten(payload, lengths, budget);
    // With one item each there is one path left through it, and that is not long.
    if (budget.left >= 0 || lengths.list === 1) return excerpt;
  }
}

function shorter({ list, text }: Lengths): Lengths {
  return { list: Math.max(1, list / STEP), text: Math.max(64, text / STEP) };
}

function shorten(value: unknown, lengths: Lengths, budget: { left: number }): unknown {
  if (typeof value !== "object" || value === null) {
    const text = typeof value === "string" ? beginningOf(value, lengths.text) : value;
    budget.left -= String(text).length + 3;
    return text;
  }
  budget.left -= 3;
  if (Array.isArray(value)) {
    const items: unknown[] = [];
    for (let i = 0; i < value.length && i < lengths.list && budget.left >= 0; i++) {
      items.push(shorten(value[i], lengths, budget));
    }
    const more = value.length - lengths.list;
    if (more > 0) items.push(`… (${more} more items)`);
    return items;
  }
  const fields: [string, unknown][] = [];
  const names = Object.keys(value);
  for (const name of names.slice(0, lengths.list)) {
    if (budget.left < 0) break;
    const shown = beginningOf(name, lengths.text);
    budget.left -= shown.length + 3;
    fields.push([shown, shorten((value as Record<string, unknown>)[name], lengths, budget)]);
  }
  const more = names.length - lengths.list;
  if (more > 0) fields.push(["…", `${more} more fields`]);
  return Object.fromEntries(fields);
}
