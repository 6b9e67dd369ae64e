import { giveUpUnknown } from "../notify/notification.ts";
import { SLACK_CHANNEL } from "../notify/slack/message.ts";
import type { Services } from "../services.ts";
import { REPLY_CHANNEL } from "../store/outbox.ts";

/** The last third of a worker: result → notifications. Tells what is due through every channel. */
export async function tellPeople(
  services: Pick<Services, "database" | "channels">,
  signal: AbortSignal,
): Promise<number> {
  await giveUpUntold(services);
  const counts = await Promise.all(services.channels.map((channel) => channel.tell(signal)));
  return counts.reduce((all, each) => all + each, 0);
}

/**
 * Gives up what there is no channel for. What is for Slack waits until that is set up again, and a
 * reply until the agent may act.
 */
export async function giveUpUntold(
  services: Pick<Services, "database" | "channels">,
): Promise<void> {
  await giveUpUnknown(services.database, knownChannels(services));
}

/** What Otto can tell through, now or when it is set up again. */
export function knownChannels({ channels }: Pick<Services, "channels">): string[] {
  return [SLACK_CHANNEL, REPLY_CHANNEL, ...channels.map(({ name }) => name)];
}
