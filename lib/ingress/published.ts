import { deadline } from "../async/deadline.ts";

/** What a vendor publishes for all to check its signatures with. */
export interface Published {
  text: string;
  /** For how long the vendor says that it stays as it is, in milliseconds; undefined where it does not say. */
  freshMs?: number;
}

/** The message waits for it, and its sender for the answer. */
const FETCH_MS = 3_000;
/** A chain of certificates, or a set of keys, has some thousand characters. */
const MOST_CHARACTERS = 64 * 1024;

/** What lies at an address of a vendor's. Rejects when it cannot be had within three seconds. */
export async function fetchPublished(url: string): Promise<Published> {
  const abort = new AbortController();
  try {
    return await deadline(`fetch ${url}`, FETCH_MS, readAll(url, abort.signal));
  } finally {
    abort.abort();
  }
}

async function readAll(url: string, signal: AbortSignal): Promise<Published> {
  // A redirect could lead to a host that is not the vendor's.
  const answer = await fetch(url, { redirect: "error", signal });
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of answer.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > MOST_CHARACTERS) break;
  }
  if (!answer.ok || text.length > MOST_CHARACTERS) {
    throw new Error(
      `Fetching ${url} failed: the answer is ${answer.status} with ${text.length} characters, ` +
        `what is published has status 200 and at most ${MOST_CHARACTERS}`,
    );
  }
  const [, seconds] = /\bmax-age=(\d{1,9})\b/.exec(answer.headers.get("cache-control") ?? "") ?? [];
  return { text, freshMs: seconds === undefined ? undefined : Number(seconds) * 1_000 };
}
