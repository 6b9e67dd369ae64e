import type { Sql } from "./database.ts";

/**
 * A condition that is always met: the commit of its statement does not wait for the disk. For what
 * promises nothing to anybody, such as a claim or a heartbeat. Should the server crash within the
 * next moment it never was; whatever is committed after it, and does wait, takes it along, so that
 * no effect of a claim outlives the claim (PostgreSQL's manual, "Asynchronous Commit").
 */
export const unflushed = (sql: Sql) =>
  sql`(select set_config('synchronous_commit', 'off', true)) is not null`;
