import { z } from "@hono/zod-openapi";

export const problem = z.object({
  error: z.object({ code: z.string(), message: z.string(), hint: z.string() }),
}).openapi("Error", {
  example: {
    error: {
      code: "signature_mismatch",
      message: "The signature does not match the body",
      hint: "Check that the secret is the one configured at the sender",
    },
  },
});
