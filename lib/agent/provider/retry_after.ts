import { clockOf, retryAfterIn, secondsIn } from "../../process/retry_after.ts";
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
 * How many seconds a provider wants to be left alone: by its headers (milliseconds; what
 * RFC 9110 knows, and lengths of time; when the limit that was reached is reset), by what its answer
 * has for it (Gemini, OpenRouter, Hugging Face), or in its own words (OpenAI, Groq, Azure).
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
  const after = retryAfterIn(headers) ?? lengthIn(headers.get("retry-after"));
  if (after !== undefined) return after;
  const now = clockOf(headers);
  for (const [reset, remaining] of RESETS) {
    if ((headers.get(remaining) ?? "0") !== "0") continue;
    const value = headers.get(reset);
    const seconds = secondsIn(value, now) ?? lengthIn(value);
    if (seconds !== undefined) return seconds;
  }
  return undefined;
}

function inBody({ estimated_time }: Part, { details, metadata }: Part): number | undefined {
  // google.rpc.RetryInfo
  for (const { retryDelay } of partsIn(details).slice(0, 20)) {
    const delay = lengthIn(retryDelay);
    if (delay !== undefined) return delay;
  }
  // OpenRouter has there the headers that it does not send.
  if (isPart(metadata) && isPart(metadata.headers)) {
    const texts = Object.entries(metadata.headers).filter(([name, value]) =>
      /^[\w-]{1,60}$/.test(name) && typeof value === "string" && /^[\w .:,+-]{1,60}$/.test(value)
    );
    return inHeaders(new Headers(texts as [string, string][]));
  }
  return typeof estimated_time === "number" && estimated_time >= 0 ? estimated_time : undefined;
}

function inWords(words: string): number | undefined {
  const from = words.search(/try again|retry|wait/i);
  if (from < 0) return undefined;
  const near = words.slice(from, from + NEAR);
  const at = near.search(/\d/);
  return at < 0 ? undefined : readLength(near.slice(at)).seconds;
}

/** The length of time that a text is; the first, where a proxy says it, too. */
function lengthIn(value: unknown): number | undefined {
  if (typeof value !== "string") return undefined;
  const { seconds, rest } = readLength(value.split(",")[0].trim());
  return rest === "" ? seconds : undefined;
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
