import { z } from "@hono/zod-openapi";
import { SUBJECT_STATES } from "../../lib/message/subject/search.ts";
import { MOST_COUNTED } from "../../lib/message/subject/subject.ts";
import { PHASES, TASK_PHASES } from "../../lib/message/search/phase.ts";
import { count, id, page, time, timeOrNull } from "./fields.ts";

const most = { description: `At most ${MOST_COUNTED.toLocaleString("en")} are counted` };

export const subject = z.object({
  id,
  source: z.string().openapi({ example: "github" }),
  key: z.string().openapi({ example: "github:octo/phone#7" }),
  name: z.string().nullable().openapi({ example: 'PR #7 "Greet callers" in octo/phone' }),
  link: z.string().nullable(),
  verified: z.boolean().openapi({
    description: "A verified message has told of it: no other changes its name or ends it",
  }),
  state: z.enum(SUBJECT_STATES),
  first_at: time,
  last_at: time,
  closed_at: timeOrNull,
  stopped_why: z.string().nullable(),
  messages: count.openapi(most),
  tasks: count.openapi(most),
}).openapi("Subject");

export const subjectFilter = z.object({
  source: z.string().max(64).optional(),
  state: z.enum(SUBJECT_STATES).optional(),
  q: z.string().max(200).optional().openapi({ description: "In the name and the key" }),
});

export const subjectRole = z.enum(["opens", "continues", "result", "closes", "notes"]);

const entry = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("message"),
    id,
    at: time,
    title: z.string().nullable(),
    phase: z.enum(PHASES),
    role: subjectRole.nullable(),
    event: z.string().nullable(),
    webhook_type: z.string(),
    task_id: id.nullable(),
    read_in_step: count.nullable().openapi({
      description: "The step of its task's agent that read it, where it came after the task",
    }),
    unread: z.boolean(),
  }),
  z.object({
    kind: z.literal("task"),
    id,
    at: time,
    title: z.string(),
    phase: z.enum(TASK_PHASES),
    message_id: id,
    finished_at: timeOrNull,
  }),
]).openapi("SubjectEntry");

export const wholeSubject = subject.extend({
  timeline: z.object({ items: z.array(entry), next: id.nullable() }).openapi({
    description: "Its messages and tasks, newest first; `next` is the `cursor` of the next page",
  }),
}).openapi("WholeSubject");

export const timelinePage = z.object(page);
