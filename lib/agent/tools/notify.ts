import { z } from "zod";
import { newId } from "../../store/id.ts";
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
      await database.query("put a notification into the outbox", (sql) =>
        sql`
          with once as (${once(sql, { taskId, epoch }, key, result)})
          insert into notifications (id, cause, task_id, channel, destination, kind, text)
          select ${newId()}, 'agent_call:' || task_id || ':' || ${key}::text, task_id, ${channel},
            ${destination.slice(channel.length + 1)}, 'note', ${storedText(text)} from once
          on conflict do nothing`);
      return result;
    },
  };
}
