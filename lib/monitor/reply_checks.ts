import { sources } from "../../sources/mod.ts";
import type { Source } from "../../sources/source.ts";
import type { Config } from "../config/config.ts";
import { callVendor } from "../notify/reply/client.ts";
import type { Check } from "./check.ts";

/** Tries the credentials that replies need, by questions without any effect. */
export async function checkReplies({ replies, agentAccounts }: Config): Promise<Check[]> {
  return await Promise.all(
    [...replies].map(async ([name, access]): Promise<Check> => {
      const source: Source = sources[name as keyof typeof sources];
      const api = source.replyApi!;
      const check = `replies to ${source.label ?? name}`;
      const answer = await callVendor(api, access, {
        ...api.probe,
        ...(api.probe.method === "POST" && { body: {} }),
      });
      if (!answer.ok) {
        const hint = answer.later
          ? undefined
          : `Set ${
            [api.tokenVariable, api.keyVariable, api.accountVariable].filter((each) => each)
              .join(", ")
          } to what the vendor shows`;
        return {
          name: check,
          status: answer.later ? "degraded" : "failed",
          detail: answer.error,
          hint,
        };
      }
      const account = api.accountOf(answer.body) ?? "an account without a name";
      const isKnown = agentAccounts.length > 0;
      return {
        name: check,
        status: "ok",
        detail: `as ${account}, at ${new URL(access.url).host}`,
        ...(!isKnown && api.credential === "bearer" && {
          hint:
            `What else this account does makes tasks, too: AGENT_ACCOUNTS=${account} keeps it out`,
        }),
      };
    }),
  );
}
