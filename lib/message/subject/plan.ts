import { isAwaited } from "../../../sources/rules/glob.ts";
import type { SubjectRole } from "../../../sources/subject.ts";
import type { Database } from "../../store/database.ts";
import { newId } from "../../store/id.ts";
import { isBehindClose, isOver, isTakenBack, noteTimes, noteTold, roleNow } from "./closing.ts";
import { readKnown } from "./known.ts";
import {
  type JoiningMessage,
  planned,
  type PlannedMessage,
  type PlannedSubject,
  roleOf,
} from "./planned.ts";
import { type OpenTasks, rowKey } from "./tell.ts";

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

/** How much comes to a source's open tasks. */
export interface JoinLimits {
  /** Messages for one task: the next one begins a new task. */
  inbox: number;
  /** How long a task may have been worked, waits among it: an older one takes no more messages. */
  days: number;
  /** For the tasks of one subject: more stop it. */
  deliveriesPerHour: number;
}

/** In milliseconds. */
const DAY = 86_400_000;

/**
 * Decides which messages go to the task that is open about the same, in the order in which they
 * came. What it goes by is checked again when it is written: whoever finds it changed asks anew.
 *
 * @returns also whether a task is still to be made of what came before: these go to that one; and
 * which messages are left for another plan, once this one is written: those behind a close.
 */
export async function planJoins(
  database: Database,
  messages: readonly PlannedMessage[],
  limitsOf: (source: string) => JoinLimits,
): Promise<{
  plans: Map<string, Joining>;
  openTasks: OpenTasks;
  isLeaving: boolean;
  postponed: Set<string>;
}> {
  const known = await readKnown(
    database,
    messages.map(({ subject: { source, key } }) => ({
      source,
      key,
      most: limitsOf(source).deliveriesPerHour,
      room: limitsOf(source).inbox,
    })),
  );
  const subjects = new Map<string, PlannedSubject>();
  const plans = new Map<string, Joining>();
  const ordered = messages.toSorted((one, other) => orderOf(one) < orderOf(other) ? -1 : 1);
  const postponed = new Set<string>();
  for (const message of ordered) {
    const name = rowKey(message.subject);
    const subject = subjects.get(name) ?? planned(message, known.get(name));
    subjects.set(name, subject);
    const leader = message.leader === undefined ? undefined : plans.get(message.leader);
    if (isBehindClose(subject, message, leader !== undefined)) {
      postponed.add(message.messageId);
      continue;
    }
    plans.set(
      message.messageId,
      leader
        ? follow(subject, message, leader)
        : decide(subject, message, limitsOf(subject.source)),
    );
  }
  return {
    plans,
    postponed,
    isLeaving: known.values().some(({ is_leaving }) => is_leaving),
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

/** In the order of their arrival; who follows, behind whoever decides. */
const orderOf = ({ messageId, leader }: PlannedMessage) =>
  leader === undefined ? messageId : `${leader} ${messageId}`;

function decide(
  subject: PlannedSubject,
  message: PlannedMessage,
  limits: JoinLimits,
): Joining {
  const role = roleOf(message);
  const isTrusted = subject.task_verified === message.subject.verified &&
    subject.webhook_type === message.webhookType.toLowerCase();
  // What closes it goes through: it ends what goes in circles.
  if (subject.stopped_why !== null && !(role === "closes" && isTrusted)) {
    return { becomes: "nothing", state: "processed", reason: `Kept only: ${subject.stopped_why}` };
  }
  const its = roleNow(subject, message);
  noteTimes(subject, message);
  const { task } = subject;
  // Whoever is trusted otherwise has a task of its own, and the open one stays what it is.
  if (task && !isTrusted) return alone(message);
  if (task && its === "notes") {
    return { becomes: "joined", taskId: task.id, reason: "Noted with the task about the same" };
  }
  const { started_at, now } = subject;
  const isFull = subject.in_inbox >= limits.inbox ||
    started_at !== null && now.getTime() - started_at.getTime() >= limits.days * DAY;
  if (task && (!isFull || its === "closes")) {
    return join(subject, message, { role: its, task, limits });
  }
  // An older one, too: it ends nothing that somebody has opened since.
  if (role === "closes") {
    return { becomes: "nothing", state: "processed", reason: "Nothing was open" };
  }
  if (isOver(subject, message)) {
    return {
      becomes: "nothing",
      state: "processed",
      reason: "It is over already: its end came first",
    };
  }
  return begin(subject, message);
}

/** What becomes of a message whose group goes where its leader goes. */
function follow(subject: PlannedSubject, message: PlannedMessage, leader: Joining): Joining {
  if (leader.becomes === "nothing") return leader;
  const task = leader.becomes === "task" ? { started_at: null } : subject;
  const role = isTakenBack(message, task) ? "notes" : roleOf(message);
  const reason = "One task with more about the same";
  if (leader.becomes === "task") {
    const taskId = leader.joins!.newTaskId!;
    const joins = role === "closes"
      ? { taskId, role, maker: message.leader, waitKey: null }
      : undefined;
    return { becomes: "joined", taskId, reason, joins };
  }
  if (!leader.joins || role === "notes") return { ...leader, joins: undefined };
  subject.in_inbox++;
  return { ...leader, joins: { ...leader.joins, role, wakes: wakes(subject, message) } };
}

function alone({ unlessJoined: reason }: JoiningMessage): Joining {
  return reason === undefined
    ? { becomes: "task", joins: { newTaskId: newId() } }
    : { becomes: "nothing", state: "filtered", reason };
}

function join(
  subject: PlannedSubject,
  message: PlannedMessage,
  { role, task: { id: taskId, maker }, limits: { deliveriesPerHour } }: {
    role: SubjectRole;
    task: { id: string; maker?: string };
    limits: JoinLimits;
  },
): Joining {
  if (subject.delivered >= deliveriesPerHour && role !== "closes") {
    subject.stopped_why = `more than ${deliveriesPerHour} messages came for one task within an ` +
      "hour, so that something may be going in circles. A person can let it go on";
    return {
      becomes: "nothing",
      state: "processed",
      reason: `Kept only: ${subject.stopped_why}`,
    };
  }
  subject.in_inbox++;
  subject.delivered++;
  noteTold(subject, role);
  return {
    becomes: "joined",
    taskId,
    reason: "Joined the task about the same",
    joins: { taskId, role, maker, waitKey: subject.wait_key, wakes: wakes(subject, message) },
  };
}

/** Whether a message is what its subject's task waits for. */
function wakes({ wait_for: globs }: PlannedSubject, message: PlannedMessage): boolean {
  const { event, isSpokenTo } = message;
  return isSpokenTo || roleOf(message) === "closes" || isAwaited(globs ?? [], event);
}

function begin(subject: PlannedSubject, message: PlannedMessage): Joining {
  if (message.unlessJoined !== undefined) return alone(message);
  const newTaskId = newId();
  subject.task = { id: newTaskId, maker: message.messageId };
  subject.task_verified = message.subject.verified;
  subject.webhook_type = message.webhookType.toLowerCase();
  subject.in_inbox = 0;
  subject.is_closing = false;
  subject.started_at = null;
  subject.wait_key = null;
  subject.wait_for = null;
  return { becomes: "task", joins: { newTaskId } };
}
