/**
 * A value as JSON text that PostgreSQL takes as `jsonb`: NUL and lone
 * surrogates, which it refuses, become U+FFFD. Pass it as `${…}::text::jsonb`:
 * cast straight to jsonb the driver would quote the text once more.
 */
export function storedJson(value: unknown): string {
  return JSON.stringify(value, (_key, each) => typeof each === "string" ? storedText(each) : each);
}

/** A text that PostgreSQL takes as `text`. */
export function storedText(text: string): string {
  return text.replaceAll("\0", "\ufffd").toWellFormed();
}

/** Ids as the text of a `uuid[]`: pass it as `${…}::uuid[]`. */
export function idArray(ids: readonly string[]): string {
  return `{${ids.join(",")}}`;
}
