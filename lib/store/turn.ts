import type { Database } from "./database.ts";

/**
 * Takes the turn at what one of many processes does every so often, by the store's clock.
 *
 * @returns whether it is this process's; nobody else has it for `seconds` from now.
 */
export async function takeTurn(
  database: Database,
  { name, seconds }: { name: string; seconds: number },
): Promise<boolean> {
  const rows = await database.query("take a turn", (sql) =>
    sql`
      insert into settings (name, value) values (${`turn:${name}`}, now()::text)
      on conflict (name) do update set value = excluded.value
      where settings.value::timestamptz <= now() - make_interval(secs => ${seconds})
        -- The clock was set back: nobody waits until it is there again.
        or settings.value::timestamptz > now() + make_interval(secs => ${seconds})
      returning name`);
  return rows.length > 0;
}

/** Whether the turn would be this process's now. */
export async function isTurn(
  database: Database,
  { name, seconds }: { name: string; seconds: number },
): Promise<boolean> {
  const rows = await database.query("look for a turn", (sql) =>
    sql`
      select from settings where name = ${`turn:${name}`}
        and value::timestamptz > now() - make_interval(secs => ${seconds})
        and value::timestamptz <= now() + make_interval(secs => ${seconds})`);
  return rows.length === 0;
}
