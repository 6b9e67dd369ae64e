import { DIRECT } from "./message.ts";

/** Where Slack shows a task: a channel or `dm`, and perhaps a thread in the channel. */
export interface SlackRoute {
  place: string;
  thread_ts: string | null;
}

/**
 * The thread that a task came from, else the channel that is configured for its
 * `webhook_type` or source, else its assignee. Nothing else in a payload names
 * a destination.
 */
export function routeOf(
  { source, webhookType, thread }: {
    source: string;
    webhookType: string;
    /** Of a verified Slack message. */
    thread?: { channel: string; ts: string };
  },
  channels: ReadonlyMap<string, string>,
): SlackRoute {
  if (thread) return { place: thread.channel, thread_ts: thread.ts };
  const channel = channels.get(webhookType.toLowerCase()) ?? channels.get(source) ??
    channels.get("*");
  return { place: channel ?? DIRECT, thread_ts: null };
}
