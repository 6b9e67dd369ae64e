import type { Database } from "../store/database.ts";
import { WEB_CHANNEL } from "../store/outbox.ts";
import type { Channel } from "./channel.ts";
import { markSent } from "./notification.ts";

/** Nobody waits for it but in the middle of an upgrade. */
const REST_MS = 1_000;
/** One statement's work. */
const SENT_AT_ONCE = 500;

/**
 * The web UI: people read the row itself, so it is sent when it is kept, and nothing is left to
 * tell but what a process of the release before has put into the outbox.
 */
export function createWeb(database: Database): Channel {
  return {
    name: WEB_CHANNEL,
    restMs: REST_MS,
    destinations: () => [{ channel: WEB_CHANNEL, destination: WEB_CHANNEL }],
    tell: () =>
      markSent(database, (sql) =>
        sql`
          select id from notifications where state = 'pending' and channel = ${WEB_CHANNEL}
          order by id limit ${SENT_AT_ONCE} for update skip locked`),
    waits: (sql) =>
      sql`exists (
        select from notifications where state = 'pending' and channel = ${WEB_CHANNEL})`,
    idle: () => Promise.resolve(),
  };
}
