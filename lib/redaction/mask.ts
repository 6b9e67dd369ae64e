/** Headers that prove who somebody is; what they hold is never shown, logged or told to a model. */
export const SECRET_NAME =
  /auth(?!ors?(-|$))|cookie|token|secret|sign|key|pass|credential|hmac|session|jwt|bearer|digest|otp|[-_](sig|mac)$|^sig$/i;
/** Names that only look like it. */
export const OPEN_NAME = /^(idempotency-key|sec-websocket-key|x-idempotency-key)$/i;
/** The search in headers asks PostgreSQL for the same three. */
export const HAS_URL = /^[a-z][a-z0-9+.-]*:\/\//i;
/** Query parameters that carry such a proof in the URL. */
const SECRET_PARAMETER = /token|secret|signature|key|password|auth|sig|code/i;
const MASK = "•••";

/**
 * Headers as they may be shown: the values of secret ones are masked, and secrets in URLs.
 *
 * @param also names that look like others and hold a secret, in lower case.
 */
export function maskHeaders(
  headers: Headers,
  also: readonly string[] = [],
): Record<string, string> {
  return Object.fromEntries(
    [...headers].map(([name, value]) => [
      name,
      also.includes(name) || SECRET_NAME.test(name) && !OPEN_NAME.test(name)
        ? MASK
        : HAS_URL.test(value)
        ? maskUrl(value, also)
        : value,
    ]),
  );
}

/** A URL as it may be shown: without a password, secret parameters masked, and those of `also`. */
export function maskUrl(text: string, also: readonly string[] = []): string {
  const url = URL.parse(text);
  if (!url) return MASK;
  if (url.username || url.password) {
    url.username = url.username ? MASK : "";
    url.password = url.password ? MASK : "";
  }
  const isSecret = (name: string) =>
    SECRET_PARAMETER.test(name) || also.includes(name.toLowerCase());
  const shown: [name: string, value: string][] = [];
  const masked = new Set<string>();
  for (const [name, value] of url.searchParams) {
    if (!isSecret(name)) shown.push([name, value]);
    else if (!masked.has(name)) shown.push([name, MASK]);
    if (isSecret(name)) masked.add(name);
  }
  // Set once: each change of a parameter would write the whole URL again.
  if (masked.size > 0) url.search = new URLSearchParams(shown).toString();
  return url.href;
}
