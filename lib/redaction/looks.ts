/** Stands where a secret was. */
export const MARK = "•••";

/**
 * Secrets that are known by their looks, wherever they stand (the prefixes are those of gitleaks'
 * rules): of GitHub, GitLab, Slack, OpenAI and Anthropic, Stripe, AWS, Google, Shopify, SendGrid,
 * npm, PyPI, Hugging Face, DigitalOcean, Telegram; addresses that let anybody post; tokens of JSON,
 * private keys; our own.
 */
const LOOKS = new RegExp(
  "(?<![A-Za-z0-9])(?:" + [
    String.raw`gh[pousr]_[A-Za-z0-9]{36,}`,
    String.raw`github_pat_[A-Za-z0-9_]{50,}`,
    String.raw`gl(?:pat|oas|dt|rt|cbt|ptt|ft|imt|agent|soat|ffct)-[A-Za-z0-9_-]{20,}`,
    String.raw`xox[abeoprs]-[A-Za-z0-9-]{10,}`,
    String.raw`xapp-[A-Za-z0-9-]{10,}`,
    String.raw`hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/_-]{20,}`,
    String.raw`discord(?:app)?\.com/api/webhooks/\d{10,}/[A-Za-z0-9_-]{20,}`,
    String.raw`sk-[A-Za-z0-9_-]{20,}`,
    String.raw`(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,}`,
    String.raw`whsec_[A-Za-z0-9+/=]{16,}`,
    String.raw`otto_[0-9a-f]{12}_[A-Za-z0-9_-]{32}`,
    String.raw`(?:AKIA|ASIA)[0-9A-Z]{16}(?![0-9A-Za-z])`,
    String.raw`AIza[0-9A-Za-z_-]{35}`,
    String.raw`ya29\.[A-Za-z0-9_-]{20,}`,
    String.raw`shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}`,
    String.raw`SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}`,
    String.raw`npm_[A-Za-z0-9]{36}`,
    String.raw`pypi-[A-Za-z0-9_-]{50,}`,
    String.raw`hf_[A-Za-z]{34}`,
    String.raw`do[opr]_v1_[0-9a-f]{64}`,
    String.raw`\d{8,10}:AA[A-Za-z0-9_-]{33}`,
    String.raw`(?<![_-])eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}`,
    String.raw`-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)`,
  ].join("|") + ")",
  "g",
);

/** `Authorization: Bearer …`, of which people paste. */
const SCHEME = /\b(Bearer|Basic)(\s{1,3})([A-Za-z0-9._~+/=-]{16,})/gi;
/** The password in `https://name:password@host` … */
const IN_URL = /(:\/\/[^\s/:@"'<>()\\,;?#&|]{0,100}:)([^\s/@"<>\\]{1,200})@/g;
/** … which is no port with what stands behind the URL. */
const PORT = /^\d{1,5}[')\]},;?]/;

/** What lists are read on with is no secret. */
const TOKEN = String.raw`(?<!(?:page|next|continuation|cursor|sync)[_-]?)token`;
const WORDS = `${TOKEN}|secret|password|passwd|pwd|passphrase|api[_-]?key|access[_-]?key|` +
  "secret[_-]?key|private[_-]?key|signing[_-]?key|encryption[_-]?key|authorization|cookie|" +
  "credential|response[_-]?url";

/** `response_url` lets anybody answer as the app. */
const FIELD = new RegExp(`(?:^|[^A-Za-z0-9])(?:${WORDS})s?$`, "i");

/** `password=…`, `"apiKey": "…"`, `?token=…`, `"name":"Authorization","value":"…"`. */
const ASSIGNED = new RegExp(
  `((?:${WORDS})` + String.raw`\\?["']?)` +
    String.raw`((?:,\s{0,3}\\?["']value\\?["'])?\s{0,3}[:=]\s{0,3}\\?["']?)` +
    String.raw`([^\s"'\\,;&<>(){}[\]]{8,})`,
  "gi",
);
/** Words of prose have no digit, and a place may be told. */
const PLAIN = /^(?:https?:|\/|\D*$)/i;

/** Whether a field of this name holds a secret whatever it looks like: `access_token`, `clientSecret`, `X-Api-Key`. */
export function isSecretName(name: string): boolean {
  return name.length <= 200 &&
    FIELD.test(name.replace(/([a-z\d])([A-Z])/g, "$1_$2"));
}

/** A text without what looks like a secret in it. */
export function withoutLookalikes(text: string): string {
  const masked = (whole: string, name: string, between: string, value: string) =>
    PLAIN.test(value) ? whole : `${name}${between}${MARK}`;
  return text.replace(LOOKS, MARK)
    .replace(
      IN_URL,
      (whole, before, password) => PORT.test(password) ? whole : `${before}${MARK}@`,
    )
    .replace(SCHEME, masked)
    .replace(ASSIGNED, masked);
}
