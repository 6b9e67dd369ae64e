import { isIdText } from "../../kit/subject/subject_key.ts";
import { type RequestParts, valuesAt } from "../path_expression.ts";
import { hasParts, PART } from "../template.ts";

/**
 * A template of ids, each exactly as it was sent: undefined where one of them is missing (unless
 * other words stand for it), is no id, or is a number that has lost digits. Half a key would be
 * shared by strangers.
 */
export function fillKey(template: string, request: RequestParts): string | undefined {
  let isWhole = hasParts(template);
  const key = template.replace(PART, (_, path: string, otherwise: string | undefined) => {
    const [found = otherwise] = valuesAt(path, request) ?? [];
    const isId = typeof found === "string" ? isIdText(found) : Number.isSafeInteger(found);
    if (!isId) isWhole = false;
    return isId ? String(found) : "";
  });
  return isWhole ? key : undefined;
}

/** What is wrong with a key's template: it would be the same for all; undefined when nothing is. */
export function keyFault(template: string): string | undefined {
  return hasParts(template)
    ? undefined
    : 'has no part in braces, so every message would be about the same: write "{order.id}"';
}
