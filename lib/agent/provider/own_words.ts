import { beginningOf } from "../../../sources/kit/beginning.ts";
import { partsIn } from "./answer/parts.ts";

/** The most of a provider's own words that is kept, in characters. */
export const MOST_WORDS = 500;
/** As much of a page is looked at for its title and its words. */
const MOST_PAGE = 20_000;
/** Where vendors put the words of an error, in the order in which they are the better ones. */
const PLACES = [
  "message",
  "error",
  "detail",
  "errors",
  "msg",
  // Baidu.
  "error_msg",
  "error_description",
  "title",
  // MiniMax.
  "base_resp",
  "status_msg",
  // OpenRouter, where the model had begun.
  "choices",
];
const MOST_DEPTH = 4;

/**
 * A provider's own words for an error, whatever the shape: `{"error": {"message"}}` (OpenAI,
 * Anthropic, Gemini), `[{"error": …}]` (Gemini), `{"error": "…"}` (LM Studio, Ollama),
 * `{"message"}` (Mistral, vLLM), `{"detail": "…"}` and `{"detail": [{"loc", "msg"}]}` (FastAPI),
 * `{"errors": [{"message"}]}` (Cloudflare), plain text, a proxy's page. OpenRouter has those of the
 * provider behind it in `metadata.raw`.
 *
 * @returns at most 500 characters; empty when there are none.
 */
export function ownWords(text: string, body: unknown): string {
  const words = (body === undefined ? undefined : wordsIn(body, 0)) ?? textOf(text);
  return beginningOf(words.replace(/[\s\p{Cc}]+/gu, " ").trim(), MOST_WORDS);
}

/** The parameter that an error is about, where its words leave it out (OpenAI). */
export function paramIn(body: unknown): string {
  const [answer = {}] = partsIn(body);
  const [{ param } = answer] = partsIn(answer.error);
  return typeof param === "string" ? param.slice(0, MOST_WORDS) : "";
}

function wordsIn(value: unknown, depth: number): string | undefined {
  if (typeof value === "string") return value.trim() === "" ? undefined : unpacked(value, depth);
  if (typeof value !== "object" || value === null || depth > MOST_DEPTH) return undefined;
  if (Array.isArray(value)) {
    const all = value.slice(0, 3).map((each) => wordsIn(each, depth + 1));
    return all.filter((each) => each !== undefined).join("; ") || undefined;
  }
  const all = value as Record<string, unknown>;
  for (const place of PLACES) {
    const words = wordsIn(all[place], depth + 1);
    if (words === undefined) continue;
    const others = wordsIn(partsIn(all.metadata)[0]?.raw, depth + 1);
    return [whereIn(all), words, codeIn(all, words), others && `(${others})`]
      .filter((each) => each).join(" ");
  }
  return undefined;
}

/** FastAPI names the field apart from what is wrong with it: `["body", "messages", 0]`. */
function whereIn({ loc }: Record<string, unknown>): string {
  return Array.isArray(loc) ? `${loc.slice(0, 10).map(String).join(".")}:` : "";
}

/** OpenAI's and Groq's code says more than some of their sentences, as does Moonshot's type. */
function codeIn({ code, type }: Record<string, unknown>, words: string): string {
  const told = [code, /quota|billing|balance/.test(String(type)) ? type : undefined]
    .find((each) => typeof each === "string" && each !== "" && !words.includes(each));
  return told === undefined ? "" : `(${told})`;
}

/** Gateways (LiteLLM, OpenRouter) hand on the error of another as a text. */
function unpacked(text: string, depth: number): string {
  if (!/^\s*[[{]/.test(text) || text.length > MOST_PAGE) return text;
  try {
    return wordsIn(JSON.parse(text), depth + 1) ?? text;
  } catch {
    return text;
  }
}

function textOf(text: string): string {
  const page = text.slice(0, MOST_PAGE);
  if (!/^\s*<(!doctype|html|head|\?xml)/i.test(page)) return page;
  const title = /<title>([^<]{1,300})<\/title>/i.exec(page)?.[1];
  return title ?? page.replace(/<[^<>]{0,500}>/g, " ");
}
