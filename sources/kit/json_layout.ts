/** Spaces for each character of the JSON itself: what is nested a hundred deep in common payloads has fewer. */
const MOST_SPACES_EACH = 32;
/** So many are never too many, however short the JSON is. */
const FEW_SPACES = 4_000;

/**
 * JSON over several lines, as `JSON.stringify` writes it; on one line where it nests so deep that
 * the spaces before its lines would be far more than what it says: each line has as many as its
 * value lies deep, so 64 KB could become half a gigabyte.
 */
export function layOutJson(value: unknown, indent: number | "\t" = 2): string {
  const compact = JSON.stringify(value) ?? "null";
  const width = indent === "\t" ? 1 : indent;
  const most = MOST_SPACES_EACH * compact.length + FEW_SPACES;
  return width * levelsIn(compact) <= most ? JSON.stringify(value, null, indent) : compact;
}

/** What reorders or hides text, or looks like nothing: fillers, tags, the blank of Braille. */
const UNSEEN =
  /[\p{Default_Ignorable_Code_Point}\p{Bidi_Control}\p{Zl}\p{Zp}\u007F-\u009F\u2800\uFFF9-\uFFFB]/gu;

/**
 * JSON as somebody has to see it who decides on it: characters that no reader sees stand there as
 * their escapes, which say the same.
 */
export function showUnseen(json: string): string {
  return json.replace(
    UNSEEN,
    (character) =>
      character.split("").map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
        .join(""),
  );
}

/** How deep all lines of a JSON text would lie, added up. */
function levelsIn(compact: string): number {
  let levels = 0;
  let depth = 0;
  let inString = false;
  for (let i = 0; i < compact.length; i++) {
    const character = compact[i];
    if (inString) {
      if (character === "\\") i++;
      else if (character === '"') inString = false;
    } else if (character === '"') inString = true;
    else if (character === "{" || character === "[") levels += ++depth;
    else if (character === "}" || character === "]") levels += --depth;
    else if (character === ",") levels += depth;
  }
  return levels;
}
