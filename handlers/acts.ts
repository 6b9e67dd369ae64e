import type { Context } from "hono";
import { type Act, type Actor, recordAct } from "../lib/people/audit.ts";
import type { Config } from "../lib/config/config.ts";
import type { Database } from "../lib/store/database.ts";
import { isId } from "../lib/store/id.ts";
import { routeOf } from "./access.ts";
import { clientAddress, type Env, type Who } from "./caller.ts";

/** Routes that a person calls by another method than GET and that are no acts, with the reason. */
export const UNRECORDED: Readonly<Record<string, string>> = {
  "POST /theme": "it changes a cookie of whoever asks",
  "POST /clock": "it changes a cookie of whoever asks",
  "POST /webhook/:type/explain": "it looks what would become of a request, and changes nothing",
  "POST /api/drain": "a host's clock calls it each minute, and no person",
};

/** Who acts in a task's timeline where it is not a person with a token of their own. */
const ADMIN = "admin";

/** Who a request's act is noted under, in a task's timeline and with an approval. */
export function actorOf(c: Context<Env>): string {
  return c.get("who")?.holder?.user.name ?? ADMIN;
}

/** The same, as the audit log names them: for what is done later in their name. */
export function recordedActor(c: Context<Env>): Actor {
  const actor = c.get("actor");
  if (!actor) throw new Error(`${c.req.path} is no act: nobody is noted for it`);
  return actor;
}

/**
 * Says more about what this request does than its route does: a better word, things it made, a few
 * facts. It goes into the audit log with the act; no payload's text and no secret may stand in it.
 * May be called more than once.
 */
export function noteAct(c: Context<Env>, more: Partial<Act>): void {
  const before = c.get("act");
  c.set("act", {
    ...before,
    ...more,
    ids: [...before?.ids ?? [], ...more.ids ?? []],
    detail: { ...before?.detail, ...more.detail },
  });
}

/**
 * Lets a request do what it asks for, and records it where it is an act: every route of another
 * method than GET but those of {@link UNRECORDED}. So a new route cannot forget to.
 */
export async function withRecord(
  { database, config }: { database: Database; config: Config },
  c: Context<Env>,
  { who, next }: { who: Who; next: () => Promise<void> },
): Promise<void> {
  const route = routeOf(c.req.method, c.req.path);
  if (route === undefined || route[0] === "GET") return await next();
  const [method, pattern] = route;
  const name = `${method} ${pattern}`;
  if (Object.hasOwn(UNRECORDED, name)) return await next();
  const act = { ...actOf(method, pattern, c.req.path), route: name };
  const actor = whoActs(c, config, who);
  c.set("actor", actor);
  await recordAct(database, { ...act, actor }, async () => {
    await next();
    const noted = c.get("act");
    const { status } = c.res;
    const outcome = status >= 500 ? "failed" : status >= 400 ? "refused" : "done";
    const ids = noted && [...act.ids ?? [], ...noted.ids ?? []];
    return { result: undefined, outcome, status, more: { ...noted, ids } };
  });
}

/** Whoever asks, as the audit log names them. */
export function whoActs(
  c: Context<Env>,
  config: Pick<Config, "trustedProxies">,
  { role, holder, proof }: Pick<Who, "role" | "holder" | "proof">,
): Actor {
  return {
    who: holder?.user.name ?? (proof === "local" ? "whoever is at this machine" : role),
    userId: holder?.user.id,
    proof,
    channel: c.req.path.startsWith("/api/") ? "api" : "page",
    clientIp: clientAddress(c.req.raw, c.env, config) || undefined,
  };
}

/** What a route's name says of the act: `POST /api/messages/:id/replay` is "replay" of a message. */
function actOf(method: string, pattern: string, path: string): Act {
  const parts = pattern.split("/").filter((part) => part !== "" && part !== "api");
  const given = path.split("/");
  const ids = pattern.split("/").flatMap((part, at) => {
    // An action is a word for what is done, and no thing that it is done to.
    if (!part.startsWith(":") || part === ":action") return [];
    return [isId(given[at]) ? given[at].toLowerCase() : given[at]];
  });
  const thing = parts[0].replace(/s$/, "");
  const last = parts.at(-1)!;
  if (method === "DELETE") return { act: "delete", thing, ids };
  if (parts.length === 1) return { act: "create", thing, ids };
  if (last === ":action") return { act: given.at(-1)!, thing, ids };
  return { act: last.startsWith(":") ? "change" : last, thing, ids };
}
