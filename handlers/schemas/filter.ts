import { z } from "@hono/zod-openapi";
import { isId } from "../../lib/store/id.ts";

/** The filters that lists have in common, by the same names in the API and in the URLs of pages. */

const SECONDS: Record<string, number> = { m: 60, h: 3_600, d: 86_400 };
/** So far back is as good as any time. */
const SPAN = /^(\d{1,4})([mhd])$/;

/** Texts longer than this are looked for by their beginning. */
const MOST_TEXT = 200;

export const text = (description: string) =>
  z.string().trim().max(MOST_TEXT).optional().openapi({ description });

export const idOf = (thing: string) =>
  z.string().refine(isId, { error: `must be a ${thing}'s id` }).optional();

export const source = z.string().max(64).optional();

const timeOf = (description: string) =>
  z.string().transform((given, context) => {
    const [, count, unit] = SPAN.exec(given) ?? [];
    if (count) return new Date(Date.now() - Number(count) * SECONDS[unit] * 1_000);
    const time = z.union([z.iso.datetime({ offset: true, local: true }), z.iso.date()])
      .safeParse(given);
    // What names no zone is UTC: the browser's own is not known here.
    const isLocal = given.includes("T") && !/(?:Z|[+-]\d\d:\d\d)$/.test(given);
    if (time.success) return new Date(isLocal ? `${given}Z` : given);
    context.addIssue({
      code: "custom",
      message: 'must be a time, or how far back, such as "24h"',
    });
    return z.NEVER;
  }).optional().openapi({ type: "string", description });

export const since = timeOf(
  "Only what came after this: an ISO 8601 time (in UTC where it names no zone), or how far back " +
    "(`90m`, `24h`, `7d`)",
);

export const until = timeOf("Only what came before this, said in the same way");

export const batch = z.string().transform((given, context): [from: string, to: string] => {
  const [from, to, ...more] = given.split("..");
  if (isId(from) && isId(to ?? "") && more.length === 0) return [from, to];
  context.addIssue({ code: "custom", message: "must be two ids with two dots between them" });
  return z.NEVER;
}).optional().openapi({
  type: "string",
  description: "Replays made together: the first and the last one's id, `from..to`",
});

/** How a list may be put together: a list alone has it, and nothing that acts on what matches. */
export const group = z.enum(["subject"]).optional().openapi({
  description:
    "Of what is about the same subject only the newest that matches. It says nothing of " +
    "a search in bodies or headers",
});
