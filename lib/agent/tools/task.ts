import { z } from "zod";
import { newId } from "../../store/id.ts";
import { oneLine } from "../../../sources/kit/line.ts";
import { storedText } from "../../store/stored.ts";
import { once } from "../run/call.ts";
import type { Tool, ToolContext } from "./tool.ts";

const leaseOf = ({ assignment: { taskId, epoch } }: ToolContext) => ({ taskId, epoch });

/** Writes into the task's timeline. */
export const addNote: Tool<{ text: string }> = {
  name: "add_note",
  description: "Writes a note into the task's timeline, for the team.",
  capability: { reads: "payload", effect: "internal" },
  atomic: true,
  arguments: z.strictObject({ text: z.string().trim().min(1).max(4_000) }),
  async run({ text }, context) {
    const result = "The note is in the timeline.";
    await context.database.query("write a note", (sql) =>
      sql`
        with once as (${once(sql, leaseOf(context), context.key, result)})
        insert into task_events (id, task_id, kind, actor, data)
        select ${newId()}, task_id, 'note', ${context.actor}::text,
          jsonb_build_object('text', ${storedText(text)}::text) from once`);
    return result;
  },
};

/** Gives the task a better title. */
export const setTitle: Tool<{ title: string }> = {
  name: "set_title",
  description: "Gives the task a title that says better what it is about; one line.",
  capability: { reads: "payload", effect: "internal" },
  atomic: true,
  arguments: z.strictObject({ title: z.string().trim().min(1).max(500) }),
  async run({ title }, context) {
    const line = oneLine(title);
    if (line === "") throw new Error("a title needs characters that can be seen");
    const result = "The title is set.";
    await context.database.query("set a task's title", (sql) =>
      sql`
        with once as (${once(sql, leaseOf(context), context.key, result)}),
        titled as (
          update tasks t set title = ${line} from once where t.id = once.task_id
          returning t.id
        )
        insert into task_events (id, task_id, kind, actor, data)
        select ${newId()}, id, 'titled', ${context.actor}::text,
          jsonb_build_object('title', ${line}::text) from titled`);
    return result;
  },
};

/** Gives the task to somebody whom Otto knows. */
export const reassignTask: Tool<{ email: string }> = {
  name: "reassign_task",
  description: "Gives the task to another person of the team, by e-mail address.",
  capability: { reads: "payload", effect: "internal" },
  atomic: true,
  arguments: z.strictObject({
    // Only an address that somebody has counts; Gemini takes no schema with a format.
    email: z.string().trim().min(3).max(254),
  }),
  async run({ email: address }, context) {
    const email = address.toLowerCase();
    const result = `The task is now ${email}'s.`;
    const people = await context.database.query(
      "find a person",
      (sql) => sql`select id from users where email = ${email} and kind = 'person'`,
    );
    if (people.length === 0) throw new Error(`nobody of the team has the address ${email}`);
    await context.database.query("reassign a task", (sql) =>
      sql`
        with once as (${once(sql, leaseOf(context), context.key, result)}),
        given as (
          update tasks t set assigned_to = u.id from once, users u
          where t.id = once.task_id and u.email = ${email} and u.kind = 'person'
          returning t.id, u.id as user_id
        )
        insert into task_events (id, task_id, kind, actor, data)
        select ${newId()}, id, 'reassigned', ${context.actor}::text,
          jsonb_build_object('assigned_to', user_id) from given`);
    return result;
  },
};
