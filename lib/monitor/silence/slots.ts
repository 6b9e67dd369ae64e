import type { Database } from "../../store/database.ts";
import { firstIdAt } from "../../store/id.ts";

/** Senders send in bursts: in how many ten minutes they have sent says more than how much. */
export const SLOT_SECONDS = 600;
/** As long as weeks are compared, and one more. */
const KEPT_DAYS = 35;
/** As long as anybody may wait for a source: a fixed limit is 1,440 hours at most. */
const HEARD_DAYS = 65;
/** Types that are no source of ours, whose names a sender could invent. */
const MOST_INVENTED = 500;
/** Of these the least heard make room for as many new ones. */
const ROOM_FOR_INVENTED = 100;
/** Who was heard in so many ten minutes is no passer-by. */
const HEARD_OFTEN = 20;

/** Rows become visible after the time that stands in them. */
const OPEN_SECONDS = 15;
/** What is counted at once: after an upgrade there are weeks of messages. */
const STEP_SECONDS = 3_600;
/** An id is made before its row is kept, and by a clock that may be behind, or ahead. */
const ID_MARGIN_SECONDS = 300;
/** Longer than other statements may take: nobody waits for it. */
const COUNT_MS = 20_000;
const COUNTED_TO = "slots_counted_to";

/** How far slots are counted. */
export interface SlotsCounted {
  now: Date;
  to: Date;
  /** Whether nothing is left to be counted before about now. */
  isWhole: boolean;
}

/**
 * Adds to the slots what came since the last time, an hour of it at most, from the times that
 * stand on the messages: taking one costs nothing more. Only what was accepted counts, and no
 * replays. Each message is counted once, however many processes do this.
 */
export async function countSlots(database: Database): Promise<SlotsCounted> {
  const [{ now, before, from, to }] = await database.query(
    "look how far slots are counted",
    (sql) =>
      sql<{ now: Date; before: string | null; from: Date; to: Date }[]>`
      with counted as (
        select greatest(now() - make_interval(days => ${KEPT_DAYS}), coalesce(
          (select value::timestamptz from settings where name = ${COUNTED_TO}),
          (select stored_at from messages order by id limit 1), now())) as at
      )
      select now() as now, (select value from settings where name = ${COUNTED_TO}) as before,
        at as from, greatest(at, least(at + make_interval(secs => ${STEP_SECONDS}),
          now() - make_interval(secs => ${OPEN_SECONDS}))) as to from counted`,
  );
  if (to > from || before === null) await addSlots(database, { before, from, to });
  return { now, to, isWhole: now.getTime() - to.getTime() < 2 * OPEN_SECONDS * 1_000 };
}

async function addSlots(
  database: Database,
  { before, from, to }: { before: string | null; from: Date; to: Date },
): Promise<void> {
  // Both ends: a step reads its own hour's ids, and not all that came since.
  const firstId = firstIdAt(new Date(from.getTime() - ID_MARGIN_SECONDS * 1_000));
  const endId = firstIdAt(new Date(to.getTime() + ID_MARGIN_SECONDS * 1_000));
  await database.query(
    "count slots",
    (sql) =>
      sql`
      with turn as (
        insert into settings (name, value) values (${COUNTED_TO}, ${to.toISOString()})
        on conflict (name) do update set value = excluded.value
        where settings.value = ${before ?? ""} returning name
      ), came as materialized (
        select case source when 'generic' then lower(webhook_type) else source end as source,
          source = 'generic' as invented,
          to_timestamp(floor(extract(epoch from received_at) / ${SLOT_SECONDS}::int)
            * ${SLOT_SECONDS}::int) as slot,
          count(*)::int as messages, min(received_at) as first_at, max(received_at) as last_at
        from messages
        where exists (select from turn) and id >= ${firstId} and id < ${endId}
          and stored_at >= ${from} and stored_at < ${to}
          and verification <> 'rejected' and replay_of is null
        group by 1, 2, 3
      ), sources as (
        select source, bool_and(invented) as invented, sum(messages) as messages,
          min(first_at) as first_at, max(last_at) as last_at from came group by 1
      ), known as (
        select s.*, s.invented and h.source is null as is_new,
          row_number() over (partition by s.invented and h.source is null
            order by s.messages desc, s.source) as place
        from sources s left join heard_sources h using (source)
      ), heard as (
        insert into heard_sources (source, first_at, last_at, invented)
        select source, first_at, last_at, invented from known
        where not is_new
          or place <= ${MOST_INVENTED} - (select count(*) from heard_sources where invented)
        order by source
        on conflict (source) do update set invented = excluded.invented,
          first_at = least(heard_sources.first_at, excluded.first_at),
          last_at = greatest(heard_sources.last_at, excluded.last_at)
        returning source
      )
      insert into source_slots (source, slot, messages)
      select source, slot, sum(messages)::int from came join heard using (source)
      group by 1, 2 order by 1, 2
      on conflict (source, slot) do update set messages = source_slots.messages + excluded.messages`,
    COUNT_MS,
  );
}

/** A row each ten minutes and source for as many weeks: one statement's work. */
const FORGET_AT_ONCE = 20_000;

/** Removes what is too old for every comparison, and whom nobody has heard for as long. */
export async function forgetSlots(database: Database): Promise<void> {
  await database.query("forget old slots", (sql) =>
    sql`
      with old as (select now() - make_interval(days => ${KEPT_DAYS}) as at), slots as (
        delete from source_slots where ctid = any(array(select ctid from source_slots
          where slot < (select at from old) limit ${FORGET_AT_ONCE} for update skip locked))
      ), heard as (
        delete from heard_sources where last_at < now() - make_interval(days => ${HEARD_DAYS})
          and silence_id is null and tell_after_hours is null
      ), unheard as (
        delete from unheard_times where ended < (select at from old)
      )
      delete from silences where ended_at < (select at from old)`);
}

/**
 * Lets go of names that a sender may have invented, those heard least, so that there is room for
 * new ones: whoever sends again and again stays.
 */
export async function makeRoom(database: Database): Promise<void> {
  await database.query("make room for new names", (sql) =>
    sql`
      with invented as (
        select source, last_at, silence_id is null and tell_after_hours is null as may_go
        from heard_sources where invented
      ), least as (
        select i.source from invented i, lateral (
          select count(*) as slots from (select from source_slots s where s.source = i.source
            limit ${HEARD_OFTEN}) its) heard
        where i.may_go order by heard.slots, i.last_at
        limit greatest(0, (select count(*) from invented)
          - ${MOST_INVENTED - ROOM_FOR_INVENTED}::int)
      ), gone as (
        delete from heard_sources where source in (select source from least)
      )
      delete from source_slots where source in (select source from least)`);
}
