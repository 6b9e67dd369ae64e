/** What the gate's codes mean to whoever set a webhook up. */
const WORDS: Record<string, string> = {
  signature_mismatch: "wrong secret",
  signature_missing: "no signature",
  signature_malformed: "a signature that cannot be read",
  secret_not_configured: "no secret is set",
  secret_unusable: "the secret that is set is none",
  timestamp_outside_window: "its time is off",
  unverified: "it cannot be verified",
  address_not_allowed: "its address is not allowed",
  too_many_requests: "too many",
  daily_share_used: "its share of the day is used up",
  body_too_large: "too large",
  method_not_allowed: "the method is wrong",
};

/** Why something was refused, in a few words for a row. */
export function refusedWords(code: string): string {
  return Object.hasOwn(WORDS, code) ? WORDS[code] : code.replaceAll("_", " ");
}
