import { type Context, Hono, type MiddlewareHandler } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { recordAct } from "../../lib/people/audit.ts";
import { openAdmin, SESSION_SECONDS } from "../../lib/people/admin.ts";
import { isAlone } from "../../lib/config/loopback.ts";
import type { Services } from "../../lib/services.ts";
import { formFields } from "../../sources/kit/body/form.ts";
import { whoActs } from "../acts.ts";
import { createAttempts } from "../attempts.ts";
import type { Env } from "../caller.ts";
import { signInPage } from "../views/sign_in.ts";
import { createBodyBudget, readBody } from "../webhook/body.ts";
import { ownPath } from "./form.ts";
import { type AuthParts, COOKIE, createGuard, identify, requireOwnOrigin } from "./guard.ts";

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
  const parts = { config, database, log, admin, attempts: createAttempts(log) };
  return {
    requireRole: createGuard(parts),
    pages: signInPages(parts),
    async firstCode() {
      if (isAlone(config) || !await admin.makeToken()) return undefined;
      return await admin.makeCode();
    },
  };
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
    if (session !== undefined) await signOut(parts, c, session);
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
  const { config, database, admin } = parts;
  const identity = await identify(parts, c, shown);
  const role = identity?.role;
  // Whoever drains has no business on pages.
  if (!role || role === "drainer") {
    return c.html(signInPage({ failed: shown.code === undefined ? "token" : "code", back }), 401);
  }
  const proof = shown.code === undefined ? "token" : "link";
  const actor = whoActs(c, config, { ...identity, proof });
  const session = await recordAct(
    database,
    { actor, act: "sign_in", thing: "session" },
    async () => ({
      result: await admin.openSession({ ...identity, role }),
      outcome: "done",
      status: 303,
    }),
  );
  setCookie(c, COOKIE, session, {
    path: "/",
    httpOnly: true,
    sameSite: "Lax",
    // Deno Deploy is reached by TLS alone, also where no address of ours is known.
    secure: config.denoDeploy !== undefined || (config.publicUrl?.startsWith("https:") ?? false),
    maxAge: SESSION_SECONDS,
  });
  return c.redirect(back, 303);
}

/** Only an open session's end is somebody's act. */
async function signOut(
  { config, database, admin }: AuthParts,
  c: Context<Env>,
  session: string,
): Promise<void> {
  const identity = await admin.identifySession(session);
  if (!identity) return;
  const actor = whoActs(c, config, { ...identity, proof: "session" });
  await recordAct(database, { actor, act: "sign_out", thing: "session" }, async () => {
    await admin.closeSession(session);
    return { result: undefined, outcome: "done", status: 303 };
  });
}
