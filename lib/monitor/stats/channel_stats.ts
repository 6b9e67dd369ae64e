import type { Database } from "../../store/database.ts";

/** How it goes with a channel, from its latest notifications. */
export interface ChannelStats {
  channel: string;
  waiting: number;
  oldest_waiting: Date | null;
  last_sent: Date | null;
  last_error: string | null;
  last_error_at: Date | null;
}

/** Only as many of the latest notifications are looked at: the page is about now. */
const LOOKED_AT = 1_000;

/** How it goes with every channel that has told anything lately, by name. */
export async function readChannelStats(database: Database): Promise<ChannelStats[]> {
  return await database.query(
    "read how the channels do",
    (sql) =>
      sql<ChannelStats[]>`
      with recent as (
        select id, channel, sent_at, error, created_at from notifications
        order by id desc limit ${LOOKED_AT}
      ), waiting as (
        select channel, count(*)::int as waiting, min(created_at) as oldest
        from notifications where state = 'pending' group by channel
      )
      select c.channel, coalesce(w.waiting, 0) as waiting, w.oldest as oldest_waiting,
        (select max(sent_at) from recent r where r.channel = c.channel) as last_sent,
        e.error as last_error, e.created_at as last_error_at
      from (select distinct channel from recent union select channel from waiting) c
      left join waiting w on w.channel = c.channel
      left join lateral (
        select error, created_at from recent r
        where r.channel = c.channel and error is not null order by id desc limit 1) e on true
      order by c.channel`,
  );
}
