import { z } from "zod";
import { pathExpressionFault } from "./path_expression.ts";

/** A place in a request. */
export const pathExpression = z.string().max(300).superRefine((text, context) => {
  const fault = pathExpressionFault(text);
  if (fault !== undefined) context.addIssue({ code: "custom", message: fault });
});

const condition = z.strictObject({
  path: pathExpression,
  equals: z.union([z.string(), z.number(), z.boolean(), z.null()], {
    error: "must be a text, a number, true, false or null",
  }).refine((value) => !Number.isInteger(value) || Number.isSafeInteger(value), {
    error: "is more than a number can hold: write it in quotes",
  }).optional(),
  glob: z.string().min(1).max(500).optional(),
  exists: z.boolean().optional(),
  not: z.boolean().optional(),
}).superRefine(({ equals, glob, exists }, context) => {
  if ([equals, glob, exists].filter((each) => each !== undefined).length === 1) return;
  context.addIssue({
    code: "custom",
    message: 'must have one of "equals", "glob" and "exists", and only one',
  });
});

const conditions = z.array(condition).min(1, {
  error: "has no conditions, so it would let everything through: leave it out instead",
}).max(100);

/** What a message must be like; a list alone means that all of it must be so. */
export const filter = z.preprocess(
  (given) => Array.isArray(given) ? { all: given } : given,
  z.strictObject({ all: conditions.optional(), any: conditions.optional() })
    .refine(({ all, any }) => all !== undefined || any !== undefined, {
      error: 'must have "all" or "any", each a list of conditions',
    }),
);
