/**
 * A value as JSON text that PostgreSQL takes as `jsonb`: NUL and lone
 * surrogates, which it refuses, become U+FFFD. Pass it as `${…}::text::jsonb`:
 * cast straight to jsonb the driver would quote the text once more.
 */
export function storedJson(value: unknown): string {
  return JSON.stringify(
    value,
    (_key, each) => typeof each === "string" ? storedText(each) : withStoredKeys(each),
  );
}

/** An object whose keys are taken, too: itself, but for the rare one that has to be copied. */
function withStoredKeys(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  if (Object.keys(value).every((key) => storedText(key) === key)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [storedText(key), each]));
}

/** A text that PostgreSQL takes as `text`. */
export function storedText(text: string): string {
  return text.replaceAll("\0", "\ufffd").toWellFormed();
}

/** Ids as the text of a `uuid[]`: pass it as `${…}::uuid[]`. */
export function idArray(ids: readonly string[]): string {
  return `{${ids.join(",")}}`;
}
