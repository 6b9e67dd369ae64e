import {
  claimNotifications,
  markSent,
  markUnsent,
  type Notification,
} from "../notify/notification.ts";
import type { Services } from "../services.ts";

/** As many as one claim of messages may bring. */
const NOTIFICATIONS_AT_ONCE = 64;

/** The last third of a worker: result → notifications. */
export interface NotificationStep {
  /** Tells what is due, and says how much. */
  tellPeople(signal: AbortSignal): Promise<number>;
}

export function createNotificationStep(
  { database, channels }: Services,
  { worker }: { worker: string },
): NotificationStep {
  async function tellPeople(signal: AbortSignal): Promise<number> {
    const notifications = await claimNotifications(database, worker, NOTIFICATIONS_AT_ONCE);
    const told = await Promise.all(notifications.map(async (notification) => {
      return [notification, await tell(notification, signal)] as const;
    }));
    const sent = told.filter(([, telling]) => telling.ok).map(([{ id }]) => id);
    if (sent.length > 0) await markSent(database, sent);
    for (const [notification, telling] of told) {
      if (!telling.ok) await markUnsent(database, notification, telling);
    }
    return notifications.length;
  }

  async function tell(notification: Notification, signal: AbortSignal) {
    const channel = channels.find((each) => each.name === notification.channel);
    if (channel) return await channel.tell(notification, signal);
    return {
      ok: false as const,
      error: `no channel "${notification.channel}" is configured`,
      permanent: true,
    };
  }

  return { tellPeople };
}
