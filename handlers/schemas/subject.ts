import { z } from "@hono/zod-openapi";
import { SUBJECT_STATES } from "../../lib/message/subject/search.ts";
import { MOST_COUNTED } from "../../lib/message/subject/subject.ts";
import { READINGS } from "../../lib/message/subject/timeline.ts";
import { PHASES, TASK_PHASES } from "../../lib/message/search/phase.ts";
import { count, id, page, time, timeOrNull } from "./fields.ts";

const most = { description: `At most ${MOST_COUNTED.toLocaleString("en")} are counted` };

/** What a message or a task is about. */
export const subjectRef = z.object({
  id,
  key: z.string().openapi({ example: "github:octo/phone#7" }),
  name: z.string().nullable().openapi({ example: 'PR #7 "Greet callers" in octo/phone' }),
  link: z.string().nullable(),
}).openapi("SubjectRef");

export const subject = subjectRef.extend({
  source: z.string().openapi({ example: "github" }),
  verified: z.boolean().openapi({
    description: "A verified message has told of it: no other changes its name or ends it",
  }),
  state: z.enum(SUBJECT_STATES),
  first_at: time,
  last_at: time,
  closed_at: timeOrNull,
  phase: z.enum(TASK_PHASES).nullable().openapi({
    description: "Of the task that later messages go to, while it is open",
  }),
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

/** Where a message stands with the task that it has come for. */
const reading = {
  task_id: id.nullable(),
  reading: z.enum(READINGS).nullable().openapi({
    description:
      "Whether the task that it came for later has read it, `not_read` by its end; null " +
      "where its task was made of it, or it has none",
  }),
  read_in_step: count.nullable().openapi({ description: "The step of that task's agent" }),
  is_task_forgotten: z.boolean().openapi({
    description: "Its task went with the message that it was made of",
  }),
};

const entry = z.object({
  kind: z.enum(["message", "task"]),
  id,
  at: time,
  title: z.string().nullable(),
  phase: z.enum(PHASES),
  role: subjectRole.nullable().openapi({ description: "Of a message" }),
  event: z.string().nullable().openapi({ description: "Of a message" }),
  webhook_type: z.string().nullable().openapi({ description: "Of a message" }),
  ...reading,
  message_id: id.nullable().openapi({ description: "The message that a task was made of" }),
  finished_at: timeOrNull.openapi({ description: "Of a task" }),
}).openapi("SubjectEntry");

export const wholeSubject = subject.extend({
  timeline: z.object({ items: z.array(entry), next: id.nullable() }).openapi({
    description: "Its messages and tasks, newest first; `next` is the `cursor` of the next page",
  }),
}).openapi("WholeSubject");

export const timelinePage = z.object(page);
