import { DIRECT } from "./message.ts";

/** Where Slack shows a task: a channel or `dm`, and perhaps a thread in the channel. */
export interface SlackRoute {
  place: string;
  thread_ts: string | null;
}

/**
 * The thread that a task came from, else the channel that is configured for its
 * `webhook_type` or source, else its assignee. Nothing else in a payload names
 * a destination. Undefined for what a stranger has sent, unless the operator lists
 * its type or source: anybody could write to their team.
 */
export function routeOf(
  { source, webhookType, isVouchedFor, thread }: {
    source: string;
    webhookType: string;
    /** Whether it is verified, or the person at this machine sent it. */
    isVouchedFor: boolean;
    /** Of a verified Slack message. */
    thread?: { channel: string; ts: string };
  },
  { channels, unverifiedTypes }: {
    channels: ReadonlyMap<string, string>;
    /** In lower case; `*` is all others. */
    unverifiedTypes: readonly string[];
  },
): SlackRoute | undefined {
  const names = [webhookType.toLowerCase(), source, "*"];
  if (!isVouchedFor && !names.some((name) => unverifiedTypes.includes(name))) return undefined;
  if (thread) return { place: thread.channel, thread_ts: thread.ts };
  const channel = names.map((name) => channels.get(name)).find((found) => found !== undefined);
  return { place: channel ?? DIRECT, thread_ts: null };
}
