import { sources } from "../../sources/mod.ts";
import type { ReplyApi } from "../../sources/reply.ts";
import type { Source } from "../../sources/source.ts";
import type { Config } from "../config/config.ts";
import type { ReplyAccess } from "../config/reply_settings.ts";
import { callVendor } from "../notify/reply/client.ts";
import type { Check } from "./check.ts";

/** Tries the credentials that replies need, by questions without any effect. */
export async function checkReplies({ replies, agentAccounts }: Config): Promise<Check[]> {
  return await Promise.all(
    [...replies].map(async ([name, access]): Promise<Check> => {
      const source: Source = sources[name as keyof typeof sources];
      const check = `replies to ${source.label ?? name}`;
      return { name: check, ...await tryAccess(source.replyApi!, access, agentAccounts) };
    }),
  );
}

async function tryAccess(
  api: ReplyApi,
  access: ReplyAccess,
  agentAccounts: readonly string[],
): Promise<Omit<Check, "name">> {
  const variables = [api.tokenVariable, api.keyVariable, api.accountVariable]
    .filter((each) => each !== undefined).join(", ");
  const answer = await callVendor(api, access, {
    ...api.probe,
    ...(api.probe.method === "POST" && { body: {} }),
  });
  if (!answer.ok) {
    return {
      status: answer.later ? "degraded" : "failed",
      detail: answer.error,
      hint: answer.later ? undefined : `Set ${variables} to what the vendor shows`,
    };
  }
  const { host } = new URL(access.url);
  const account = api.accountOf?.(answer.body);
  const scopes = await scopesOf(api, access) ?? answer.scopes;
  if (scopes && api.writes && !scopes.some((each) => api.writes!.includes(each))) {
    return {
      status: "failed",
      detail: `${host} takes the token and lets it write nothing: its scopes are ` +
        (scopes.join(", ") || "none"),
      hint: `Give the token of ${variables} the scope ${api.writes.join(" or ")}`,
    };
  }
  return {
    status: "ok",
    detail: `as ${account ?? access.account ?? "an account without a name"}, at ${host}`,
    ...(account !== undefined && agentAccounts.length === 0 && api.credential === "bearer" && {
      hint: `What else this account does makes tasks, too: AGENT_ACCOUNTS=${account} keeps it out`,
    }),
  };
}

/** What a credential is for, where the vendor has to be asked that by itself, and says it. */
async function scopesOf(api: ReplyApi, access: ReplyAccess): Promise<string[] | undefined> {
  if (!api.scopes) return undefined;
  const answer = await callVendor(api, access, { method: "GET", path: api.scopes.path });
  return answer.ok ? api.scopes.in(answer.body) : undefined;
}
