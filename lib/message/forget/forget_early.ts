import { hasEnded } from "./forget.ts";
import { createForgetWalk, LOOKED_AT, type WalkStep, walkStep } from "./forget_walk.ts";
import { idArray } from "../../store/stored.ts";
import type { Database } from "../../store/database.ts";

const DAY_SECONDS = 24 * 3_600;

/** How long messages are kept, in days. */
interface Retention {
  retentionDays: number;
  /** Those that nobody vouched for. */
  unverifiedRetentionDays: number;
  /** Those of a source, by its name, where they go before all others. */
  sources: ReadonlyMap<string, number>;
}

const walk = createForgetWalk<Retention>(async (database, { after, atOnce, retention }) => {
  const { retentionDays, unverifiedRetentionDays, sources } = retention;
  const shortest = shortestOf(retention);
  const names = [...sources.keys()];
  const days = [...sources.values()];
  const [row] = await database.query(
    "forget what goes early",
    (sql) =>
      sql<WalkStep[]>`
      with looked as materialized (
        select m.id, m.state, m.task_id,
          -- The last ones may stay longer than the first: only what no rule takes ends the walk.
          m.stored_at < now() - make_interval(secs => ${shortest * DAY_SECONDS}) as is_old,
          m.stored_at < now() - make_interval(secs => ${DAY_SECONDS} * least(
            s.days, ${retentionDays},
            case m.verification when 'unverified' then ${unverifiedRetentionDays}::float8 end
          )) as goes
        from messages m
        left join unnest(${idArray(names)}::text[], ${idArray(days.map(String))}::float8[])
          as s(source, days) on s.source = m.source
        where m.id > ${after} order by m.id limit ${LOOKED_AT}
      ), gone as (
        delete from messages where id in (
          select l.id from looked l left join tasks t on t.id = l.task_id
          where l.goes and l.state <> 'new'
            and ${hasEnded(sql)}
          order by l.id limit ${atOnce}
        ) and state <> 'new' returning id
      )
      ${walkStep(sql)}`,
  );
  return row;
});

/**
 * Removes up to `atOnce` of the messages that go before the others, because nobody vouched for
 * them or their source's rules say so, by the store's clock and with all that hangs on them; none
 * whose task is still open.
 *
 * @returns how many were removed.
 */
export async function forgetEarly(
  database: Database,
  retention: Retention,
  atOnce: number,
): Promise<number> {
  // Then they go with all others.
  if (shortestOf(retention) >= retention.retentionDays) return 0;
  return await walk(database, retention, atOnce);
}

const shortestOf = ({ unverifiedRetentionDays, sources }: Retention) =>
  Math.min(unverifiedRetentionDays, ...sources.values());
