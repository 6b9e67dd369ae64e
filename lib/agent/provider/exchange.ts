import type { ModelSettings } from "../../config/model_settings.ts";
import type { RequestAdapter } from "./adapt_request.ts";
import { NoAnswerError } from "./no_answer.ts";
import { ownWords } from "./own_words.ts";
import { retryAfterSeconds } from "./retry_after.ts";
import { verdictOf } from "./verdicts.ts";

/** The most of one answer that is read. What is too long to be taken, and shorter, is told to the model (clamp_output.ts). */
const MOST_BYTES = 32 * 1_024 * 1_024;
/** Characters. An error is shorter; a longer answer is taken apart once, by the SDK. */
const MOST_ERROR = 1_024 * 1_024;
/** A server is taught each of its dialect's words once. */
const MOST_LESSONS = 4;

/** A proxy that has stopped waiting: the model may have gone on. 499 is nginx's, 524 Cloudflare's. */
const GATEWAY_TIMEOUTS = [499, 504, 524];

/** An answer, read whole. */
interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** Undefined when it is not JSON, or too long for an error. */
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
    let sent = init?.body;
    for (let lessons = 0;; lessons++) {
      let request: Record<string, unknown> | undefined;
      if (adapter && typeof init?.body === "string") {
        request = adapter.adapt(JSON.parse(init.body));
        sent = JSON.stringify(request);
      }
      const answer = await read(settings, await fetch(input, { ...init, body: sent }));
      const refusal = refusalIn(settings, answer);
      if (!refusal) return whole(answer);
      const { status, error } = refusal;
      const mayTeach = status === 400 || status === 422;
      if (!mayTeach || !request || lessons >= MOST_LESSONS) throw error;
      if (!adapter!.learn(request, error.message)) throw error;
    }
  };
}

/** Reads an answer, up to a bound. */
async function read({ label }: ModelSettings, response: Response): Promise<Answer> {
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
  return { status, headers, text, body: text.length > MOST_ERROR ? undefined : parsed(text) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function whole({ status, headers, text }: Answer): Response {
  // It was decoded on its way.
  const { "content-encoding": _, "content-length": __, ...rest } = Object.fromEntries(headers);
  return new Response(text, { status, headers: rest });
}

/** The error that an answer is, with its status: gateways send some of them with a 200. */
function refusalIn(
  { provider, label }: ModelSettings,
  { status, headers, text, body }: Answer,
): { status: number; error: NoAnswerError } | undefined {
  if (status < 300 && text.length > MOST_ERROR) return undefined;
  const inside = status < 300 ? statusInside(body) : undefined;
  if (status < 300 && body !== undefined && inside === undefined) return undefined;
  const told = inside ?? status;
  const words = ownWords(text, body);
  const says = body === undefined && status < 300
    ? `${label}'s answer cannot be read: ${words === "" ? "it is empty" : words}`
    : `${label} answered ${told}: ${words === "" ? "without a word" : words}`;
  const error = new NoAnswerError(
    says,
    verdictOf(provider, told, words),
    {
      retryAfterSeconds: retryAfterSeconds(headers, body),
      mayHaveBilled: told < 400 || GATEWAY_TIMEOUTS.includes(told),
    },
  );
  return { status: told, error };
}

/** `{"error": {"code": 502, …}}` in the place of an answer. */
function statusInside(body: unknown): number | undefined {
  if (typeof body !== "object" || body === null) return undefined;
  const { error, choices, candidates, content } = body as Record<string, unknown>;
  if (!error || choices || candidates || content) return undefined;
  const code = (error as { code?: unknown }).code;
  return typeof code === "number" && code >= 400 && code < 600 ? code : 502;
}
