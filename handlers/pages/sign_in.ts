import { type Context, Hono, type MiddlewareHandler } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { openAdmin, type Role, SESSION_SECONDS } from "../../lib/people/admin.ts";
import type { Services } from "../../lib/services.ts";
import { clientAddress, type Env, hostName, isForwarded } from "../caller.ts";
import { formFields } from "../../sources/kit/payload.ts";
import { mayRead } from "../access.ts";
import { createAttempts } from "../attempts.ts";
import { createBodyBudget, readBody } from "../webhook/body.ts";
import { Problem } from "../problem.ts";
import { signInPage } from "../views/sign_in.ts";
import { isAlone, isLoopback } from "../../lib/config/loopback.ts";

const COOKIE = "otto_session";
const MOST_FORM_BYTES = 4_096;

/** Who may come in, and the page where they show their token. */
export interface OpenAuth {
  /** Lets pass who may do what they ask for: the admin, and to look at things readers too. */
  requireRole: MiddlewareHandler<Env>;
  pages: Hono<Env>;
  /** Makes the admin's token, if one is needed and there is none; undefined otherwise. */
  newToken(): Promise<string | undefined>;
}

export function openAuth({ services }: { services: Services }): OpenAuth {
  const { config, database, log } = services;
  const admin = openAdmin(config, database);
  const attempts = createAttempts(log);

  /**
   * On this machine alone, without a token of the operator's own, nobody has to
   * sign in. A tunnel or a proxy on the same machine comes from loopback too,
   * hence the look at everything that one of them would show.
   */
  function isAtHome(c: Context<Env>): boolean {
    return config.adminToken === undefined && isAlone(config) &&
      isLoopback(c.env.address() ?? "") &&
      isLoopback(hostName(c.req.header("host")) ?? "") && !isForwarded(c.req.raw.headers);
  }

  async function roleOf(c: Context<Env>, token: string): Promise<Role | undefined> {
    const address = clientAddress(c.req.raw, c.env, config);
    attempts.require(address);
    const role = await admin.roleOfToken(token);
    if (!role) attempts.failed(address);
    return role;
  }

  const requireRole: MiddlewareHandler<Env> = async (c, next) => {
    const bearer = /^Bearer +(\S.*)$/i.exec(c.req.header("authorization") ?? "")?.[1];
    if (bearer !== undefined) {
      const role = await roleOf(c, bearer);
      if (!role) throw signInFirst("The token is neither the admin's nor a reader's");
      requireRight(c, role);
      c.set("who", { role, isSignedIn: false });
      return await next();
    }
    const session = getCookie(c, COOKIE);
    const known = session === undefined ? undefined : await admin.roleOfSession(session);
    const role = known ?? (isAtHome(c) ? "admin" : undefined);
    if (!role) {
      if (c.req.method === "GET" && c.req.header("accept")?.includes("text/html")) {
        return c.redirect("/sign-in", 303);
      }
      throw signInFirst("This is for those who are signed in");
    }
    if (changesState(c.req.method)) requireOwnOrigin(c, known !== undefined);
    requireRight(c, role);
    c.set("who", { role, isSignedIn: known !== undefined });
    await next();
  };

  const pages = new Hono<Env>();
  pages.get("/sign-in", async (c) => {
    const token = c.req.query("token");
    if (token === undefined) return c.html(signInPage({}));
    return await signIn(c, token);
  });
  pages.post("/sign-in", async (c) => {
    requireOwnOrigin(c, false);
    const body = await readBody(c.req.raw, MOST_FORM_BYTES, createBodyBudget());
    return await signIn(c, formFields(body.bytes).get("token")?.[0] ?? "");
  });
  pages.post("/sign-out", async (c) => {
    requireOwnOrigin(c, false);
    const session = getCookie(c, COOKIE);
    if (session !== undefined) await admin.closeSession(session);
    deleteCookie(c, COOKIE, { path: "/" });
    return c.redirect("/sign-in", 303);
  });

  async function signIn(c: Context<Env>, token: string) {
    const role = await roleOf(c, token.trim());
    if (!role) return c.html(signInPage({ failed: true }), 401);
    setCookie(c, COOKIE, await admin.openSession(role), {
      path: "/",
      httpOnly: true,
      sameSite: "Lax",
      secure: config.publicUrl?.startsWith("https:") ?? false,
      maxAge: SESSION_SECONDS,
    });
    return c.redirect("/", 303);
  }

  return {
    requireRole,
    pages,
    async newToken() {
      return isAlone(config) ? undefined : await admin.makeToken();
    },
  };

  /** A browser says where a request comes from; another site's request is not the admin's will. */
  function requireOwnOrigin(c: Context<Env>, mustSay: boolean): void {
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
}

function requireRight(c: Parameters<MiddlewareHandler<Env>>[0], role: Role): void {
  if (role === "admin" || mayRead(c.req.method, c.req.path)) return;
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
