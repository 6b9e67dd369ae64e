import type { AgentSettings } from "../agent/settings.ts";
import { sources } from "../../sources/mod.ts";
import type { ReplyApi } from "../../sources/reply.ts";
import type { Source } from "../../sources/source.ts";
import type { Config } from "../config/config.ts";
import type { ReplyAccess } from "../config/reply_settings.ts";
import { callVendor } from "../notify/reply/client.ts";
import type { Check } from "./check.ts";

/** Where the agent may answer, as AGENT_CONFIG says; of a file that cannot be read, nothing is said. */
export type ReplyingAgent = Pick<AgentSettings, "rulesOf" | "ruled">;

/** Tries the credentials that replies need, by questions without any effect. */
export async function checkReplies(config: Config, agent?: ReplyingAgent): Promise<Check[]> {
  const checks = Object.entries<Source>(sources).map(([name, source]) =>
    checkOne(config, agent, { name, source })
  );
  return (await Promise.all(checks)).flatMap((check) => check ?? []);
}

async function checkOne(
  { replies, agentAccounts }: Config,
  agent: ReplyingAgent | undefined,
  { name, source: { replyApi: api, label } }: { name: string; source: Source },
): Promise<Check | undefined> {
  if (!api) return undefined;
  const check = `replies to ${label ?? name}`;
  const access = replies.get(name);
  const isListed = agent?.rulesOf(name).tools.includes("reply");
  if (!access) {
    if (!isListed || !agent?.ruled.includes(name)) return undefined;
    return {
      name: check,
      status: "degraded",
      detail: `AGENT_CONFIG lists reply for ${name}, and nothing is answered without a credential`,
      hint: `Set ${variablesOf(api)}`,
    };
  }
  const tried = await tryAccess(api, access, agentAccounts);
  const isOff = tried.status === "ok" && isListed === false;
  const detail = isOff ? `${tried.detail}; off until AGENT_CONFIG lists reply` : tried.detail;
  return { name: check, ...tried, detail };
}

const variablesOf = ({ tokenVariable, keyVariable, accountVariable }: ReplyApi) =>
  [tokenVariable, keyVariable, accountVariable].filter((each) => each !== undefined).join(", ");

async function tryAccess(
  api: ReplyApi,
  access: ReplyAccess,
  agentAccounts: readonly string[],
): Promise<Omit<Check, "name">> {
  const variables = variablesOf(api);
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
