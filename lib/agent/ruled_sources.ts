import type { z } from "zod";
import { GENERIC, type Registry } from "../../sources/rules/registry.ts";
import { closest } from "../config/strange_names.ts";

/** A shorter name is close to too many others. */
const SHORTEST = 6;

/**
 * Refuses rules for a source that there is not: nothing would go by them, an approval that is asked
 * for included.
 */
export function refuseUnknownSources({ all, find }: Pick<Registry, "all" | "find">) {
  return ({ sources = {} }: { sources?: Record<string, unknown> }, context: z.RefinementCtx) => {
    for (const name of Object.keys(sources)) {
      if (Object.hasOwn(all, name)) continue;
      const real = find(name).name;
      const meant = real === GENERIC ? closest(name, Object.keys(all), SHORTEST) : undefined;
      context.addIssue({
        code: "custom",
        path: ["sources", name],
        message: real !== GENERIC
          ? `is another name of ${real}: its rules stand under "${real}"`
          : `there is no such source. ${
            meant === undefined ? "" : `Did you mean "${meant}"? `
          }All names that Otto does not know are "${GENERIC}"; one that is in SOURCES_FILE has rules of its own`,
      });
    }
  };
}
