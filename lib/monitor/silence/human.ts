import type { Database } from "../../store/database.ts";

/** Of a weekday's ten minutes a person's weekend has fewer than half. */
const WEEKEND_SHARE = 0.5;

/** Which of these sources are silent when people are: on weekends they send far less. */
export async function findHumanDriven(
  database: Database,
  sources: readonly string[],
  timeZone: string,
): Promise<ReadonlySet<string>> {
  if (sources.length === 0) return new Set();
  const rows = await database.query(
    "tell people from machines",
    (sql) =>
      sql<{ source: string; weekend: number; weekdays: number }[]>`
      select source,
        count(*) filter (where extract(isodow from slot at time zone ${timeZone}) >= 6)::int
          as weekend,
        count(*) filter (where extract(isodow from slot at time zone ${timeZone}) < 6)::int
          as weekdays
      from source_slots
      where source in ${sql([...sources])} and slot > now() - interval '28 days' group by 1`,
  );
  return new Set(
    rows.filter(({ weekend, weekdays }) => weekend / 2 < WEEKEND_SHARE * weekdays / 5)
      .map(({ source }) => source),
  );
}
