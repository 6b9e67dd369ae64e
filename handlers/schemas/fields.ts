import { z } from "@hono/zod-openapi";
import { isId } from "../../lib/store/id.ts";
import type { FoundItems } from "../../lib/store/walk.ts";

/**
 * What the API's shapes have in common. The shapes of this room check what
 * comes in, and are what `/openapi.json` shows.
 */

export const count = z.number().int();

export const id = z.string().openapi({
  format: "uuid",
  example: "0198c0de-0000-7000-8000-000000000001",
});

export const time = z.date().openapi({ type: "string", format: "date-time" });

export const timeOrNull = z.date().nullable().openapi({
  type: ["string", "null"],
  format: "date-time",
});

export const idParam = z.object({
  id: z.string().refine(isId, { error: "must be an id, such as those that lists show" })
    .openapi({ param: { name: "id", in: "path" }, format: "uuid" }),
});

export const page = {
  limit: z.coerce.number().int().min(1).max(200).default(50)
    .openapi({ description: "How many at the most" }),
  cursor: z.string().refine(isId, { error: "must be the `next` of an earlier answer" }).optional()
    .openapi({ description: "The `next` of the answer before" }),
};

export const listOf = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), next: id.nullable() });

export const searchOf = <T extends z.ZodType>(item: T) =>
  listOf(item).extend({
    stopped: z.object({
      looked: count.openapi({ description: "How many were looked through, at the most" }),
      to: time.openapi({ description: "Nothing newer than this was left out" }),
    }).nullable().openapi({
      description: "Where one request does not look through all: `items` may then be few or none " +
        "although there are more. The request with `next` as its cursor looks further",
    }),
  });

/** What was found, as `searchOf` has it. */
export const foundPage = <T>({ items, next, stopped }: FoundItems<T>) => ({
  items,
  next: next ?? null,
  stopped: stopped ?? null,
});

export const typeParam = z.object({ type: z.string().openapi({ example: "github" }) });
