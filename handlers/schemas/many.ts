import { z } from "@hono/zod-openapi";
import { isId } from "../../lib/store/id.ts";
import { count, id } from "./fields.ts";

/** More are acted on in several requests: each then ends within a proxy's patience. */
export const MOST_AT_ONCE = 1_000;

/** Which things are meant: by their ids, or all that match as many as the caller has seen. */
export const chosen = <T extends z.ZodRawShape>(filter: z.ZodObject<T>) =>
  z.union([
    z.strictObject({
      ids: z.array(z.string().refine(isId, { error: "must be an id" })).min(1).max(MOST_AT_ONCE),
    }),
    z.strictObject({
      filter: filter.strict().refine((given) => Object.values(given).some((each) => each), {
        error: "must have a filter: all that there are is never meant",
      }),
      expect: z.number().int().min(0).openapi({
        description: "How many match, as you have seen it. Another number is a 409 that says it",
        example: 14,
      }),
    }),
  ], { error: "must be { ids: […] }, or { filter: {…}, expect: how many match }" });

/** Something that was left as it is, and why. */
const leftAlone = z.object({ id, code: z.string(), message: z.string() })
  .openapi("LeftAlone");

export const acted = z.object({
  done: count,
  ids: z.array(id),
  refused: z.array(leftAlone),
}).openapi("Acted");
