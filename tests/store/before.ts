import { readdir, readFile } from "node:fs/promises";
import type postgres from "postgres";
import { FOLDER } from "../../lib/store/schema/upgrade.ts";

/** The newest migration of 904017b. */
const BEFORE = 12;

/** Makes the tables as 904017b left them; `sql` is a session's, or an embedded database's. */
export async function makeTablesAsBefore(sql: Pick<postgres.Sql, "unsafe">): Promise<void> {
  await sql.unsafe(`create table migrations (
    version integer primary key, name text not null, at timestamptz not null default now())`);
  const names = (await readdir(FOLDER)).filter((name) => /^\d+_\w+\.sql$/.test(name)).sort();
  for (const name of names) {
    const version = Number.parseInt(name, 10);
    if (version > BEFORE) continue;
    await sql.unsafe(await readFile(new URL(name, FOLDER), "utf8"));
    await sql.unsafe(`insert into migrations (version, name) values (${version}, '${name}')`);
  }
}

/** What a process of 904017b does to keep a message, with its own statement. */
export async function insertAsBefore(
  sql: postgres.Sql,
  id: string,
  delivery: string,
): Promise<void> {
  const envelope = JSON.stringify({
    url: "http://localhost/webhook/test",
    client_ip: "192.0.2.7",
    delivery_id: delivery,
    headers: [["content-type", "application/json"]],
  });
  await sql`
    insert into messages (id, webhook_type, source, delivery_key, verification, envelope, body,
      received_at, size)
    values (${id}, 'test', 'generic', sha256(convert_to(${delivery}, 'UTF8')), 'unverified',
      ${envelope}, ${`{"title":"from ${delivery}"}`}, now(), 20)`;
}
