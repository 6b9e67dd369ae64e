import { isPart, type Part, partsIn } from "./answer/parts.ts";

/** Headers that say milliseconds: Azure's and OpenAI's own. They are more exact, so they are read first. */
const MILLISECONDS = ["retry-after-ms", "x-ms-retry-after-ms"];
/** When a limit is reset, and what tells that it is this one that was reached. */
const RESETS = [
  ["x-ratelimit-reset", "x-ratelimit-remaining"],
  ["x-ratelimit-reset-requests", "x-ratelimit-remaining-requests"],
  ["x-ratelimit-reset-tokens", "x-ratelimit-remaining-tokens"],
  // Cerebras; Anthropic; Hugging Face, by a draft of the IETF's.
  ["x-ratelimit-reset-requests-day", "x-ratelimit-remaining-requests-day"],
  ["x-ratelimit-reset-tokens-minute", "x-ratelimit-remaining-tokens-minute"],
  ["anthropic-ratelimit-requests-reset", "anthropic-ratelimit-requests-remaining"],
  ["anthropic-ratelimit-input-tokens-reset", "anthropic-ratelimit-input-tokens-remaining"],
  ["anthropic-ratelimit-output-tokens-reset", "anthropic-ratelimit-output-tokens-remaining"],
  ["ratelimit-reset", "ratelimit-remaining"],
];
const NUMBER = /^\d{1,15}(\.\d{0,9})?$/;
/** Seconds since 1970 are more than this, and milliseconds more than a thousand times it. */
const EPOCH = 1_000_000_000;
/** `7m12.5s`, `20ms`, `26 seconds`, `2 hours`: one part of it. */
const LENGTH = /^(\d{1,9}(?:\.\d{1,9})?) ?([a-z]{1,12}) ?/i;
const UNITS: Record<string, readonly string[]> = {
  0.001: ["ms", "msec", "millisecond", "milliseconds"],
  1: ["s", "sec", "secs", "second", "seconds"],
  60: ["m", "min", "mins", "minute", "minutes"],
  3_600: ["h", "hr", "hrs", "hour", "hours"],
  86_400: ["d", "day", "days"],
};
/** Characters. How long stands near what says that it is to be waited for. */
const NEAR = 80;

/**
 * How many seconds a provider wants to be left alone: by its headers (milliseconds, seconds, some
 * with fractions, which RFC 9110 §10.2.3 does not know, or a date), by what its answer has for it
 * (Gemini, OpenRouter, Hugging Face), in its own words (OpenAI, Groq, Azure), or by when the limit
 * that was reached is reset.
 *
 * @param body its answer, when it is JSON.
 * @param words its own words for the error.
 */
export function retryAfterSeconds(
  headers: Headers,
  body?: unknown,
  words = "",
): number | undefined {
  const [answer = {}] = partsIn(body);
  const [error = {}] = partsIn(answer.error);
  return inHeaders(headers) ?? inBody(answer, error) ?? inWords(words);
}

function inHeaders(headers: Headers): number | undefined {
  for (const name of MILLISECONDS) {
    const value = headers.get(name)?.trim() ?? "";
    if (NUMBER.test(value)) return Number(value) / 1_000;
  }
  // By the clock of whoever says it, which may be another than ours.
  const now = Date.parse(headers.get("date") ?? "") || Date.now();
  const after = secondsIn(headers.get("retry-after"), now);
  if (after !== undefined) return after;
  for (const [reset, remaining] of RESETS) {
    if ((headers.get(remaining) ?? "0") !== "0") continue;
    const seconds = secondsIn(headers.get(reset), now);
    if (seconds !== undefined) return seconds;
  }
  return undefined;
}

function inBody({ estimated_time }: Part, { details, metadata }: Part): number | undefined {
  // google.rpc.RetryInfo
  for (const { retryDelay } of partsIn(details).slice(0, 20)) {
    const delay = secondsIn(retryDelay);
    if (delay !== undefined) return delay;
  }
  // OpenRouter has there the headers that it does not send.
  if (isPart(metadata) && isPart(metadata.headers)) {
    const texts = Object.entries(metadata.headers).filter(([name, value]) =>
      /^[\w-]{1,60}$/.test(name) && typeof value === "string" && /^[\w .:,+-]{1,60}$/.test(value)
    );
    return inHeaders(new Headers(texts as [string, string][]));
  }
  return typeof estimated_time === "number" ? secondsIn(String(estimated_time)) : undefined;
}

function inWords(words: string): number | undefined {
  const from = words.search(/try again|retry|wait/i);
  if (from < 0) return undefined;
  const near = words.slice(from, from + NEAR);
  const at = near.search(/\d/);
  return at < 0 ? undefined : readLength(near.slice(at)).seconds;
}

/** A number of seconds, a length of time, a time since 1970, or a date; the first, where a proxy says it, too. */
function secondsIn(value: unknown, now = Date.now()): number | undefined {
  if (typeof value !== "string") return undefined;
  const [first] = value.split(",");
  const text = (/\d/.test(first) ? first : value).trim();
  if (NUMBER.test(text)) {
    const number = Number(text);
    const since = number > EPOCH * 1_000 ? number / 1_000 : number;
    return since > EPOCH ? Math.max(0, since - now / 1_000) : number;
  }
  const { seconds, rest } = readLength(text);
  if (seconds !== undefined) return rest === "" ? seconds : undefined;
  // And nothing else that `Date.parse` would make one of: it takes "5.5" for a day in May.
  if (!/^([A-Za-z]{3,9},?\s|\d{4}-\d{2}-\d{2}T)/.test(text)) return undefined;
  const left = (Date.parse(text) - now) / 1_000;
  return Number.isFinite(left) ? Math.max(0, left) : undefined;
}

/** The length of time that a text begins with, if it does, and what stands behind it. */
function readLength(text: string): { seconds?: number; rest: string } {
  let rest = text.slice(0, NEAR);
  let seconds: number | undefined;
  while (true) {
    const [whole, number, unit] = LENGTH.exec(rest) ?? [];
    const known = Object.entries(UNITS).find(([, names]) => names.includes(unit?.toLowerCase()));
    if (whole === undefined || !known) return { seconds, rest };
    seconds = (seconds ?? 0) + Number(number) * Number(known[0]);
    rest = rest.slice(whole.length);
  }
}
