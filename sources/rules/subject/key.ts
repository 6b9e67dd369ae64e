import { isIdText } from "../../kit/subject/subject_key.ts";
import { type RequestParts, valuesAt } from "../path_expression.ts";
import { hasParts, PART } from "../template.ts";

/**
 * A template of ids, each exactly as it was sent: undefined where one of them is missing (unless
 * other words stand for it), is no id, or is a number that has lost digits, or where `[*]` finds
 * several that differ. Half a key would be shared by strangers, and the first of several is not
 * what the others are about.
 */
export function fillKey(template: string, request: RequestParts): string | undefined {
  let isWhole = hasParts(template);
  const key = template.replace(PART, (_, path: string, otherwise: string | undefined) => {
    const [found = otherwise, ...others] = valuesAt(path, request) ?? [];
    const isId = (typeof found === "string" ? isIdText(found) : Number.isSafeInteger(found)) &&
      others.every((other) => other === found);
    if (!isId) isWhole = false;
    return isId ? String(found) : "";
  });
  return isWhole ? key : undefined;
}

/** What is wrong with a key's template: it would be the same for all, or none; undefined when nothing is. */
export function keyFault(template: string): string | undefined {
  if (!hasParts(template)) {
    return 'has no part in braces, so every message would be about the same: write "{order.id}"';
  }
  return isIdText(template.replace(PART, "1"))
    ? undefined
    : "could never be a key, as it begins or ends with a space, has a line break or other invisible " +
      "characters in it, or is longer than 200 characters";
}
