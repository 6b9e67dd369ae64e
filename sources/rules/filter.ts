import { oneLine } from "../kit/line.ts";
import { matchesGlob } from "./glob.ts";
import { type RequestParts, valuesAt } from "./path_expression.ts";

/** One condition on a request; exactly one of `equals`, `glob` and `exists` is there. */
interface FilterCondition {
  path: string;
  /** Texts and numbers are compared as they are written: a form knows texts only. */
  equals?: string | number | boolean | null;
  glob?: string;
  exists?: boolean;
  /** The condition is met where it would not be. */
  not?: boolean;
}

/** What a message must be like to become a task: all of `all`, and one of `any`. */
export interface Filter {
  all?: readonly FilterCondition[];
  any?: readonly FilterCondition[];
}

const UNREAD = "the body could not be read, as it is neither JSON nor a form";
/** Longer texts are not compared with a pattern: a pattern takes time for each character. */
const MOST_TEXT = 100_000;

/**
 * Why a filter holds a message back, in one line; undefined when it lets it
 * through. What is not there equals nothing and matches no pattern.
 */
export function heldBackBy(
  { all = [], any = [] }: Filter,
  request: RequestParts,
): string | undefined {
  const unmet = all.find((condition) => !meets(condition, request));
  if (unmet) return `${formatCondition(unmet)}: ${formatValues(unmet, request)}`;
  if (any.length === 0 || any.some((condition) => meets(condition, request))) return undefined;
  const why = request.isRaw ? `${UNREAD}, so ` : "";
  return oneLine(`${why}none of ${any.map(formatCondition).join("; ")}`, 400);
}

function meets(condition: FilterCondition, request: RequestParts): boolean {
  const found = valuesAt(condition.path, request);
  // Where it cannot be said what is there, a condition with `not` is not met either.
  if (found === undefined) return false;
  // The same where it is too long to be compared.
  return areComparable(condition, found) && holds(condition, found) !== (condition.not ?? false);
}

function areComparable({ glob }: FilterCondition, found: readonly unknown[]): boolean {
  return glob === undefined ||
    found.every((value) => typeof value !== "string" || value.length <= MOST_TEXT);
}

function holds({ equals, glob, exists }: FilterCondition, found: readonly unknown[]): boolean {
  if (exists !== undefined) return (found.length > 0) === exists;
  if (glob !== undefined) {
    return found.some((value) => isPlain(value) && matchesGlob(glob, String(value)));
  }
  return found.some((value) =>
    equals === null ? value === null : isPlain(value) && String(value) === String(equals)
  );
}

function isPlain(value: unknown): value is string | number | boolean {
  return ["string", "number", "boolean"].includes(typeof value);
}

/** A condition in words: `action equals "opened"`. */
export function formatCondition({ path, equals, glob, exists, not }: FilterCondition): string {
  if (exists !== undefined) return `${path} is ${exists !== (not ?? false) ? "" : "not "}there`;
  const word = glob === undefined ? "equals" : "matches";
  return `${path} ${not ? `not ${word}` : word} ${JSON.stringify(glob ?? equals)}`;
}

function formatValues(condition: FilterCondition, request: RequestParts): string {
  const { path, exists } = condition;
  const found = valuesAt(path, request);
  if (found === undefined) return request.isRaw ? UNREAD : "it has too many values to look at all";
  if (found.length === 0) return "it is not there";
  if (exists !== undefined) return "it is there";
  if (!areComparable(condition, found)) {
    return `it is longer than the ${MOST_TEXT.toLocaleString("en")} characters that are compared`;
  }
  const plain = found.filter(isPlain).map((value) => oneLine(String(value), 60));
  return plain.length > 0 ? `it is ${plain.slice(0, 5).join(", ")}` : "it is no plain value";
}
