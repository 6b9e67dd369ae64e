import { isPlace, PLACE_WANTED, type Request, textAt } from "./place.ts";

const PART = /\{([^{}|]*)(?:\|([^{}]*))?\}/g;

/** What is wrong with a template; undefined when nothing is. */
export function templateFault(template: string): string | undefined {
  for (const [whole, place] of template.matchAll(PART)) {
    if (!isPlace(place)) return `${whole} ${PLACE_WANTED}`;
  }
  return /[{}]/.test(template.replace(PART, ""))
    ? 'has a brace without its partner: a part is written "{order.number}" or "{order.number|none}"'
    : undefined;
}

/** Whether a template names anything of the request. */
export function hasParts(template: string): boolean {
  return template.match(PART) !== null;
}

/**
 * A template with what a request has in its parts: `{order.number}`, or with
 * other words where there is nothing: `{order.number|an order}`. Its result is a
 * sender's text like any other.
 *
 * @returns undefined when no part of it could be filled.
 */
export function fillTemplate(template: string, request: Request): string | undefined {
  let filled = !hasParts(template);
  const text = template.replace(PART, (_, place: string, otherwise: string | undefined) => {
    const found = textAt(place, request);
    if (found !== undefined) filled = true;
    return found ?? otherwise ?? "";
  });
  return filled ? text : undefined;
}
