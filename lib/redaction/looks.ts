import { isOrdinary } from "./ordinary.ts";

/** Stands where a secret was. */
export const MARK = "•••";

/**
 * Secrets that are known by their looks, wherever they stand (prefixes and lengths are those of
 * gitleaks' rules, https://github.com/gitleaks/gitleaks/blob/master/config/gitleaks.toml): of code
 * hosts, clouds, model providers, shops, registries, trackers; addresses that let anybody post;
 * tokens of JSON, private keys; our own.
 */
const LOOKS = new RegExp(
  "(?<![A-Za-z0-9])(?:" + [
    String.raw`gh[pousr]_[A-Za-z0-9]{36,}`,
    String.raw`github_pat_[A-Za-z0-9_]{50,}`,
    String.raw`gl(?:pat|oas|dt|rt|cbt|ptt|ft|imt|agent|soat|ffct)-[A-Za-z0-9_-]{20,}`,
    String.raw`(?:xoxe\.)?xox[abcdeoprs]-[A-Za-z0-9%-]{10,}`,
    String.raw`xapp-[A-Za-z0-9-]{10,}`,
    String.raw`hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/_-]{20,}`,
    String.raw`discord(?:app)?\.com/api/webhooks/\d{10,}/[A-Za-z0-9_-]{20,}`,
    String.raw`webhook\.office\.com/webhookb2/[A-Za-z0-9@/-]{40,}`,
    String.raw`sk-[A-Za-z0-9_-]{20,}`,
    String.raw`(?:gsk_|xai-|pplx-)[A-Za-z0-9]{48,}`,
    String.raw`(?:sk|rk)_(?:live|test|prod)_[A-Za-z0-9]{10,}`,
    String.raw`sq0(?:atp|csp)-[A-Za-z0-9_-]{22,}`,
    String.raw`shippo_(?:live|test)_[0-9a-fA-F]{40}`,
    String.raw`EZ[AT]K[A-Za-z0-9]{54}`,
    String.raw`whsec_[A-Za-z0-9+/=]{16,}`,
    String.raw`otto_[0-9a-f]{12}_[A-Za-z0-9_-]{32}`,
    String.raw`(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}(?![0-9A-Za-z])`,
    String.raw`hv[sb]\.[A-Za-z0-9_-]{24,}`,
    String.raw`sha256~[A-Za-z0-9_-]{43}`,
    String.raw`dapi[0-9a-f]{32}`,
    String.raw`dp\.(?:pt|st|ct|sa|scim)\.[A-Za-z0-9._-]{40,}`,
    String.raw`pscale_(?:tkn|oauth|pw)_[A-Za-z0-9_=.-]{32,}`,
    String
      .raw`(?:PMAK-[0-9a-f]{24}-[0-9a-f]{34}|NRAK-[A-Z0-9]{27}|pul-[0-9a-f]{40}|key-[0-9a-f]{32})`,
    String.raw`(?:glsa|glc|sntrys|sntryu|dckr_pat|dckr_oat|lin_api|ntn|fo1)_[A-Za-z0-9+/=_-]{27,}`,
    String.raw`(?:ATATT3|ops_eyJ|AGE-SECRET-KEY-1)[A-Za-z0-9+/=_-]{58,}`,
    String.raw`xkeysib-[0-9a-f]{64}-[A-Za-z0-9]{16}`,
    String.raw`AIza[0-9A-Za-z_-]{35}`,
    String.raw`ya29\.[A-Za-z0-9_-]{20,}`,
    String.raw`shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}`,
    String.raw`SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}`,
    String.raw`(?:npm_[A-Za-z0-9]{36}|rubygems_[0-9a-f]{48})`,
    String.raw`pypi-[A-Za-z0-9_-]{50,}`,
    String.raw`hf_[A-Za-z]{34}`,
    String.raw`do[opr]_v1_[0-9a-f]{64}`,
    String.raw`\d{8,10}:AA[A-Za-z0-9_-]{33}`,
    String.raw`(?<![_-])eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}`,
    String
      .raw`-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----|$)`,
  ].join("|") + ")",
  "g",
);

/** Azure's has its mark in the middle: among the others, each character might begin one. */
const OF_AZURE = /[A-Za-z0-9_~.]{3}\dQ~[A-Za-z0-9_~.-]{31,34}/g;

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
    .replace(OF_AZURE, MARK)
    .replace(
      IN_URL,
      (whole, before, password) => PORT.test(password) ? whole : `${before}${MARK}@`,
    )
    .replace(SCHEME, masked)
    .replace(ASSIGNED, (whole, word, between, value, at, all) => {
      const behind = all.slice(at + whole.length, at + whole.length + 1);
      return isOrdinary(value, { word, between, behind })
        ? whole
        : masked(whole, word, between, value);
    });
}
