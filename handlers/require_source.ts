import type { Registry } from "../sources/rules/registry.ts";
import { Problem } from "./problem.ts";

/** @throws {Problem} 404 when no source has this name. */
export function requireSource(all: Registry["all"], name: string): void {
  if (Object.hasOwn(all, name)) return;
  throw new Problem(
    404,
    "source_not_found",
    "There is no source of this name",
    "All that Otto knows are listed at Sources; anything else is taken too, as generic",
  );
}
