import type { Context, MiddlewareHandler } from "hono";
import { getCookie } from "hono/cookie";
import { recordRefusedSignIn } from "../../lib/people/audit.ts";
import type { Admin, Identity, Role } from "../../lib/people/admin.ts";
import { isTokenGood } from "../../lib/people/person_token.ts";
import type { Config } from "../../lib/config/config.ts";
import { errorText, type Log } from "../../lib/process/log.ts";
import type { Database } from "../../lib/store/database.ts";
import { mayCall } from "../access.ts";
import { whoActs, withRecord } from "../acts.ts";
import type { Attempts } from "../attempts.ts";
import { clientAddress, type Env, type Who } from "../caller.ts";
import { isFromHere } from "../local.ts";
import { Problem } from "../problem.ts";
import { linkTo } from "../views/parts/filters.ts";
import { ownPath } from "./form.ts";

export const COOKIE = "otto_session";

/** What it takes to know who asks. */
export interface AuthParts {
  config: Config;
  database: Database;
  log: Log;
  admin: Admin;
  attempts: Attempts;
}

/** Lets pass who may do what they ask for, and has the audit log say what they did. */
export function createGuard(parts: AuthParts): MiddlewareHandler<Env> {
  return async (c, next) => {
    const bearer = /^Bearer +(\S.*)$/i.exec(c.req.header("authorization") ?? "")?.[1];
    const who = bearer === undefined
      ? await whoBySession(parts, c)
      : await whoByToken(parts, c, bearer);
    if (!who) {
      if (c.req.method === "GET" && c.req.header("accept")?.includes("text/html")) {
        const { pathname, search } = new URL(c.req.url);
        const back = pathname === "/" ? undefined : ownPath(pathname + search, "/");
        return c.redirect(linkTo("/sign-in", { back }), 303);
      }
      throw signInFirst("This is for those who are signed in");
    }
    // A browser sends its cookie with whatever a page asks for; a token nobody sends unknowingly.
    if (bearer === undefined && changesState(c.req.method)) {
      requireOwnOrigin(parts, c, { mustSay: who.isSignedIn });
    }
    requireRight(c, who.role);
    c.set("who", who);
    await withRecord(parts, c, { who, next });
  };
}

/** @throws {Problem} 401 when the token is nobody's. */
async function whoByToken(parts: AuthParts, c: Context<Env>, token: string): Promise<Who> {
  const identity = await identify(parts, c, { token });
  if (!identity) {
    throw signInFirst("The token is neither the admin's, nor a reader's, nor a person's");
  }
  const { holder } = identity;
  const mayStay = holder && (() => isTokenGood(parts.database, holder.tokenId));
  return { ...identity, isSignedIn: false, proof: "token", mayStay };
}

/** Whose session it is, or else whoever sits at this machine; undefined for all others. */
async function whoBySession(parts: AuthParts, c: Context<Env>): Promise<Who | undefined> {
  const session = getCookie(c, COOKIE);
  if (session !== undefined) {
    const look = () => parts.admin.identifySession(session);
    const identity = await look();
    const mayStay = async () => await look() !== undefined;
    if (identity) return { ...identity, isSignedIn: true, proof: "session", mayStay };
  }
  return isAtHome(parts, c) ? { role: "admin", isSignedIn: false, proof: "local" } : undefined;
}

/** On this machine alone, without a token of the operator's own, nobody has to sign in. */
function isAtHome({ config }: AuthParts, c: Context<Env>): boolean {
  return config.adminToken === undefined && isFromHere(config, c.req.raw, c.env);
}

/**
 * The right token always passes: many people share an address, and one who guesses must not lock
 * out those who know.
 *
 * @throws {Problem} 429 for a wrong one when too many came from this address.
 */
export async function identify(
  { config, database, log, admin, attempts }: AuthParts,
  c: Context<Env>,
  { token, code }: { token: string; code?: string },
): Promise<Identity | undefined> {
  const identity = code === undefined
    ? await admin.identifyToken(token)
    : await admin.redeemCode(code)
    ? { role: "admin" as const }
    : undefined;
  if (identity) return identity;
  const address = clientAddress(c.req.raw, c.env, config);
  attempts.require(address);
  if (!attempts.failed(address)) return undefined;
  const nobody = whoActs(c, config, { role: "reader", proof: "none" });
  // Wrong is wrong, whether it can be noted or not.
  await recordRefusedSignIn(database, nobody)
    .catch((error) => log.warn("audit.failed", { error: errorText(error) }));
}

/**
 * A browser says where a request comes from; another site's request is not the admin's will.
 * `mustSay` where only a browser can have sent it.
 */
export function requireOwnOrigin(
  { config }: Pick<AuthParts, "config">,
  c: Context<Env>,
  { mustSay }: { mustSay: boolean },
): void {
  const origin = c.req.header("origin");
  const own = [`http://${c.req.header("host")}`, `https://${c.req.header("host")}`];
  if (config.publicUrl) own.push(new URL(config.publicUrl).origin);
  if (origin === undefined ? !mustSay : own.includes(origin)) return;
  throw new Problem(
    403,
    "foreign_origin",
    "The request was made by a page of another site",
    "Use Otto's own pages, or the API with Authorization: Bearer",
  );
}

function requireRight(c: Context<Env>, role: Role): void {
  if (mayCall(role, c.req.method, c.req.path)) return;
  if (role === "drainer") {
    throw new Problem(
      403,
      "drain_only",
      "This token is good for POST /api/drain alone",
      "Use the admin token, or READ_TOKEN to look",
    );
  }
  throw new Problem(
    403,
    "read_only",
    "You may look at everything here, and change nothing",
    "Sign in with the admin token to change things",
  );
}

function changesState(method: string): boolean {
  return !["GET", "HEAD", "OPTIONS"].includes(method);
}

function signInFirst(message: string): Problem {
  return new Problem(
    401,
    "not_signed_in",
    message,
    "Send Authorization: Bearer with the admin token, or sign in at /sign-in",
    { "www-authenticate": 'Bearer realm="otto"' },
  );
}
