import { errorText } from "../lib/process/log.ts";
import { Refusal } from "../lib/process/refusal.ts";
import { EXIT } from "./exit.ts";
import type { Target } from "./target.ts";

/** A running Otto, asked over HTTP. */
export interface Remote {
  readonly origin: string;
  /**
   * The answer, if it is a good one; its body may still be to come.
   *
   * @throws {Refusal} that says why not: nobody there, not allowed, or Otto's own words.
   */
  ask(path: string, init?: RequestInit): Promise<Response>;
  /** The JSON that it answers. @throws {Refusal} as above */
  read<T>(path: string, init?: RequestInit): Promise<T>;
  /** The JSON that it answers to a JSON body. @throws {Refusal} as above */
  post<T>(path: string, body: unknown): Promise<T>;
}

/** Longer than Otto itself waits for a store, and for a thousand replays. */
const ANSWER_MS = 60_000;

export function openRemote({ origin, token }: Target, signal: AbortSignal): Remote {
  async function ask(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
    const answer = await reach(origin + path, {
      ...init,
      headers,
      signal: init.signal ?? AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
    });
    if (!answer.ok) throw await refusalOf(answer, origin);
    return answer;
  }
  async function read<T>(path: string, init?: RequestInit): Promise<T> {
    const answer = await ask(path, init);
    try {
      return await answer.json() as T;
    } catch (error) {
      throw new Refusal(
        `Cannot read what ${origin}${path} answers: ${errorText(error)}. Is it Otto?`,
        EXIT.away,
      );
    }
  }
  return {
    origin,
    ask,
    read,
    post: (path, body) =>
      read(path, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      }),
  };
}

/**
 * Asks, and follows no redirect: a token goes nowhere else than it was meant for.
 *
 * @throws {Refusal} when nobody answers; what the signal says when it was aborted.
 */
export async function reach(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { ...init, redirect: "manual" });
  } catch (error) {
    if ((error as Error).name === "AbortError") throw error;
    const { origin } = new URL(url);
    throw new Refusal(
      (error as Error).name === "TimeoutError"
        ? `${origin} does not answer in time. Is Otto running there?`
        : `Nobody answers at ${origin} (${shortly(error)}). Is Otto running? ` +
          "Start it with: deno task start",
      EXIT.away,
    );
  }
}

/** Runtimes nest the one word that matters, such as ECONNREFUSED, in sentences of their own. */
function shortly(error: unknown): string {
  const text = errorText(error);
  if (/refused/i.test(text)) return "connection refused";
  if (/dns|ENOTFOUND|lookup|resolve/i.test(text)) return "no such host";
  return text;
}

async function refusalOf(answer: Response, origin: string): Promise<Refusal> {
  const { status } = answer;
  const text = await answer.text().catch(() => "");
  if (status >= 300 && status < 400) {
    return new Refusal(
      `${origin} sends on to ${
        answer.headers.get("location") ?? "elsewhere"
      }, and a token is not ` +
        "sent after it. Is --url Otto's own address?",
      EXIT.away,
    );
  }
  const { message, hint } = problemIn(text) ??
    { message: `${origin} answers with ${status}`, hint: "Is it Otto?" };
  const token = status === 401
    ? ". Set OTTO_TOKEN or name a --token-file (ADMIN_TOKEN, or READ_TOKEN to look)"
    : `. ${hint}`;
  return new Refusal(`${message}${token}`, exitOf(status));
}

/** The words that Otto refuses with. */
export function problemIn(
  text: string,
): { code: string; message: string; hint: string } | undefined {
  try {
    const { error } = JSON.parse(text);
    return typeof error?.message === "string" ? error : undefined;
  } catch {
    return undefined;
  }
}

function exitOf(status: number): number {
  if (status >= 500) return EXIT.away;
  if (status === 401 || status === 403) return EXIT.notAllowed;
  if (status === 404) return EXIT.notFound;
  return status === 409 ? EXIT.conflict : EXIT.failed;
}
