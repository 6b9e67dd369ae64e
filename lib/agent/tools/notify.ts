import { z } from "zod";
import type { Sql } from "../../store/database.ts";
import { newId } from "../../store/id.ts";
import { intoOutbox } from "../../store/outbox.ts";
import { storedText } from "../../store/stored.ts";
import { once } from "../run/call.ts";
import type { Tool } from "./tool.ts";

/**
 * Tells people something before the task has ended, at one of the destinations
 * that the operator has configured for the source. A model cannot name another.
 */
export function createNotify(destinations: readonly string[]): Tool<{
  destination: string;
  text: string;
}> {
  return {
    name: "notify",
    description: "Tells people something now. They are told of the task's end anyway.",
    capability: { reads: "payload", effect: "external" },
    atomic: true,
    arguments: z.strictObject({
      destination: z.enum(destinations as [string, ...string[]], {
        error: `must be one of ${destinations.join(", ")}`,
      }),
      text: z.string().trim().min(1).max(2_000),
    }),
    async run({ destination, text }, { database, assignment, key }) {
      const { taskId, epoch } = assignment;
      const [channel] = destination.split(":", 1);
      const result = `${destination} will be told.`;
      const note = (sql: Sql) =>
        sql`
          select ${newId()}::uuid, 'agent_call:' || task_id || ':' || ${key}::text, task_id,
            null::uuid, ${channel}::text, ${destination.slice(channel.length + 1)}::text, 'note',
            ${storedText(text)}::text
          from once`;
      await database.query("put a notification into the outbox", (sql) =>
        sql`
          with once as (${once(sql, { taskId, epoch }, key, result)}), told as (
            ${intoOutbox(sql, note(sql))}
          )
          insert into changes (kind, ids)
          select 'notification', array_agg(id) from told having count(*) > 0`);
      return result;
    },
  };
}
