import type { ReplyApi } from "../../../sources/reply.ts";
import type { ReplyAccess } from "../../config/reply_settings.ts";
import { fetchAlone } from "../../process/fetch_alone.ts";
import { errorText } from "../../process/log.ts";
import {
  clockOf,
  MOST_RETRY_AFTER_SECONDS,
  retryAfterIn,
  secondsIn,
} from "../../process/retry_after.ts";
import { formOf, neverSent } from "../http.ts";

/** How a call of a vendor's API went. */
export type VendorAnswer =
  | {
    ok: true;
    status: number;
    body: unknown;
    requestId?: string;
    /** What the credential is for, where a header says it. */
    scopes?: string[];
  }
  | {
    ok: false;
    status?: number;
    requestId?: string;
    /** The vendor's words, or what went wrong on the way. */
    error: string;
    /** The same call may work in a while. */
    later: boolean;
    retryAfterSeconds?: number;
    /** It may have been carried out all the same. */
    unsure: boolean;
  };

/** One request of a vendor's API, below its address. */
export interface VendorRequest {
  method: "GET" | "POST";
  path: string;
  /** The only other path that it may send us to. */
  moved?: string;
  /** Constants and encoded values. */
  query?: string;
  body?: Readonly<Record<string, unknown>>;
}

/** Shorter than the lease on a reply, so that nobody else sends it while a call is out. */
export const CALL_MS = 10_000;
/** What a vendor says of a call is short; more is somebody else's answer. */
const MOST_BYTES = 2 * 1024 * 1024;
/** For an answer that says "too many" and not until when. */
const DEFAULT_RETRY_AFTER_SECONDS = 60;
const MOST_WORDS = 500;

/** Segments of constants, checked ids and their percent codes; never a dot alone. */
const SEGMENT = /^(?!\.{1,2}$)[A-Za-z0-9._:@=-]+$/;

/**
 * Calls a vendor's API with our credential. It never throws: a failure is data. The credential goes
 * to the address that is set and nowhere else: no path leads out of it, and no redirect but to the
 * same place by its number.
 */
export async function callVendor(
  api: ReplyApi,
  access: ReplyAccess,
  request: VendorRequest,
  signal?: AbortSignal,
): Promise<VendorAnswer> {
  const { method, path, moved, query, body } = request;
  const url = urlOf(api, access, path, query);
  if (url === undefined) {
    return {
      ok: false,
      error: `"${path.slice(0, 200)}" is no path of ${new URL(access.url).host}: nothing was sent`,
      later: false,
      unsure: false,
    };
  }
  const timeout = AbortSignal.timeout(CALL_MS);
  try {
    const response = await fetchAlone(url, {
      method,
      headers: {
        ...authorization(api, access),
        "user-agent": "otto-webhooks",
        "accept": "application/json",
        ...(body && {
          "content-type": api.form
            ? "application/x-www-form-urlencoded; charset=utf-8"
            : "application/json; charset=utf-8",
        }),
      },
      body: body && (api.form ? formOf(body) : JSON.stringify(body)),
      redirect: "manual",
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
    if (moved !== undefined && isMovedTo(urlOf(api, access, moved, undefined), response, url)) {
      await response.body?.cancel();
      return await callVendor(api, access, { ...request, path: moved, moved: undefined }, signal);
    }
    return readAnswer(api, method, response, await readText(response));
  } catch (error) {
    const { host } = url;
    return {
      ok: false,
      error: timeout.aborted
        ? `${host} did not answer within ${CALL_MS / 1_000} s`
        : `${host} cannot be reached (${withoutToken(errorText(error), access)})`,
      later: true,
      unsure: !neverSent(error),
    };
  }
}

/** Where a call goes; undefined unless it is below the address that is set. */
function urlOf(
  { credential }: ReplyApi,
  { url: base, token }: ReplyAccess,
  path: string,
  query: string | undefined,
): URL | undefined {
  const segments = path.split("/").slice(1);
  if (!path.startsWith("/") || !segments.every((each) => SEGMENT.test(each))) return undefined;
  const secret = credential === "path" ? `/bot${token}` : "";
  const whole = `${base}${secret}${path}${query === undefined ? "" : `?${query}`}`;
  if (!URL.canParse(whole)) return undefined;
  const url = new URL(whole);
  const home = new URL(base);
  const isHome = url.origin === home.origin &&
    url.pathname === `${home.pathname.replace(/\/$/, "")}${secret}${path}` && url.hash === "";
  return isHome ? url : undefined;
}

/** GitHub sends whoever asks for a renamed repository to its number ("Best practices": redirects). */
function isMovedTo(wanted: URL | undefined, { status, headers }: Response, asked: URL): boolean {
  const location = headers.get("location") ?? "";
  if (!wanted || status < 301 || status > 308 || !URL.canParse(location, asked)) return false;
  const { origin, pathname, username } = new URL(location, asked);
  return origin === wanted.origin && pathname === wanted.pathname && username === "";
}

function authorization(
  { credential }: ReplyApi,
  { token, key }: ReplyAccess,
): Record<string, string> {
  if (credential === "path") return {};
  return {
    authorization: credential === "bearer" ? `Bearer ${token}` : `Basic ${btoa(`${key}:${token}`)}`,
  };
}

function readAnswer(
  api: ReplyApi,
  method: VendorRequest["method"],
  response: Response,
  text: string | undefined,
): VendorAnswer {
  const { status, headers } = response;
  const requestId = printable(
    headers.get("x-github-request-id") ?? headers.get("twilio-request-id") ??
      headers.get("x-slack-req-id") ?? headers.get("x-request-id"),
  );
  const body = text === undefined ? undefined : parse(text);
  const refusal = body === undefined ? undefined : api.refusalOf(body);
  const isSent = status >= 200 && status < 300 && body !== undefined &&
    !(api.refusesInBody && refusal);
  if (isSent) return { ok: true, status, body, requestId, scopes: scopesIn(headers) };
  const limited = status === 429 || (status >= 400 && status < 500 && refusal?.later === true) ||
    (status === 403 && isSpent(headers));
  const strange = status >= 200 && status < 300 && !refusal;
  const wait = waitIn(headers) ?? refusal?.retryAfterSeconds ??
    (limited ? DEFAULT_RETRY_AFTER_SECONDS : undefined);
  return {
    ok: false,
    status,
    requestId,
    error: wordsOf(status, refusal?.error, { strange }),
    later: limited || status >= 500 || strange || refusal?.later === true || status === 408,
    retryAfterSeconds: wait && Math.min(Math.ceil(wait), MOST_RETRY_AFTER_SECONDS),
    unsure: method === "POST" &&
      (status >= 500 || strange || status === 408 || refusal?.unsure === true),
  };
}

function wordsOf(status: number, words: string | undefined, { strange }: { strange: boolean }) {
  if (strange) return noAnswer(status);
  if (status >= 300 && status < 400) {
    return `answered ${status}: it wants the call elsewhere, and our credential goes nowhere else; ` +
      "check the address that is set";
  }
  const said = words === undefined ? undefined : printable(words);
  return said ? `answered ${status}: ${said}` : `answered ${status}`;
}

/** What says nothing of what was sent, whatever its status is. */
export const noAnswer = (status: number) => `answered ${status} with what is no answer of this API`;

/** Slack's and GitHub's; an empty list is none at all. */
function scopesIn(headers: Headers): string[] | undefined {
  return headers.get("x-oauth-scopes")?.split(",").map((each) => each.trim())
    .filter((each) => each !== "");
}

/** GitHub says 403 when the hour's calls are used up ("Rate limits for the REST API"). */
function isSpent(headers: Headers): boolean {
  return limitIn(headers, "remaining") === "0";
}

/** GitHub's; GitLab's. */
const limitIn = (headers: Headers, of: "remaining" | "reset") =>
  headers.get(`x-ratelimit-${of}`) ?? headers.get(`ratelimit-${of}`);

/** For how many seconds the vendor wants no call, or until the hour's calls are new. */
function waitIn(headers: Headers): number | undefined {
  return retryAfterIn(headers) ??
    (isSpent(headers) ? secondsIn(limitIn(headers, "reset"), clockOf(headers)) : undefined);
}

async function readText(response: Response): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > MOST_BYTES) {
      await response.body?.cancel().catch(() => {});
      return undefined;
    }
    chunks.push(chunk);
  }
  return await new Blob(chunks as BlobPart[]).text();
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Words of a vendor, fit to be shown and stored whatever they are. */
function printable(value: string | null): string | undefined {
  return value?.slice(0, MOST_WORDS).toWellFormed().replace(/\p{C}/gu, " ").trim() || undefined;
}

/** Runtimes name the URL in some errors, and Telegram's has the token in it. */
function withoutToken(text: string, { token }: ReplyAccess): string {
  return text.replaceAll(token, "•••");
}
