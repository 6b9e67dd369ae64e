import { Buffer } from "node:buffer";

/** Shorter ones would blot out ordinary words. */
const SHORTEST = 6;
const MARK = "•••";

/** Secrets that are known by their looks: of GitHub, Slack, OpenAI and Anthropic, Stripe, AWS, Google; keys; our own. */
const KNOWN = new RegExp(
  [
    String.raw`\bgh[pousr]_[A-Za-z0-9]{36,}\b`,
    String.raw`\bgithub_pat_[A-Za-z0-9_]{50,}\b`,
    String.raw`\bxox[abeoprs]-[A-Za-z0-9-]{10,}`,
    String.raw`\bsk-[A-Za-z0-9_-]{20,}`,
    String.raw`\b(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,}`,
    String.raw`\bwhsec_[A-Za-z0-9+/=]{16,}`,
    String.raw`\botto_[0-9a-f]{12}_[A-Za-z0-9_-]{32}`,
    String.raw`\bAKIA[0-9A-Z]{16}\b`,
    String.raw`\bAIza[0-9A-Za-z_-]{35}`,
    String.raw`-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)`,
  ].join("|"),
  "g",
);

/** Takes secrets out of a text. */
export type Redact = (text: string) => string;

/**
 * A secret as base64 shows it, alone or behind anything: servers repeat a header of
 * `Basic` credentials, or what they could not decode. Three offsets give three
 * texts; the digits at the ends that depend on the neighbours are not among them.
 */
function base64Of(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const whole = bytes.toString("base64");
  const inside = [0, 1, 2].map((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString("base64").replace(
      /={1,2}$/,
      "",
    );
    const first = Math.ceil(offset * 8 / 6);
    return text.slice(first, Math.floor((offset + bytes.length) * 8 / 6));
  });
  return [whole, whole.replace(/={1,2}$/, ""), ...inside]
    .flatMap((text) => [text, text.replaceAll("+", "-").replaceAll("/", "_")]);
}

/**
 * Takes secrets, in base64 too, and what looks like one, out of texts. They are asked for each
 * time, because they may be rotated; one that has been among them stays a secret.
 */
export function createRedactor(secrets: () => readonly (string | undefined)[]): Redact {
  const plain = new Set<string>();
  let written: string[] = [];

  function learn(): void {
    const before = plain.size;
    for (const secret of secrets()) {
      if (secret !== undefined && secret.length >= SHORTEST) plain.add(secret);
    }
    if (plain.size === before) return;
    // The longest first: one may begin with another.
    written = [...new Set([...plain].flatMap((secret) => [secret, ...base64Of(secret)]))]
      .sort((a, b) => b.length - a.length);
  }

  return (text) => {
    learn();
    let clean = text;
    for (const secret of written) clean = clean.replaceAll(secret, MARK);
    return clean.replace(KNOWN, MARK);
  };
}

/** Fields that hold a secret whatever it looks like; `response_url` lets anybody answer as the app. */
const SECRET_FIELD =
  /(^|[_-])(token|secret|password|passwd|api_?key|authorization|cookie|private_key|response_url)$/i;

/** The same for every text inside a value of JSON, keys included; secret fields are masked. */
export function redactAll(value: unknown, redact: Redact): unknown {
  return walk(value, redact, SECRET_FIELD);
}

/** The same, but fields are taken for what they hold, whatever their names are. */
export function redactTexts<T>(value: T, redact: Redact): T {
  return walk(value, redact) as T;
}

function walk(value: unknown, redact: Redact, secretField?: RegExp): unknown {
  if (typeof value === "string") return redact(value);
  if (Array.isArray(value)) return value.map((each) => walk(each, redact, secretField));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [
      redact(key),
      typeof each === "string" && secretField?.test(key) ? MARK : walk(each, redact, secretField),
    ]),
  );
}
