import { cut } from "../../../sources/kit/line.ts";

/**
 * Text that Slack shows as it is: it has no other markup than `&`, `<` and `>`, so
 * this also disarms `<!channel>`, `<@U…>` and `<https://…|…>`
 * (docs.slack.dev, "Formatting message text").
 */
export function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** What a person wrote in Slack, as they saw it while they wrote. */
export function unescape(text: string): string {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

/** What reorders or hides text, and control characters other than line breaks and tabs. */
const DISGUISES =
  /[\u200B\u200E\u200F\u202A-\u202E\u2060-\u2064\u2066-\u2069\uFEFF\u{E0000}-\u{E007F}]|(?![\n\t])\p{Cc}/gu;

/** Text of at most `max` characters, its lines kept, a cut marked with "…". */
export function plain(text: string, max: number): string {
  // Far more than is shown, so that a huge text costs no more than a long one.
  const clean = text.slice(0, max * 4).toWellFormed().replace(DISGUISES, "").trim();
  return clean.length <= max && text.length <= max * 4
    ? clean
    : `${cut(clean, max - 1).trimEnd()}…`;
}

const encoder = new TextEncoder();

/** Escaped text of at most `max` bytes: chat.update counts bytes, and counts them escaped. */
export function escapedWithin(max: number, text: string): string {
  for (let length = max;; length = Math.floor(length * 0.8)) {
    const escaped = escape(plain(text, length));
    if (encoder.encode(escaped).length <= max) return escaped;
  }
}
