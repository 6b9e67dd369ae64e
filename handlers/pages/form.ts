import type { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { Config } from "../../lib/config/config.ts";
import type { Env } from "../caller.ts";
import { Problem } from "../problem.ts";
import { page } from "../schemas/fields.ts";

/** The fields of a form that a page of ours has sent. */
export async function readForm(request: Request): Promise<URLSearchParams> {
  return new URLSearchParams(await request.text());
}

/** Where senders reach Otto: as configured, else as this browser does. */
export function originFor({ publicUrl }: Pick<Config, "publicUrl">, request: Request): string {
  return publicUrl ?? new URL(request.url).origin;
}

/** A path of ours to go back to; anything else is the given one. */
export function ownPath(text: string | null | undefined, otherwise: string): string {
  // A browser takes "//host" and "/\host" for another site.
  return text && /^\/([^\s/\\][^\s\\]{0,1999})?$/.test(text) ? text : otherwise;
}

/** The text of a query's parameter; undefined when it is empty. */
export function asked(c: Context<Env>, name: string, most = 200): string | undefined {
  const text = c.req.query(name)?.trim().slice(0, most);
  return text ? text.toWellFormed().replaceAll("\0", "") : undefined;
}

/**
 * The filters in a URL or a form, as they stand there, with where to go on from in `before`; what
 * is none, or is not right, is left out.
 */
export function queryOf(
  filter: z.ZodObject,
  value: (name: string) => string | undefined,
): Record<string, string> {
  const fields = Object.entries({ ...filter.shape, before: page.cursor });
  return Object.fromEntries(fields.flatMap(([name, field]) => {
    const text = value(name);
    return text && (field as z.ZodType).safeParse(text).success ? [[name, text]] : [];
  }));
}

/**
 * Refuses a query whose phase, state, status or signature there is none of: what is left out finds
 * everything, which nobody asked for.
 *
 * @throws {Problem} 400 that names it.
 */
export function requireKnown(c: Context<Env>, query: Record<string, string | undefined>): void {
  for (const [name, word] of Object.entries(KINDS)) {
    const given = asked(c, name);
    if (given === undefined || query[name] !== undefined) continue;
    throw new Problem(
      400,
      "bad_request",
      `There is no ${word} “${given}” to filter by`,
      "Choose one from the list's filters",
    );
  }
}

/** Filters whose values are few, in people's words. */
const KINDS = {
  phase: "phase",
  state: "state",
  status: "status",
  sig: "signature",
  group: "group",
} as const;

/** A text that is one of these; undefined when it is none of them. */
export function oneOf<T extends string>(
  text: string | undefined,
  all: readonly T[],
): T | undefined {
  return all.find((each) => each === text);
}
