import type { Fragment, Sql } from "./database.ts";

/** What people read in the web UI is the row itself, so there it is told as soon as it is kept. */
export const WEB_CHANNEL = "web";
/** Answers where messages came from. */
export const REPLY_CHANNEL = "reply";

/**
 * The part of a statement that puts notifications into the outbox, those of one cause once for
 * each destination. One for the web UI is `sent` with that; any other is `pending` until its
 * channel tells it. Whoever uses this adds the change `notification` for what it returns.
 *
 * @param rows selects id, cause, task, message, channel, destination, kind and text, in this order.
 * @returns an insert that returns `id`.
 */
export function intoOutbox(sql: Sql, rows: Fragment) {
  return sql`
    insert into notifications (id, cause, task_id, message_id, channel, destination, kind, text,
      state, sent_at)
    select n.*, case when channel = ${WEB_CHANNEL} then 'sent' else 'pending' end,
      case when channel = ${WEB_CHANNEL} then now() end
    from (${rows}) as n(id, cause, task_id, message_id, channel, destination, kind, text)
    on conflict do nothing returning id`;
}
