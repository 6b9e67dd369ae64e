import { matchesGlob } from "../../../sources/rules/glob.ts";
import type { SubjectRole } from "../../../sources/subject.ts";
import type { Database, Sql } from "../../store/database.ts";
import { newId } from "../../store/id.ts";
import { storedJson } from "../../store/stored.ts";
import type { MessageSubject } from "./subject.ts";
import { type OpenTasks, rowKey } from "./tell.ts";

/** A message whose task is to be found. */
export interface JoiningMessage {
  messageId: string;
  webhookType: string;
  event: string | null;
  /** Why it makes no task of its own, where it joins none. */
  unlessJoined?: string;
  /** A person speaks to the task: it wakes whatever that waits for. */
  isSpokenTo?: boolean;
}

/** The same with what it is about, once that is known. */
export type PlannedMessage = JoiningMessage & { subject: MessageSubject };

/** Which task a message goes to. */
export interface JoinedTask {
  /** The task whose inbox it is for. */
  taskId?: string;
  role?: SubjectRole;
  /** The message whose task that is, where it is made in the same statement. */
  maker?: string;
  /** What the task waited for when this was decided. */
  waitKey?: string | null;
  /** Whether it waits for just this. */
  wakes?: boolean;
  /** The id of the task that is made of it. */
  newTaskId?: string;
}

/** What a message becomes. */
export type Joining =
  /** A task of its own, by this id. */
  | { becomes: "task"; joins?: JoinedTask }
  /** Part of an open task. */
  | { becomes: "joined"; taskId: string; reason: string; joins?: JoinedTask }
  /** Nothing: there is nothing to be done. */
  | { becomes: "nothing"; state: "processed" | "filtered"; reason: string };

/** More than these wait for nobody: the next one begins a new task. */
const MOST_IN_INBOX = 50;
/** An older one takes no more messages. */
const MOST_DAYS = 7;
/** More in an hour are no conversation: two bots talk, or the agent with itself. */
const MOST_DELIVERIES = 20;
/** In milliseconds. */
const DAY = 86_400_000;

/** What the store knows of a subject and its open task. */
interface KnownSubject {
  source: string;
  key: string;
  version: number;
  opened_ms: number | null;
  closed_ms: number | null;
  verified: boolean;
  stopped_why: string | null;
  delivered: number;
  task_id: string | null;
  webhook_type: string;
  task_verified: boolean;
  in_inbox: number;
  created_at: Date;
  now: Date;
  wait_key: string | null;
  wait_for: string[] | null;
}

/** A subject while messages are decided on, one after the other. */
interface PlannedSubject extends Omit<KnownSubject, "task_id"> {
  task?: { id: string; maker?: string };
}

/**
 * Decides which messages go to the task that is open about the same, in the order in which they
 * came. What it goes by is checked again when it is written: whoever finds it changed asks anew.
 */
export async function planJoins(
  database: Database,
  messages: readonly PlannedMessage[],
): Promise<{ plans: Map<string, Joining>; openTasks: OpenTasks }> {
  const known = await readKnown(database, messages);
  const subjects = new Map<string, PlannedSubject>();
  const plans = new Map<string, Joining>();
  const ordered = messages.toSorted((one, other) => one.messageId < other.messageId ? -1 : 1);
  for (const message of ordered) {
    const name = rowKey(message.subject);
    const subject = subjects.get(name) ?? planned(message, known.get(name));
    subjects.set(name, subject);
    plans.set(message.messageId, decide(subject, message));
  }
  return {
    plans,
    openTasks: new Map(
      [...subjects].map(([name, { version, task, stopped_why }]) => [
        name,
        {
          version,
          openTask: task?.id ?? null,
          stopped: known.get(name)?.stopped_why === stopped_why
            ? undefined
            : stopped_why ?? undefined,
        },
      ]),
    ),
  };
}

function planned(
  { webhookType, subject }: PlannedMessage,
  known: KnownSubject | undefined,
): PlannedSubject {
  if (!known) {
    return {
      ...subject,
      version: 0,
      opened_ms: null,
      closed_ms: null,
      stopped_why: null,
      delivered: 0,
      webhook_type: webhookType.toLowerCase(),
      task_verified: subject.verified,
      in_inbox: 0,
      created_at: new Date(),
      now: new Date(),
      wait_key: null,
      wait_for: null,
    };
  }
  const { task_id, ...rest } = known;
  return { ...rest, ...(task_id !== null && { task: { id: task_id } }) };
}

function decide(subject: PlannedSubject, message: PlannedMessage): Joining {
  const { role, at } = message.subject;
  const isTrusted = subject.task_verified === message.subject.verified &&
    subject.webhook_type === message.webhookType.toLowerCase();
  // What closes it goes through: it ends what goes in circles.
  if (subject.stopped_why !== null && !(role === "closes" && isTrusted)) {
    return { becomes: "nothing", state: "processed", reason: `Kept only: ${subject.stopped_why}` };
  }
  const isOld = role === "closes" && at !== undefined && at < (subject.opened_ms ?? -Infinity);
  const its = isOld ? "notes" : role;
  if (role === "opens" && at !== undefined) {
    subject.opened_ms = Math.max(at, subject.opened_ms ?? 0);
  }
  const { task } = subject;
  // Whoever is trusted otherwise has a task of its own, and the open one stays what it is.
  if (task && !isTrusted) return alone(message);
  if (task && its === "notes") {
    return { becomes: "joined", taskId: task.id, reason: "Noted with the task about the same" };
  }
  const isFull = subject.in_inbox >= MOST_IN_INBOX ||
    subject.now.getTime() - subject.created_at.getTime() > MOST_DAYS * DAY;
  if (task && (!isFull || its === "closes")) return join(subject, message, task);
  if (its === "closes") {
    return { becomes: "nothing", state: "processed", reason: "Nothing was open" };
  }
  if (role === "opens" && at !== undefined && at < (subject.closed_ms ?? -Infinity)) {
    return {
      becomes: "nothing",
      state: "processed",
      reason: "It is over already: its end came first",
    };
  }
  return begin(subject, message);
}

function alone({ unlessJoined: reason }: JoiningMessage): Joining {
  return reason === undefined
    ? { becomes: "task" }
    : { becomes: "nothing", state: "filtered", reason };
}

function join(
  subject: PlannedSubject,
  { subject: { role }, event, isSpokenTo }: PlannedMessage,
  { id: taskId, maker }: { id: string; maker?: string },
): Joining {
  if (subject.delivered >= MOST_DELIVERIES && role !== "closes") {
    subject.stopped_why = `more than ${MOST_DELIVERIES} messages came for one task within an ` +
      "hour, so that something may be going in circles. A person can let it go on";
    return {
      becomes: "nothing",
      state: "processed",
      reason: `Kept only: ${subject.stopped_why}`,
    };
  }
  subject.in_inbox++;
  subject.delivered++;
  const wakes = isSpokenTo || role === "closes" || subject.wait_for === null ||
    subject.wait_for.length === 0 ||
    event !== null && subject.wait_for.some((glob) => matchesGlob(glob, event));
  return {
    becomes: "joined",
    taskId,
    reason: "Joined the task about the same",
    joins: { taskId, role, maker, waitKey: subject.wait_key, wakes },
  };
}

function begin(subject: PlannedSubject, message: PlannedMessage): Joining {
  if (message.unlessJoined !== undefined) return alone(message);
  const newTaskId = newId();
  subject.task = { id: newTaskId, maker: message.messageId };
  subject.task_verified = message.subject.verified;
  subject.webhook_type = message.webhookType.toLowerCase();
  subject.in_inbox = 0;
  subject.created_at = subject.now;
  subject.wait_key = null;
  subject.wait_for = null;
  return { becomes: "task", joins: { newTaskId } };
}

async function readKnown(
  database: Database,
  messages: readonly PlannedMessage[],
): Promise<Map<string, KnownSubject>> {
  const asked = messages.map(({ subject: { source, key } }) => ({ source, key }));
  const rows = await database.query("find the open tasks of subjects", (sql) =>
    sql<KnownSubject[]>`
      select s.source, s.key, s.version, s.verified, s.stopped_why,
        extract(epoch from s.opened_sent_at)::float8 * 1000 as opened_ms,
        extract(epoch from s.closed_sent_at)::float8 * 1000 as closed_ms,
        (select count(*)::int from (select from messages m join task_inbox i on i.message_id = m.id
          where m.subject_id = s.id and m.subject_id is not null and m.id >= ${hourAgo(sql)}
            and i.added_at > greatest(now() - interval '1 hour', s.resumed_at)
          limit ${MOST_DELIVERIES}) c) as delivered,
        t.id as task_id, coalesce(lower(m.webhook_type), '') as webhook_type,
        coalesce(m.verification = 'verified', s.verified) as task_verified,
        (select count(*)::int from task_inbox i where i.task_id = t.id) as in_inbox,
        coalesce(t.created_at, now()) as created_at, now() as now, t.wait_key, t.wait_for
      from (select distinct source, key
        from jsonb_to_recordset(${storedJson(asked)}::text::jsonb) as g(source text, key text)) g
      join subjects s on s.source = g.source and s.key = g.key
      left join tasks t on t.id = s.open_task and t.open
      left join messages m on m.id = t.message_id`);
  return new Map(rows.map((row) => [rowKey(row), row]));
}

/** The smallest id that could have been made an hour ago: see `firstIdAt`. */
const hourAgo = (sql: Sql) =>
  sql`(lpad(to_hex((extract(epoch from now() - interval '1 hour') * 1000)::bigint), 12, '0')
    || '70008000000000000000')::uuid`;
