import { z } from "zod";
import { at, type PathKey } from "../../../sources/kit/json_path.ts";
import { cleanText } from "../fence.ts";
import { outline } from "../prompt.ts";
import { beginningOf } from "../../../sources/kit/beginning.ts";
import { findDelivered } from "../../task/inbox.ts";
import type { Tool, ToolContext } from "./tool.ts";

/** The most that one answer holds: a third of what a fence lets through, since models re-read it with every step. */
const MOST_CHARACTERS = 8_000;
/** More hits say that the text was a bad choice. */
const MOST_HITS = 20;
/** What is shown on both sides of a hit: about a line. */
const AROUND = 100;
/** What `get_payload` takes: a longer path would be all that a hit says. */
const MOST_PATH = 500;

/** Which message is meant: a task has the one that it was made of, and may get later ones. */
const message = z.number().int().min(1).default(1)
  .describe("The number that a later message was told with; 1 is the first");

/** Reads a part of a message. */
export const getPayload: Tool<{ path: string; offset: number; message: number }> = {
  name: "get_payload",
  description: "Reads a part of a message's payload. Without a path: its outline.",
  capability: { reads: "payload", effect: "none" },
  atomic: true,
  arguments: z.strictObject({
    path: z.string().max(MOST_PATH).default("")
      .describe('Where, such as "issue.labels[0].name"; "" is the whole'),
    offset: z.number().int().min(0).default(0)
      .describe("The character to begin with, for parts longer than one answer"),
    message,
  }),
  async run({ path, offset, message }, context) {
    const { fence } = context;
    const payload = await payloadOf(context, message);
    const found = at(payload, ...stepsOf(path));
    if (found === undefined) {
      return "Nothing is there. " + fence(outline(payload), "outline of the payload");
    }
    if (path === "" && offset === 0 && JSON.stringify(found).length > MOST_CHARACTERS) {
      return fence(outline(found), "outline of the payload");
    }
    const text = typeof found === "string" ? found : JSON.stringify(found);
    const part = beginningOf(text.slice(offset), MOST_CHARACTERS);
    return fence(offset === 0 && part === text ? found : part, "part of the payload");
  },
};

/** Finds a text in a message. */
export const searchPayload: Tool<{ text: string; message: number }> = {
  name: "search_payload",
  description: "Finds a text in the keys and values of a message's payload.",
  capability: { reads: "payload", effect: "none" },
  atomic: true,
  arguments: z.strictObject({
    text: z.string().min(1).max(200).describe("What to look for; case does not matter"),
    message,
  }),
  async run({ text, message }, context) {
    const hits: { path: string; excerpt: string }[] = [];
    const payload = await payloadOf(context, message);
    search(payload, "", text.toLowerCase(), hits, { left: MOST_VALUES });
    return hits.length === 0 ? "Nothing found." : context.fence(hits, "hits in the payload");
  },
};

/**
 * The payload of one of the task's messages.
 *
 * @throws with words for the model, where it was told of no message with this number.
 */
async function payloadOf(
  { database, assignment }: ToolContext,
  number: number,
): Promise<unknown> {
  if (number === 1) return assignment.payload;
  const { taskId, inbox } = assignment;
  const found = inbox ? await findDelivered(database, { taskId, number }) : { most: 1 };
  if ("most" in found || !inbox) {
    const { most } = found as { most: number };
    throw new Error(
      most === 1
        ? `There is no message ${number}: the task has only the first one, message 1`
        : `There is no message ${number}: you were told of messages 1 to ${most}`,
    );
  }
  try {
    return (await inbox.read(found)).payload;
  } catch {
    // Why it cannot be read may quote it, outside of any fence.
    throw new Error(`Message ${number} cannot be read: its body is gone, or was none`);
  }
}

/** So many values are looked at; a payload of 25 MB must not hold up everybody. */
const MOST_VALUES = 100_000;

function search(
  value: unknown,
  path: string,
  text: string,
  hits: { path: string; excerpt: string }[],
  budget: { left: number },
): void {
  if (hits.length >= MOST_HITS || budget.left-- <= 0) return;
  if (typeof value !== "object" || value === null) {
    const whole = cleanText(String(value));
    const found = whole.toLowerCase().indexOf(text);
    if (found < 0) return;
    hits.push({
      path: beginningOf(path, MOST_PATH),
      excerpt: whole.slice(Math.max(0, found - AROUND), found + text.length + AROUND)
        .toWellFormed(),
    });
    return;
  }
  for (const [key, each] of Object.entries(value)) {
    // Longer ones are never told whole: they need not grow with each level.
    const below = path.length > MOST_PATH
      ? path
      : Array.isArray(value)
      ? `${path}[${key}]`
      : path
      ? `${path}.${key}`
      : key;
    if (!Array.isArray(value) && key.toLowerCase().includes(text) && hits.length < MOST_HITS) {
      hits.push({ path: beginningOf(below, MOST_PATH), excerpt: "(the name of a field)" });
    }
    search(each, below, text, hits, budget);
  }
}

/** `a.b[0].c` as steps. A key with a dot in it is found by the search, and read as part of its parent. */
function stepsOf(path: string): PathKey[] {
  return path.split(/[.[\]]+/).filter((step) => step !== "");
}
