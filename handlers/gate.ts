import type { MiddlewareHandler } from "hono";
import type { Config } from "../lib/config/config.ts";
import { type Env, hostName } from "./caller.ts";
import { Problem } from "./problem.ts";
import { isLoopback } from "../lib/config/loopback.ts";

/**
 * Refuses requests without one well-formed Host header. On Deno an odd one such
 * as `x/h?` becomes part of the URL and chooses another route, behind the back
 * of a proxy that guards paths.
 */
export const requireHost: MiddlewareHandler<Env> = async (c, next) => {
  if (hostName(c.req.header("host")) === undefined) {
    throw new Problem(
      400,
      "bad_host",
      "The Host header is missing or is not a host name",
      "Send a Host header with a host name and at most a port",
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
  { publicUrl, allowedHosts }: Pick<Config, "publicUrl" | "allowedHosts">,
): MiddlewareHandler<Env> {
  const own = new Set(allowedHosts.map((host) => host.replace(/:\d+$/, "")));
  if (publicUrl) own.add(new URL(publicUrl).hostname.toLowerCase());
  return async (c, next) => {
    const name = hostName(c.req.header("host"));
    if (name === undefined || !(isLoopback(name) || own.has(name))) {
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
  if (!headers.has("cache-control")) headers.set("cache-control", "no-store");
};
