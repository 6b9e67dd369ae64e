import { z } from "zod";
import { secretVariable } from "../kit/secret_variable.ts";
import { sources } from "../mod.ts";
import { sourceFaults } from "./contradictions.ts";
import { sourceSettings } from "./source_fields.ts";

export type { SourceSettings } from "./source_fields.ts";

const RESERVED = ["health", "stats", "status"];

/** The whole of `sources.json`: settings by the name in the webhook's URL. */
export const sourcesFile = z.record(
  z.string().regex(/^(?!\.+$)[a-z0-9._-]{1,64}$/, {
    error: "must be a name for the URL: 1 to 64 of a-z, 0-9, dot, dash and underscore",
  }).refine((name) => !RESERVED.includes(name), { error: "is the name of a page of Otto's" }),
  sourceSettings,
).superRefine((all, context) => {
  const names = new Map<string, string>();
  for (const name of [...Object.keys(sources), ...Object.keys(all)]) {
    const variable = secretVariable(name);
    const other = names.get(variable);
    if (other !== undefined && other !== name) {
      context.addIssue({
        code: "custom",
        path: [name],
        message: `has the same variable for its secret as "${other}", ${variable}: rename one`,
      });
    }
    names.set(variable, name);
  }
  for (const [name, settings] of Object.entries(all)) {
    for (const [path, message] of sourceFaults(name, settings)) {
      context.addIssue({ code: "custom", path: path ? [name, path] : [name], message });
    }
  }
});
