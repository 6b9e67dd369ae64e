/** The longest URL that becomes a link: a longer one is data rather than an address. */
const MAX_LENGTH = 2_000;

/** A value that is a valid `https:` or `http:` URL without a password, written out; `undefined` for anything else. */
export function httpLink(value: unknown): string | undefined {
  if (typeof value !== "string" || value.length > MAX_LENGTH) return undefined;
  const url = URL.parse(value);
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password) {
    return undefined;
  }
  return url.href;
}
