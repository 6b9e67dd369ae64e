import { isSentAgain } from "../../../sources/kit/sent_headers.ts";
import { maskHeaders, maskUrl } from "../../../lib/redaction/mask.ts";

/** A longer body is sent from a file. */
const MOST_INLINE = 8_000;
const MASK = "•••";

/** A delivery id that is new each time the command is run, in whatever shell. */
const FRESH = `again-$(date +%s)-$$-\${RANDOM:-0}`;

/**
 * The command that sends a message again, for a shell, as a delivery of its own. Secrets are not in
 * it: a header or a parameter that has one is left out, and named.
 */
export function curlOf(
  { id, url, headers, body, deliveryId, isSigned = false, secretNames }: {
    id: string;
    url: string;
    headers: Headers;
    body: Uint8Array;
    /** Where one of these texts is its value, it is new each time. */
    deliveryId?: string | null;
    /** Whether Otto can sign it anew. */
    isSigned?: boolean;
    secretNames?: readonly string[];
  },
): string {
  const shown = Object.entries(maskHeaders(headers, secretNames)).filter(([name]) =>
    isSentAgain(name)
  );
  const open = shown.filter(([, value]) => !value.includes(MASK));
  const secret = shown.filter(([, value]) => value.includes(MASK)).map(([name]) => name);
  const text = inlineText(body);
  const fresh = (word: string) =>
    deliveryId && PLAIN_ID.test(deliveryId) ? word.replaceAll(deliveryId, `'"$delivery"'`) : word;
  const command = [
    `curl -X POST ${quote(maskUrl(url, secretNames))}`,
    ...open.map(([name, value]) => `-H ${fresh(quote(`${name}: ${value}`))}`),
    text === undefined ? `--data-binary @${id}.bin` : `--data-binary ${fresh(quote(text))}`,
  ].join(" \\\n  ");
  const again = isSigned
    ? `# new, signed, with a mark in its body: the same signed bytes make no second task\n` +
      `deno task send --like ${id}\n\n# or, unsigned:\n`
    : "";
  const lines = command.includes(`"$delivery"`) ? `delivery=${FRESH}\n${command}` : command;
  const left = secret.length > 0
    ? `# left out, because they hold secrets: ${secret.join(", ")}\n`
    : "";
  return again + left + lines;
}

/** The body as it can be typed; undefined when it is long, or holds what a terminal would act upon. */
function inlineText(body: Uint8Array): string | undefined {
  if (body.length > MOST_INLINE) return undefined;
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
    return isPrintable(text) ? text : undefined;
  } catch {
    return undefined;
  }
}

/** Without control characters (a terminal acts upon them) and without what turns text around. */
function isPrintable(text: string): boolean {
  // deno-lint-ignore no-control-regex -- control characters are what is looked for
  return !/[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/.test(text);
}

/** One that cannot be part of a quotation, and is too long to be part of something else by chance. */
const PLAIN_ID = /^[\w.:-]{6,200}$/;

/** One word for a shell, whatever is in it. */
function quote(text: string): string {
  // deno-lint-ignore no-control-regex -- header values are shown to people and pasted into terminals
  const safe = text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g, "?");
  return `'${safe.replaceAll("'", `'\\''`)}'`;
}
