import { giveUpUnknown } from "../notify/notification.ts";
import { SLACK_CHANNEL } from "../notify/slack/message.ts";
import type { Services } from "../services.ts";

/** The last third of a worker: result → notifications. Tells what is due through every channel. */
export async function tellPeople(
  services: Pick<Services, "database" | "channels">,
  signal: AbortSignal,
): Promise<number> {
  await giveUpUntold(services);
  const counts = await Promise.all(services.channels.map((channel) => channel.tell(signal)));
  return counts.reduce((all, each) => all + each, 0);
}

/** Gives up what there is no channel for. What is for Slack waits until that is set up again. */
export async function giveUpUntold(
  services: Pick<Services, "database" | "channels">,
): Promise<void> {
  await giveUpUnknown(services.database, knownChannels(services));
}

/** What Otto can tell through, now or when it is set up again. */
export function knownChannels({ channels }: Pick<Services, "channels">): string[] {
  return [SLACK_CHANNEL, ...channels.map(({ name }) => name)];
}
