import { words } from "./line.ts";

/** The longest value that is told of a change, in characters: of a longer one only its name is. */
const MAX_VALUE = 60;

/** `status To Do → Done`; a value that was not there before or is gone is `none`, one too long is left out. */
export function changed(
  name: string | undefined,
  was: string | undefined,
  now: string | undefined,
): string | undefined {
  const isLong = [was, now].some((value) => (value?.length ?? 0) > MAX_VALUE);
  const isKnown = was !== undefined || now !== undefined;
  const values = isKnown && !isLong ? `${was ?? "none"} → ${now ?? "none"}` : undefined;
  return words(name, values) || undefined;
}

/** The first few of several things, and how many more there are: `a, b, c and 2 more`. */
export function firstFew(things: readonly (string | undefined)[], most = 3): string | undefined {
  const known = things.filter((thing) => thing !== undefined && thing !== "");
  const more = known.length - most;
  return words(known.slice(0, most).join(", "), more > 0 ? `and ${more} more` : undefined) ||
    undefined;
}
