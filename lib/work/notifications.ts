import { giveUpUnknown } from "../notify/notification.ts";
import { SLACK_CHANNEL } from "../notify/slack/message.ts";
import type { Services } from "../services.ts";

/** The last third of a worker: result → notifications. Tells what is due through every channel. */
export async function tellPeople(
  services: Pick<Services, "database" | "channels">,
  signal: AbortSignal,
): Promise<number> {
  await giveUpUntold(services);
  return await tellDue(services, signal);
}

/** The same for what there is a channel for. */
export async function tellDue(
  { channels }: Pick<Services, "channels">,
  signal: AbortSignal,
): Promise<number> {
  const counts = await Promise.all(channels.map((channel) => channel.tell(signal)));
  return counts.reduce((all, each) => all + each, 0);
}

/** Gives up what there is no channel for. What is for Slack waits until that is set up again. */
export async function giveUpUntold(
  { database, channels }: Pick<Services, "database" | "channels">,
): Promise<void> {
  await giveUpUnknown(database, [SLACK_CHANNEL, ...channels.map(({ name }) => name)]);
}
