import { maskHeaders, maskUrl } from "../../../lib/redaction/mask.ts";

/** A longer body is sent from a file. */
const MOST_INLINE = 8_000;
/** Set by curl itself, by the connection or by a proxy on the way. */
const NOT_SENT =
  /^(host|content-length|connection|accept-encoding|transfer-encoding|x-forwarded-.*|x-real-ip|forwarded|via|expect|keep-alive|te|upgrade)$/;
const MASK = "•••";

/**
 * The command that sends a message again, for a shell. Secrets are not in it: a
 * header or a parameter that has one is left out, and named.
 */
export function curlOf(
  { id, url, headers, body, secretNames }: {
    id: string;
    url: string;
    headers: Headers;
    body: Uint8Array;
    secretNames?: readonly string[];
  },
): string {
  const shown = Object.entries(maskHeaders(headers, secretNames)).filter(([name]) =>
    !NOT_SENT.test(name)
  );
  const open = shown.filter(([, value]) => !value.includes(MASK));
  const secret = shown.filter(([, value]) => value.includes(MASK)).map(([name]) => name);
  const text = inlineText(body);
  const lines = [
    `curl -X POST ${quote(maskUrl(url, secretNames))}`,
    ...open.map(([name, value]) => `-H ${quote(`${name}: ${value}`)}`),
    text === undefined ? `--data-binary @${id}.bin` : `--data-binary ${quote(text)}`,
  ];
  const left = secret.length > 0
    ? `# left out, because they hold secrets: ${secret.join(", ")}\n`
    : "";
  return left + lines.join(" \\\n  ");
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

/** One word for a shell, whatever is in it. */
function quote(text: string): string {
  // deno-lint-ignore no-control-regex -- header values are shown to people and pasted into terminals
  const safe = text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g, "?");
  return `'${safe.replaceAll("'", `'\\''`)}'`;
}
