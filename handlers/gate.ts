import type { Context, MiddlewareHandler } from "hono";
import type { Config } from "../lib/config/config.ts";
import { isDeployedHost } from "../lib/config/deno_deploy.ts";
import { type Env, hostName } from "./caller.ts";
import { Problem } from "./problem.ts";
import { isLoopback } from "../lib/config/loopback.ts";

/**
 * Refuses requests without one well-formed Host header. On Deno an odd one such
 * as `x/h?` becomes part of the URL and chooses another route, behind the back
 * of a proxy that guards paths. A request line with a whole URL
 * (`GET http://evil/api/tasks`) names a host, too: it must be the same one.
 */
export const requireHost: MiddlewareHandler<Env> = async (c, next) => {
  const host = c.req.header("host");
  if (hostName(host) === undefined) {
    throw new Problem(
      400,
      "bad_host",
      "The Host header is missing or is not a host name",
      "Send a Host header with a host name and at most a port",
      { connection: "close" },
    );
  }
  if (!namesSameHost(c.req.url, host!)) {
    throw new Problem(
      421,
      "wrong_host",
      "The request line names another host than the Host header",
      "Send the path alone in the request line",
      { connection: "close" },
    );
  }
  await next();
};

function namesSameHost(url: string, host: string): boolean {
  return url.startsWith(`http://${host}/`) ||
    new URL(url).hostname === new URL(`http://${host}`).hostname;
}

/** What common proxies take at most (nginx: 4 × 8 KiB, Apache: 8 KiB a line); Deno's server takes 64 KiB. */
const MOST_HEADER_BYTES = 16 * 1024;
/** As Deno's server has it; Node's would leave out what is over its own limit and say nothing. */
const MOST_HEADERS = 100;
const MOST_URL_CHARACTERS = 16 * 1024;
/** A header is `name: value` and the end of its line. */
const AROUND_A_HEADER = 4;

/** Refuses heads that no sender needs, and an `Expect` that nobody here meets. */
export const requireModestHead: MiddlewareHandler<Env> = async (c, next) => {
  const { url, headers } = c.req.raw;
  if (url.length > MOST_URL_CHARACTERS) {
    throw new Problem(
      414,
      "url_too_long",
      `The URL is longer than ${MOST_URL_CHARACTERS} characters`,
      "Send what is long in the body",
      { connection: "close" },
    );
  }
  let bytes = 0;
  let count = 0;
  headers.forEach((value, name) => {
    bytes += name.length + value.length + AROUND_A_HEADER;
    count++;
  });
  if (bytes > MOST_HEADER_BYTES || count > MOST_HEADERS) {
    throw new Problem(
      431,
      "headers_too_large",
      `There are more than ${MOST_HEADERS} headers, or more than ${MOST_HEADER_BYTES} bytes of them`,
      "Send fewer or shorter headers",
      { connection: "close" },
    );
  }
  const expected = headers.get("expect");
  if (expected !== null && expected.trim().toLowerCase() !== "100-continue") {
    throw new Problem(
      417,
      "expectation_failed",
      "Only `Expect: 100-continue` can be met here",
      "Leave the Expect header out",
      { connection: "close" },
    );
  }
  await next();
};

/**
 * Lets only requests for our own names reach the UI and the API, so that a
 * page on another name that resolves to us (DNS rebinding) gets nothing.
 */
export function requireOwnHost(
  { publicUrl, allowedHosts, denoDeploy }: Pick<
    Config,
    "publicUrl" | "allowedHosts" | "denoDeploy"
  >,
): MiddlewareHandler<Env> {
  const own = new Set(allowedHosts.map((host) => host.replace(/:\d+$/, "")));
  if (publicUrl) own.add(new URL(publicUrl).hostname.toLowerCase());
  const isOwn = (name: string) =>
    isLoopback(name) || own.has(name) || isDeployedHost(denoDeploy, name);
  return async (c, next) => {
    const name = hostName(c.req.header("host"));
    if (name === undefined || !isOwn(name)) {
      throw new Problem(
        421,
        "wrong_host",
        "This is not a host that Otto answers for",
        "Add the host's name to ALLOWED_HOSTS, or set PUBLIC_URL",
      );
    }
    await next();
  };
}

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

/**
 * A page may be shown again as it was when a person goes back to it, and is asked for anew otherwise.
 * The page to sign in has a code in it, and the API's answers are nobody's to keep.
 */
function cacheControlOf(c: Context<Env>): string {
  const isPage = c.res.headers.get("content-type")?.startsWith("text/html");
  return isPage && c.req.path !== "/sign-in" ? "private, no-cache" : "no-store";
}

/** Tells browsers to run nothing but our own files, whatever a payload says. */
export const secureHeaders: MiddlewareHandler<Env> = async (c, next) => {
  await next();
  const { headers } = c.res;
  headers.set("content-security-policy", POLICY);
  headers.set("x-content-type-options", "nosniff");
  // Not "no-referrer": with it a browser hides the Origin of our own forms, too.
  headers.set("referrer-policy", "same-origin");
  headers.set("x-frame-options", "DENY");
  headers.set("cross-origin-opener-policy", "same-origin");
  headers.set("cross-origin-resource-policy", "same-origin");
  if (!headers.has("cache-control")) headers.set("cache-control", cacheControlOf(c));
};
