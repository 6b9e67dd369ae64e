import { text } from "../../../sources/kit/json_path.ts";
import { errorText, type Log } from "../../process/log.ts";
import type { SlackClient } from "./client.ts";
import type { OutageWatch } from "./outage.ts";

/** Who we are in Slack. */
export interface SlackIdentity {
  userId?: string;
  botId?: string;
}

/** Often enough to recognise our own posts soon, and nothing to Slack's limits. */
const ASK_AGAIN_MS = 60_000;

/** Asks Slack who we are: once, or again a while after it could not say. Never rejects. */
export function createIdentify(
  client: SlackClient,
  { outage, log }: { outage: OutageWatch; log: Log },
): () => Promise<SlackIdentity | undefined> {
  let identity: SlackIdentity | undefined;
  let asked: Promise<SlackIdentity | undefined> | undefined;
  let askedAt = -Infinity;

  async function ask(): Promise<SlackIdentity | undefined> {
    const answer = await client("auth.test", {});
    if (answer.ok) {
      identity = { userId: text(answer.body, "user_id"), botId: text(answer.body, "bot_id") };
      await outage.recognised();
    } else if (answer.kind === "integration") await outage.begin(answer.code, answer.error);
    return identity;
  }

  return () => {
    if (asked && (identity || performance.now() - askedAt < ASK_AGAIN_MS)) return asked;
    askedAt = performance.now();
    asked = ask().catch((error) => {
      log.warn("slack.identify_failed", { error: errorText(error) });
      return undefined;
    });
    return asked;
  };
}
