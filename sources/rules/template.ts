import { pathExpressionFault, type RequestParts, textAt } from "./path_expression.ts";

/** A part: a path expression, whose keys in quotes may hold anything but braces, and after `|` other words. */
export const PART = /\{((?:[^{}|"]|"(?:[^{}"\\]|\\[^{}])*")*)(?:\|([^{}]*))?\}/g;

/** What is wrong with a template; undefined when nothing is. */
export function templateFault(template: string): string | undefined {
  for (const [whole, path] of template.matchAll(PART)) {
    const fault = pathExpressionFault(path);
    if (fault !== undefined) return `${whole}: ${fault}`;
  }
  return /[{}]/.test(template.replace(PART, ""))
    ? 'has a brace without its partner: a part is written "{order.number}" or "{order.number|none}"'
    : undefined;
}

/** The path expressions in a template. */
export function pathExpressionsIn(template: string): string[] {
  return Array.from(template.matchAll(PART), ([, path]) => path);
}

/** Whether a template has any part to fill. */
export function hasParts(template: string): boolean {
  return template.match(PART) !== null;
}

/** The most characters of one part: nobody reads more of a title or a link. */
const MOST_PART = 10_000;
/** The longest text that is made: many long parts must not become megabytes. */
const MOST_TEXT = 100_000;

/**
 * A template with what a request has in its parts: `{order.number}`, or with
 * other words where there is nothing: `{order.number|an order}`. Its result is a
 * sender's text like any other.
 *
 * @returns undefined when no part of it could be filled.
 */
export function fillTemplate(template: string, request: RequestParts): string | undefined {
  return fill(template, request, (text) => text);
}

/**
 * The same for a link: what a sender wrote stays inside the part of the URL where
 * the template has it. A template that is one part alone is the sender's own link.
 */
export function fillLink(template: string, request: RequestParts): string | undefined {
  const isAlone = template.replace(PART, "") === "";
  return fill(template, request, isAlone ? (text) => text : encodeURIComponent);
}

/** What is wrong with a link's template; undefined when nothing is. */
export function linkFault(template: string): string | undefined {
  const [parts] = [...template.matchAll(PART)];
  const isAlone = parts?.[0] === template;
  return isAlone || /^https?:\/\/[^\s{}/?#]+([/?#]|$)/.test(template)
    ? undefined
    : 'must begin with a whole address, such as "https://acme.example/", or be one place alone';
}

function fill(
  template: string,
  request: RequestParts,
  write: (text: string) => string,
): string | undefined {
  let filled = !hasParts(template);
  const text = template.replace(PART, (_, path: string, otherwise: string | undefined) => {
    const found = textAt(path, request);
    if (found !== undefined) filled = true;
    return write((found ?? otherwise ?? "").slice(0, MOST_PART).toWellFormed());
  });
  return filled ? text.slice(0, MOST_TEXT) : undefined;
}
