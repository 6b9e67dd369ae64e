import { z } from "zod";
import { at, type PathKey } from "../../../sources/kit/json_path.ts";
import { cleanText } from "../fence.ts";
import { outline } from "../prompt.ts";
import { beginningOf } from "../../../sources/kit/beginning.ts";
import type { Tool } from "./tool.ts";

/** The most that one answer holds: a third of what a fence lets through, since models re-read it with every step. */
const MOST_CHARACTERS = 8_000;
/** More hits say that the text was a bad choice. */
const MOST_HITS = 20;
/** What is shown on both sides of a hit: about a line. */
const AROUND = 100;
/** What `get_payload` takes: a longer path would be all that a hit says. */
const MOST_PATH = 500;

/** Reads a part of the message. */
export const getPayload: Tool<{ path: string; offset: number }> = {
  name: "get_payload",
  description: "Reads a part of the message's payload. Without a path: its outline.",
  capability: { reads: "payload", effect: "none" },
  atomic: true,
  arguments: z.strictObject({
    path: z.string().max(MOST_PATH).default("")
      .describe('Where, such as "issue.labels[0].name"; "" is the whole'),
    offset: z.number().int().min(0).default(0)
      .describe("The character to begin with, for parts longer than one answer"),
  }),
  run({ path, offset }, { assignment, fence }) {
    const found = at(assignment.payload, ...stepsOf(path));
    if (found === undefined) {
      return Promise.resolve(
        `Nothing is at "${path}". ` +
          fence(outline(assignment.payload), "outline of the payload"),
      );
    }
    if (path === "" && offset === 0 && JSON.stringify(found).length > MOST_CHARACTERS) {
      return Promise.resolve(fence(outline(found), "outline of the payload"));
    }
    const text = typeof found === "string" ? found : JSON.stringify(found);
    const part = beginningOf(text.slice(offset), MOST_CHARACTERS);
    return Promise.resolve(
      fence(offset === 0 && part === text ? found : part, "part of the payload"),
    );
  },
};

/** Finds a text in the message. */
export const searchPayload: Tool<{ text: string }> = {
  name: "search_payload",
  description: "Finds a text in the keys and values of the message's payload.",
  capability: { reads: "payload", effect: "none" },
  atomic: true,
  arguments: z.strictObject({
    text: z.string().min(1).max(200).describe("What to look for; case does not matter"),
  }),
  run({ text }, { assignment, fence }) {
    const hits: { path: string; excerpt: string }[] = [];
    search(assignment.payload, "", text.toLowerCase(), hits, { left: MOST_VALUES });
    return Promise.resolve(
      hits.length === 0 ? "Nothing found." : fence(hits, "hits in the payload"),
    );
  },
};

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
