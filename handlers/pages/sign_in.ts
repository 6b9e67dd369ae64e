import { type Context, Hono, type MiddlewareHandler } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { type Admin, openAdmin, type Role, SESSION_SECONDS } from "../../lib/people/admin.ts";
import type { Config } from "../../lib/config/config.ts";
import type { Services } from "../../lib/services.ts";
import { clientAddress, type Env, type Who } from "../caller.ts";
import { isFromHere } from "../local.ts";
import { formFields } from "../../sources/kit/body/form.ts";
import { ownPath } from "./form.ts";
import { mayCall } from "../access.ts";
import { type Attempts, createAttempts } from "../attempts.ts";
import { createBodyBudget, readBody } from "../webhook/body.ts";
import { Problem } from "../problem.ts";
import { linkTo } from "../views/parts/filters.ts";
import { signInPage } from "../views/sign_in.ts";
import { isAlone } from "../../lib/config/loopback.ts";

const COOKIE = "otto_session";
/** The form has one field, a token. */
const MOST_FORM_BYTES = 4_096;

/** Who may come in, and the page where they show their token. */
export interface OpenAuth {
  /** Lets pass who may do what they ask for: the admin, and to look at things readers too. */
  requireRole: MiddlewareHandler<Env>;
  pages: Hono<Env>;
  /**
   * Makes the admin's token, if one is needed and there is none, and a code that signs in once:
   * nobody sees the token itself. Undefined otherwise.
   */
  firstCode(): Promise<string | undefined>;
}

export function openAuth({ services }: { services: Services }): OpenAuth {
  const { config, database, log } = services;
  const admin = openAdmin(config, database);
  const parts = { config, admin, attempts: createAttempts(log) };
  return {
    requireRole: createGuard(parts),
    pages: signInPages(parts),
    async firstCode() {
      if (isAlone(config) || !await admin.makeToken()) return undefined;
      return await admin.makeCode();
    },
  };
}

interface AuthParts {
  config: Config;
  admin: Admin;
  attempts: Attempts;
}

function createGuard(parts: AuthParts): MiddlewareHandler<Env> {
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
    await next();
  };
}

/** @throws {Problem} 401 when the token is nobody's. */
async function whoByToken(parts: AuthParts, c: Context<Env>, token: string): Promise<Who> {
  const role = await roleOf(parts, c, { token });
  if (!role) throw signInFirst("The token is neither the admin's nor a reader's");
  return { role, isSignedIn: false };
}

/** Whose session it is, or else whoever sits at this machine; undefined for all others. */
async function whoBySession(parts: AuthParts, c: Context<Env>): Promise<Who | undefined> {
  const session = getCookie(c, COOKIE);
  const role = session === undefined ? undefined : await parts.admin.roleOfSession(session);
  if (role) return { role, isSignedIn: true };
  return isAtHome(parts, c) ? { role: "admin", isSignedIn: false } : undefined;
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
async function roleOf(
  { config, admin, attempts }: AuthParts,
  c: Context<Env>,
  { token, code }: { token: string; code?: string },
): Promise<Role | undefined> {
  const role = code === undefined
    ? await admin.roleOfToken(token)
    : await admin.redeemCode(code)
    ? "admin"
    : undefined;
  if (role) return role;
  const address = clientAddress(c.req.raw, c.env, config);
  attempts.require(address);
  attempts.failed(address);
}

function signInPages(parts: AuthParts): Hono<Env> {
  const pages = new Hono<Env>();
  // A link is only shown, not followed: previews and scanners fetch links, and the code is used up once.
  pages.get(
    "/sign-in",
    (c) =>
      c.html(signInPage({ code: c.req.query("code"), back: ownPath(c.req.query("back"), "/") })),
  );
  pages.post("/sign-in", async (c) => {
    requireOwnOrigin(parts, c, { mustSay: false });
    const body = await readBody(c.req.raw, MOST_FORM_BYTES, createBodyBudget());
    const fields = formFields(body.bytes);
    const token = fields.get("token")?.[0].trim() ?? "";
    const back = ownPath(fields.get("back")?.[0], "/");
    return await signIn(parts, c, { token, code: fields.get("code")?.[0], back });
  });
  pages.post("/sign-out", async (c) => {
    requireOwnOrigin(parts, c, { mustSay: false });
    const session = getCookie(c, COOKIE);
    if (session !== undefined) await parts.admin.closeSession(session);
    deleteCookie(c, COOKIE, { path: "/" });
    // Whoever goes back on this machine sees no page of before; browsers hear it over HTTPS only.
    c.header("clear-site-data", '"cache"');
    return c.redirect("/sign-in", 303);
  });
  return pages;
}

async function signIn(
  parts: AuthParts,
  c: Context<Env>,
  { back, ...shown }: { token: string; code?: string; back: string },
) {
  const { config, admin } = parts;
  const role = await roleOf(parts, c, shown);
  // Whoever drains has no business on pages.
  if (!role || role === "drainer") {
    return c.html(signInPage({ failed: shown.code === undefined ? "token" : "code", back }), 401);
  }
  setCookie(c, COOKIE, await admin.openSession(role), {
    path: "/",
    httpOnly: true,
    sameSite: "Lax",
    // Deno Deploy is reached by TLS alone, also where no address of ours is known.
    secure: config.denoDeploy !== undefined || (config.publicUrl?.startsWith("https:") ?? false),
    maxAge: SESSION_SECONDS,
  });
  return c.redirect(back, 303);
}

/**
 * A browser says where a request comes from; another site's request is not the admin's will.
 * `mustSay` where only a browser can have sent it.
 */
function requireOwnOrigin(
  { config }: AuthParts,
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
