/** Headers that prove who somebody is; what they hold is never shown, logged or told to a model. */
const SECRET_NAME =
  /auth(?!ors?(-|$))|cookie|token|secret|sign|key|pass|credential|hmac|session|jwt|bearer|digest|otp|[-_](sig|mac)$|^sig$/i;
/** Names that only look like it. */
const OPEN_NAME = /^(idempotency-key|sec-websocket-key|x-idempotency-key)$/i;
const HAS_URL = /^[a-z][a-z0-9+.-]*:\/\//i;
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
  for (const name of [...url.searchParams.keys()]) {
    if (SECRET_PARAMETER.test(name) || also.includes(name.toLowerCase())) {
      url.searchParams.set(name, MASK);
    }
  }
  return url.href;
}
