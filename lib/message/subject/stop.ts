import type { Database } from "../../store/database.ts";

/** Stops a subject: its messages are kept and shown, and make no task; false when it is stopped already. */
export async function stopSubject(
  database: Database,
  { id, why }: { id: string; why: string },
): Promise<boolean> {
  const rows = await database.query(
    "stop a subject",
    (sql) =>
      sql`update subjects set stopped_at = now(), stopped_why = ${why}, version = version + 1
      where id = ${id} and stopped_at is null returning id`,
  );
  return rows.length > 0;
}

/** Lets a stopped subject go on; what came meanwhile stays as it was. False when it was not stopped. */
export async function resumeSubject(database: Database, id: string): Promise<boolean> {
  const rows = await database.query(
    "resume a subject",
    (sql) =>
      sql`update subjects set stopped_at = null, stopped_why = null, resumed_at = now(),
        version = version + 1
      where id = ${id} and stopped_at is not null returning id`,
  );
  return rows.length > 0;
}
