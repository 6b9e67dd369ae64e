import type { Context } from "hono";
import type { Config } from "../../lib/config/config.ts";
import { isId } from "../../lib/store/id.ts";
import type { Env } from "../caller.ts";
import { SINCE } from "../views/parts/filters.ts";

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

/** Two ids with two dots between them, the first and the last of a batch; undefined otherwise. */
export function batchOf(text: string | undefined): [from: string, to: string] | undefined {
  const [from, to, ...more] = text?.split("..") ?? [];
  return isId(from ?? "") && isId(to ?? "") && more.length === 0 ? [from, to] : undefined;
}

/** When a choice of how far back begins, such as "24h"; undefined for any time. */
export function sinceOf(choice: string | undefined): Date | undefined {
  const seconds = SINCE.find(({ value }) => value === choice)?.seconds;
  return seconds === undefined ? undefined : new Date(Date.now() - seconds * 1_000);
}

/** A text that is one of these; undefined when it is none of them. */
export function oneOf<T extends string>(
  text: string | undefined,
  all: readonly T[],
): T | undefined {
  return all.find((each) => each === text);
}
