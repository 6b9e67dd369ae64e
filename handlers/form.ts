import type { Context } from "hono";
import type { Env } from "./caller.ts";

/** The fields of a form that a page of ours has sent. */
export async function readForm(request: Request): Promise<URLSearchParams> {
  return new URLSearchParams(await request.text());
}

/** A path of ours to go back to; anything else is the given one. */
export function ownPath(text: string | null | undefined, otherwise: string): string {
  // A browser takes "//host" and "/\host" for another site.
  return text && /^\/(?![/\\])[^\s\\]{0,2000}$/.test(text) ? text : otherwise;
}

/** The text of a query's parameter; undefined when it is empty. */
export function asked(c: Context<Env>, name: string, most = 200): string | undefined {
  const text = c.req.query(name)?.trim().slice(0, most);
  return text ? text.toWellFormed().replaceAll("\0", "") : undefined;
}

/** A text that is one of these; undefined when it is none of them. */
export function oneOf<T extends string>(
  text: string | undefined,
  all: readonly T[],
): T | undefined {
  return all.find((each) => each === text);
}
