import type { SourceGate } from "../../lib/work/verify/source_gate.ts";
import { Problem } from "../problem.ts";

/** Whether a source's events come by this method: by POST always, by others where its vendor has them. */
export function takesMethod({ source }: SourceGate, method: string): boolean {
  return method === "POST" || (source.methods?.includes(method) ?? false);
}

/**
 * The 405 for a method by which this source sends no events, or for a GET that would have to be
 * verified and is not.
 */
export function wrongMethod({ source, variable }: SourceGate, method: string): Problem {
  const methods = source.methods ?? ["POST"];
  return new Problem(
    405,
    "method_not_allowed",
    `Cannot ${method.slice(0, 16)} a webhook`,
    methods.includes(method)
      ? `Send webhooks with POST, or set ${variable}: by GET only verified ones are taken, ` +
        "for browsers, crawlers and link previews send GETs, too"
      : `Send webhooks with ${methods.join(" or ")}`,
    { allow: methods.join(", ") },
  );
}
