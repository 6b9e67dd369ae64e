import { z } from "@hono/zod-openapi";
import { APPROVAL_STATES } from "../lib/task/approval.ts";
import { isId } from "../lib/store/id.ts";
import { MESSAGE_STATES } from "../lib/message/message.ts";
import { NOTIFICATION_STATES } from "../lib/notify/notification.ts";
import { TASK_STATUSES } from "../lib/task/task.ts";

/** The shapes of the API: they check what comes in, and are `/openapi.json`. */

const count = z.number().int();
const id = z.string().openapi({ format: "uuid", example: "0198c0de-0000-7000-8000-000000000001" });
const time = z.date().openapi({ type: "string", format: "date-time" });
const timeOrNull = z.date().nullable().openapi({ type: ["string", "null"], format: "date-time" });
export const idParam = z.object({
  id: z.string().refine(isId, { error: "must be an id, such as those that lists show" })
    .openapi({ param: { name: "id", in: "path" }, format: "uuid" }),
});

export const page = {
  limit: z.coerce.number().int().min(1).max(200).default(50)
    .openapi({ description: "How many at the most" }),
  cursor: z.string().refine(isId, { error: "must be the `next` of an earlier answer" }).optional()
    .openapi({ description: "The `next` of the answer before" }),
};

export const listOf = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), next: id.nullable() });

export const problem = z.object({
  error: z.object({ code: z.string(), message: z.string(), hint: z.string() }),
}).openapi("Error", {
  example: {
    error: {
      code: "signature_mismatch",
      message: "The signature does not match the body",
      hint: "Check that the secret is the one configured at the sender",
    },
  },
});

export const message = z.object({
  message_id: id,
  webhook_type: z.string().openapi({ example: "github" }),
  source: z.string().openapi({ example: "github" }),
  event: z.string().nullable().openapi({ example: "push" }),
  title: z.string().nullable(),
  state: z.enum(MESSAGE_STATES),
  reason: z.string().nullable(),
  hint: z.string().nullable().openapi({ example: "looks like Sentry: use /webhook/sentry" }),
  repeats: z.number().int(),
  verification: z.enum(["verified", "unverified", "rejected"]),
  delivery_id: z.string().nullable(),
  url: z.string(),
  client_ip: z.string(),
  content_type: z.string().nullable(),
  size: z.number().int(),
  received_at: time,
  attempts: z.number().int(),
  error: z.string().nullable(),
  task_id: id.nullable(),
  replay_of: id.nullable(),
  edited: z.boolean().openapi({
    description: "A person has changed the body before it was replayed",
    example: false,
  }),
}).openapi("Message");

export const wholeMessage = message.extend({
  method: z.string().optional().openapi({ description: "Where it was not POST" }),
  headers: z.record(z.string(), z.string()).openapi({ description: "Secrets are masked" }),
  payload_left_out: z.string().optional(),
  payload: z.unknown().openapi({
    description: 'Parsed; `{"raw_body": …}` when it is neither JSON nor a form',
  }),
}).openapi("WholeMessage");

export const replay = z.object({ message_id: id, replay_of: id }).openapi("Replay");

export const edit = z.strictObject({
  body: z.string().openapi({
    description: "The whole new body, as text; it need not be JSON",
    example: '{"action":"opened","issue":{"number":8}}',
  }),
}).openapi("Edit");

/** A message that was not replayed, and why. */
export const notReplayed = z.object({ message_id: id, code: z.string(), message: z.string() })
  .openapi("NotReplayed");

export const released = z.object({
  message_id: id,
  state: z.literal("new"),
  verification: z.enum(["verified", "unverified"]),
}).openapi("Released");

export const typeParam = z.object({ type: z.string().openapi({ example: "github" }) });

export const explanation = z.object({
  webhook_type: z.string(),
  source: z.string(),
  label: z.string(),
  verdict: z.enum(["verified", "unverified", "rejected"]),
  scheme: z.string().nullable().openapi({ description: "What this sender proves itself by" }),
  why: z.string(),
  becomes: z.enum(["message", "handshake", "rejected"]),
  delivery_id: z.string().nullable().openapi({ description: "A second one of it is a repeat" }),
  repeat_of: id.nullable().openapi({ description: "The message that this delivery has become" }),
  hint: z.string().nullable(),
  event: z.string().nullable(),
  title: z.string().nullable(),
  description: z.string().nullable(),
  link: z.string().nullable(),
  error: z.string().nullable().openapi({ description: "Why no task can be made of it" }),
  gate: z.object({
    paused_since: timeOrNull,
    address_allowed: z.boolean().nullable().openapi({
      description: "Null where it has no address",
    }),
    rate_limit: z.object({ requests: count, seconds: z.number() }).nullable(),
  }).openapi({ description: "What is asked before anything is read" }),
  filter: z.object({ passes: z.boolean(), reason: z.string().nullable() }),
  same_signed_as: id.nullable().openapi({
    description: "The first message with the same signed bytes: another makes no second task",
  }),
  merge: z.object({ key: z.string(), seconds: z.number() }).nullable()
    .openapi({ description: "It waits for others with the same key, and shares a task with them" }),
  route: z.object({ place: z.string(), thread_ts: z.string().nullable() }).nullable()
    .openapi({ description: "Where Slack would show the task: a channel, or `dm`" }),
  answer: z.object({
    status: z.number().int(),
    content_type: z.string().nullable(),
    body: z.string(),
  }).openapi({ description: "What the sender would hear" }),
}).openapi("Explanation");
export type Explanation = z.infer<typeof explanation>;

export const user = z.object({
  id,
  email: z.string().openapi({ format: "email" }),
  name: z.string(),
  slack_id: z.string().nullable(),
  kind: z.enum(["system", "person"]),
}).openapi("User");

const userName = z.string().trim().min(1).max(200);
const slackId = z.string().regex(/^[UW][A-Z0-9]{2,30}$/, {
  error: 'must be a Slack user id, such as "U0123ABCD"',
});

export const newUser = z.strictObject({
  email: z.email().max(254).transform((email) => email.toLowerCase()),
  name: userName,
  slack_id: slackId.nullish(),
}).openapi("NewUser");

export const userChange = z.strictObject({
  name: userName.optional(),
  slack_id: slackId.nullable().optional(),
}).openapi("UserChange");

export const task = z.object({
  id,
  message_id: id,
  source: z.string(),
  webhook_type: z.string(),
  title: z.string(),
  description: z.string(),
  status: z.enum(TASK_STATUSES),
  assigned_to: z.object({ id, email: z.string(), name: z.string() }),
  result: z.object({ text: z.string(), data: z.unknown() }).nullable(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  question: z.string().nullable(),
  question_id: z.number().int().nullable().openapi({
    description: "Send it with the answer: it tells this question from the task's next one",
  }),
  created_at: time,
  started_at: timeOrNull,
  finished_at: timeOrNull,
}).openapi("Task");

export const taskChange = z.strictObject({
  assigned_to: z.string().refine(isId, { error: "must be a user's id" }),
}).openapi("TaskChange");

const taskEvent = z.object({
  id,
  task_id: id,
  at: time,
  kind: z.string().openapi({ example: "started" }),
  actor: z.string(),
  data: z.unknown(),
}).openapi("TaskEvent");

export const notification = z.object({
  id,
  task_id: id.nullable(),
  message_id: id.nullable(),
  channel: z.string().openapi({ example: "web" }),
  destination: z.string(),
  kind: z.string().openapi({ example: "completed" }),
  text: z.string(),
  state: z.enum(NOTIFICATION_STATES),
  attempts: z.number().int(),
  error: z.string().nullable(),
  created_at: time,
  sent_at: timeOrNull,
  read_at: timeOrNull,
}).openapi("Notification");

export const approval = z.object({
  id,
  task_id: id,
  tool: z.string().openapi({ example: "reassign_task" }),
  arguments: z.unknown().openapi({ description: "Exactly what the tool would be called with" }),
  rule: z.string().openapi({ description: "Why the policy asks" }),
  state: z.enum(APPROVAL_STATES),
  requested_at: time,
  expires_at: time,
  decided_by: z.string().nullable(),
  decided_at: timeOrNull,
}).openapi("Approval");

export const taskAnswer = z.strictObject({
  text: z.string().trim().min(1).max(10_000),
  question_id: z.number().int().min(0).max(2_147_483_647).optional().openapi({
    description: "The task's `question_id` as it was read with the question. With it a request " +
      "may be repeated: it never answers the next question. Without it, whatever the task asks " +
      "when the answer comes is answered",
  }),
}).openapi("TaskAnswer");

export const taskDecision = z.strictObject({
  approval_id: z.string().refine(isId, { error: "must be the id of one of the task's approvals" }),
}).openapi("TaskDecision");

export const wholeTask = task.extend({
  approvals: z.array(approval),
  events: z.array(taskEvent),
  notifications: z.array(notification),
}).openapi("WholeTask");

const age = z.number().nullable();
const stage = z.object({ p50_ms: age, p99_ms: age }).openapi("Stage");

export const stats = z.object({
  queue: z.object({
    backend: z.enum(["local", "postgres", "redis"]),
    depth: count,
    oldest_age_seconds: age,
    in_progress: count,
    held: count,
    spilled: count,
  }),
  jobs: z.object({
    backend: z.string(),
    pending: count,
    running: count,
    waiting_input: count,
    oldest_age_seconds: age,
    arq: z.object({
      queue: z.string(),
      depth: count,
      oldest_age_seconds: age,
      running: count,
      workers: z.array(
        z.object({
          key: z.string(),
          complete: count,
          failed: count,
          retried: count,
          ongoing: count,
        }),
      ),
    }).nullable().openapi({ description: "The ARQ queue, and workers by their health keys" }),
  }),
  messages: z.object({
    total: count,
    new: count,
    processed: count,
    filtered: count,
    failed: count,
    rejected: count,
    repeats: count,
  }),
  by_type: z.record(z.string(), count),
  last_hour: z.object({
    received: count,
    processed: count,
    failed: count,
    completed_tasks: count,
  }),
  stages: z.object({ receive: stage, queue: stage, task: stage, agent: stage, notify: stage }),
  recent_failed: z.array(z.object({
    message_id: id,
    webhook_type: z.string(),
    error: z.string().nullable(),
    attempts: count,
    failed_at: timeOrNull,
  })),
  failed_tasks: z.array(z.object({
    id,
    title: z.string(),
    error: z.string().nullable(),
    finished_at: timeOrNull,
  })),
  dead_notifications: z.array(z.object({
    id,
    task_id: id.nullable(),
    channel: z.string(),
    destination: z.string(),
    error: z.string().nullable(),
    attempts: count,
  })),
}).openapi("Stats");

export const check = z.object({
  name: z.string(),
  status: z.enum(["ok", "degraded", "failed"]),
  detail: z.string(),
  hint: z.string().optional(),
});

export const health = z.object({
  status: z.enum(["healthy", "degraded", "unhealthy"]),
  checks: z.array(check),
}).openapi("Health");

export const status = z.object({
  running: z.boolean(),
  workers: z.array(z.object({
    id: z.string(),
    host: z.string(),
    roles: z.array(z.string()),
    doing: z.string(),
    started_at: time,
    last_seen: time,
    processed: count,
    rules: z.string().nullable(),
    alive: z.boolean(),
  })),
}).openapi("Status");

export const sourceInfo = z.object({
  name: z.string(),
  label: z.string(),
  url: z.string().openapi({ description: "A path alone while PUBLIC_URL is not set" }),
  variable: z.string().nullable().openapi({ description: "Null where nothing can be verified" }),
  secrets: count,
  signatures: z.enum(["verified", "unverified", "refused"]),
  paused_since: timeOrNull,
}).openapi("Source");
