import type { ModelSettings } from "../../config/model/model_settings.ts";
import type { RequestAdapter } from "./adapt_request.ts";
import { errorText } from "../../process/log.ts";
import { MOST_WORDS, ownWords, paramIn } from "./own_words.ts";
import { type NextTry, NoAnswerError } from "./no_answer.ts";
import { readStream } from "./answer/read_stream.ts";
import { verdictOf } from "./error_verdicts.ts";
import { isTooDeep } from "../../../sources/kit/nesting.ts";
import { retryAfterSeconds } from "./retry_after.ts";
import { brokenConnection, unreadable } from "./unreadable.ts";
import { withoutThinking } from "./answer/thinking.ts";
import { statusInside, tidyAnswer, UNKNOWN_ERROR } from "./answer/tidy_answer.ts";

/** The most of one answer that is read. What is too long to be taken, and shorter, is told to the model (clamp_output.ts). */
const MOST_BYTES = 32 * 1_024 * 1_024;
/** A server is taught each of its dialect's words once. */
const MOST_LESSONS = 8;

/** A gateway that has stopped waiting: the model may have gone on. 408 is LiteLLM's, 499 nginx's, 524 Cloudflare's. */
const GATEWAY_TIMEOUTS = [408, 499, 504, 524];

/** How a request is refused whose form is wrong; llama.cpp and LM Studio do so with a 500. */
const TEACHING = new Set([400, 422, 500]);

/** An answer, read whole. */
interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** Undefined when it is not JSON, null when nobody should walk through it. */
  body: unknown;
}

/**
 * A `fetch` for the SDK that reads no more than an answer may have, and tells what is no answer in
 * the provider's own words.
 *
 * @throws {NoAnswerError} which also stands for every status but 2xx.
 */
export function createExchange(
  settings: ModelSettings,
  adapter?: RequestAdapter,
): typeof globalThis.fetch {
  return async (input, init) => {
    const asked = typeof init?.body === "string" ? JSON.parse(init.body, wellFormed) : undefined;
    for (let lessons = 0;; lessons++) {
      const request = adapter && asked ? adapter.adapt(asked) : asked;
      const body = request === undefined ? init?.body : JSON.stringify(request);
      const answer = await send(settings, input, { ...init, body });
      const tidy = answer.status < 300 ? tidyAnswer(settings, answer.body, asked) : undefined;
      const refusal = refusalIn(settings, answer, tidy);
      if (!refusal) return whole(answer, tidy);
      const { status, teaches, error } = refusal;
      if (!TEACHING.has(status) || lessons >= MOST_LESSONS) throw error;
      // What may have been billed is a call of its own: the next one knows better.
      if (!adapter?.learn(request, teaches) || error.mayHaveBilled) throw error;
    }
  };
}

/** Half an emoji, which a model may have said itself, is no JSON to Anthropic: "no low surrogate in string". */
function wellFormed(_: string, value: unknown): unknown {
  return typeof value === "string" ? value.toWellFormed() : value;
}

/** @throws {NoAnswerError} also when nobody is there, or the connection breaks. */
async function send(
  settings: ModelSettings,
  ...[input, init]: Parameters<typeof globalThis.fetch>
): Promise<Answer> {
  const headers = new Headers(init?.headers);
  // The SDK's wish for what is not asked for: gateways to Bedrock and Vertex refuse it (vercel/ai#10981).
  headers.delete("anthropic-beta");
  try {
    // A key in a header of a vendor's own would go along to wherever it is sent on.
    return await read(settings, await fetch(input, { ...init, headers, redirect: "manual" }));
  } catch (error) {
    init?.signal?.throwIfAborted();
    if (error instanceof NoAnswerError) throw error;
    const words = errorText(error).slice(0, MOST_WORDS);
    const { hint, mayHaveBilled } = brokenConnection(words);
    const says = sentence(`${settings.label} cannot be reached: ${words}`, hint);
    throw new NoAnswerError(says, hint ? "doubt" : "wait", { mayHaveBilled });
  }
}

/** Reads an answer, up to a bound. */
async function read(
  { label, provider }: ModelSettings,
  response: Response,
): Promise<Answer> {
  const { status, headers } = response;
  const decoder = new TextDecoder();
  const parts: string[] = [];
  let bytes = 0;
  for await (const part of response.body ?? []) {
    bytes += part.length;
    // Leaving the loop hangs up.
    if (bytes > MOST_BYTES) {
      throw new NoAnswerError(
        `${label}'s answer has more than ${
          MOST_BYTES.toLocaleString("en")
        } bytes, and was left there`,
        "fail",
        { mayHaveBilled: true },
      );
    }
    parts.push(decoder.decode(part, { stream: true }));
  }
  const text = parts.join("") + decoder.decode();
  return {
    status,
    headers,
    text,
    body: parsed(text, provider),
  };
}

function parsed(text: string, provider: ModelSettings["provider"]): unknown {
  for (const each of [text, unframed(text)]) {
    try {
      const body: unknown = JSON.parse(each);
      return isTooDeep(body) ? null : body;
    } catch {
      // It may still be a stream.
    }
  }
  return readStream(provider, text);
}

/** JSON without what kept its connection awake before it (OpenRouter), and a stream's end behind it (9router). */
function unframed(text: string): string {
  const lines = text.split("\n");
  const first = lines.findIndex((line) => line.trim() !== "" && !line.startsWith(":"));
  return lines.slice(Math.max(first, 0)).join("\n").trimEnd().replace(/data: ?\[DONE\]$/, "");
}

/** @param tidy it as its protocol has it. */
function whole({ status, headers }: Answer, tidy: unknown): Response {
  // It was decoded on its way.
  const { "content-encoding": _, "content-length": __, ...rest } = Object.fromEntries(headers);
  return new Response(JSON.stringify(tidy), {
    status,
    headers: { ...rest, "content-type": "application/json" },
  });
}

/** The error that an answer is, with its status: gateways send some of them with a 200. */
function refusalIn(
  settings: ModelSettings,
  { status, headers, text, body }: Answer,
  tidy: unknown,
): { status: number; teaches: string; error: NoAnswerError } | undefined {
  const inside = status < 300 ? statusInside(body) : undefined;
  if (inside === undefined && tidy !== undefined) return undefined;
  const told = inside ?? status;
  const words = ownWords(text, body);
  const { says, hint, ...judgement } = judged(settings, {
    told,
    isInside: inside !== undefined,
    headers,
    text,
    body,
    words,
  });
  const error = new NoAnswerError(sentence(says, hint), judgement.verdict, {
    retryAfterSeconds: retryAfterSeconds(headers, body, words),
    // What fails with a 200 has failed while the model was at work (OpenRouter).
    mayHaveBilled: judgement.mayHaveBilled ??
      (status < 300 && told >= 500 || GATEWAY_TIMEOUTS.includes(told)),
  });
  return { status: told, teaches: `${words} ${paramIn(body)}`, error };
}

function sentence(says: string, hint?: string): string {
  return hint ? `${says}${/[.!?。！？]$/.test(says) ? "" : "."} ${hint}` : says;
}

/** What becomes of an answer that is none, what is said of it, and what people can do about it. */
function judged(
  { label }: ModelSettings,
  { told, isInside, headers, text, body, words }: {
    told: number;
    isInside: boolean;
    headers: Headers;
    text: string;
    body: unknown;
    words: string;
  },
): { verdict: NextTry; says: string; hint?: string; mayHaveBilled?: boolean } {
  if (told >= 300) {
    // llama.cpp quotes what the model has written.
    const why = told < 400 ? `it leads to ${hostIn(headers)}` : withoutThinking(words);
    const answered = told === UNKNOWN_ERROR && isInside ? "with an error" : told;
    const says = `${label} answered ${answered}: ${why || "without a word"}`;
    return { ...verdictOf(told, words, isInside), says };
  }
  // Half an answer and one of another protocol may have in it what the model has thought.
  const quoted = words === "" || /think|thought|reason/i.test(text) ? "" : `: ${words}`;
  if (body === undefined) {
    const { says, hint, isUnquoted, mayHaveBilled = false } = unreadable(text);
    const said = `${label} ${says}${isUnquoted ? "" : quoted}`;
    return { verdict: "doubt", says: said, hint, mayHaveBilled };
  }
  // JSON without an answer in it: a bad moment of its server, or an address of another protocol.
  return {
    verdict: "again",
    says: `${label} sent JSON with no answer in it${quoted}`,
    hint: "If it goes on so, check the server's address",
    mayHaveBilled: true,
  };
}

/** What else is in an address may be a secret. */
function hostIn(headers: Headers): string {
  const location = headers.get("location") ?? "";
  return URL.canParse(location) ? new URL(location).origin : "another path";
}
