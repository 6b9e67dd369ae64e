import type { Sql } from "../../store/database.ts";
import { newId } from "../../store/id.ts";
import { intoOutbox, WEB_CHANNEL } from "../../store/outbox.ts";
import { storedText } from "../../store/stored.ts";

/**
 * The part of a statement that tells in the web UI what Slack could not be told: the rows
 * `unsent` of it, those of a task together, if they are `dead`.
 */
export function fallBack(sql: Sql, { dead, error }: { dead: boolean; error: string }) {
  return intoOutbox(
    sql,
    sql`
      select ${newId()}::uuid, 'notification:' || min(id::text), task_id, null::uuid,
        ${WEB_CHANNEL}, ${WEB_CHANNEL}, 'slack_failed', 'Slack could not be told (' ||
          min(destination) || ': ' || ${storedText(error)}::text || '). ' || min(text)
      from unsent where ${dead} group by task_id`,
  );
}
