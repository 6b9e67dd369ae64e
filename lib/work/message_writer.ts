import { completeMessages, type MessageOutcome } from "../message/complete.ts";
import { addToGroup, type GroupedMessage } from "../message/group/group.ts";
import { rememberSigned } from "../message/replay_guard.ts";
import { resolveJoins } from "../message/subject/aliases.ts";
import { continueLeftovers } from "../message/subject/leftover.ts";
import { type Joining, planJoins } from "../message/subject/plan.ts";
import type { MessageSubject } from "../message/subject/subject.ts";
import { type OpenTasks, tellOfGrouped } from "../message/subject/tell.ts";
import { errorText } from "../process/log.ts";
import type { Services } from "../services.ts";
import { writeEach } from "../store/row_error.ts";
import type { DecidedMessage } from "./message_outcome.ts";

/** Another worker decides about the same subject, and again: each time one of both gets on. */
const MOST_TRIES = 50;

/** What it takes to write down what messages become. */
export interface MessageWriter extends Pick<Services, "database" | "bells" | "log" | "budgetsOf"> {
  /** The user who gets the tasks. */
  assignee: string;
}

/**
 * Writes what was decided about messages: their tasks, the groups that they wait
 * in, the reasons why they make none. One that the store refuses for what stands in
 * it fails alone.
 */
export async function writeDecided(
  writer: MessageWriter,
  given: readonly DecidedMessage[],
): Promise<void> {
  const decided = await withSubjects(writer, given);
  const unique = await withoutRepeats(writer, decided.filter(({ group }) => group));
  const refused = [
    ...await writeOrRefuse(writer, unique.filter(({ group }) => group), fillGroups),
    ...await writeOrRefuse(writer, unique.filter(({ group }) => !group), complete),
    ...await writeOrRefuse(writer, decided.filter(({ group }) => !group), complete),
  ];
  if (refused.length > 0) await complete(writer, refused);
}

/** With what each is about: the checks of a commit are about its pull request. */
async function withSubjects(
  { database }: MessageWriter,
  decided: readonly DecidedMessage[],
): Promise<DecidedMessage[]> {
  const subjects = decided.flatMap(({ outcome: { subject } }) => subject ?? []);
  const resolved = (await resolveJoins(database, subjects)).values();
  return decided.map((each) => {
    const subject = each.outcome.subject && resolved.next().value;
    return { ...each, outcome: { ...each.outcome, subject }, group: groupAbout(each, subject) };
  });
}

/** A group that goes by what its messages are about has none that is about nothing. */
function groupAbout(
  { group }: DecidedMessage,
  subject: MessageSubject | undefined,
): GroupedMessage | undefined {
  if (!group || group.key.key !== undefined) return group;
  return subject && { ...group, key: { ...group.key, key: subject.key } };
}

/** @returns what the store refuses, as failed messages. */
async function writeOrRefuse(
  writer: MessageWriter,
  decided: readonly DecidedMessage[],
  write: (writer: MessageWriter, some: readonly DecidedMessage[]) => Promise<void>,
): Promise<DecidedMessage[]> {
  if (decided.length === 0) return [];
  const written = await writeEach(decided, async (some): Promise<unknown[]> => {
    await write(writer, some);
    return [...some];
  });
  return written.flatMap((result, at): DecidedMessage[] => {
    if (!(result instanceof Error)) return [];
    const { messageId, epoch } = decided[at].outcome;
    writer.log.warn("message.failed", { message_id: messageId, error: errorText(result) });
    const error = `what it says cannot be stored: ${errorText(result)}`;
    return [{ outcome: { messageId, epoch, error } }];
  });
}

async function fillGroups(
  { database }: MessageWriter,
  decided: readonly DecidedMessage[],
): Promise<void> {
  await tellOfGrouped(
    database,
    decided.flatMap(({ outcome: { messageId, subject } }) =>
      subject ? [{ messageId, subject }] : []
    ),
  );
  await addToGroup(database, decided.map(({ group }) => group!));
}

/**
 * Writes what a group becomes, all of it or nothing.
 *
 * @returns false when something of it was changed meanwhile: it is to be decided anew.
 */
export async function writeGroup(
  writer: MessageWriter,
  decided: readonly DecidedMessage[],
): Promise<boolean> {
  const { database, assignee, bells } = writer;
  const { outcomes, openTasks } = await withTasks(writer, decided);
  const { stale } = await completeMessages(database, outcomes, { assignee, openTasks });
  bells.tasks.ring();
  return stale.length === 0;
}

async function complete(
  writer: MessageWriter,
  decided: readonly DecidedMessage[],
  tries = 0,
): Promise<void> {
  const { database, assignee, bells } = writer;
  const { now, postponed, outcomes, openTasks } = await withTasks(writer, decided);
  const { made, repeated, stale } = await completeMessages(
    database,
    outcomes,
    { assignee, openTasks, guard: now.flatMap(({ guard }) => guard ?? []) },
  );
  if (made.length > 0 || openTasks.size > 0) bells.tasks.ring();
  if (stale.length > 0) {
    if (tries === MOST_TRIES) {
      throw new Error(
        `the tasks of ${stale.length} messages change whenever they are to be joined`,
      );
    }
    await complete(
      writer,
      decided.filter(({ outcome }) => stale.includes(outcome.messageId)),
      tries + 1,
    );
  }
  if (repeated.length > 0) {
    // Seldom, so that only these are asked about a second time, and who came first.
    const again = await withoutRepeats(
      writer,
      decided.filter(({ outcome }) => repeated.includes(outcome.messageId)),
    );
    await complete(writer, again.map(({ outcome }) => ({ outcome })));
  }
  if (postponed.length > 0) await complete(writer, postponed);
}

/** What one statement writes. */
interface WrittenNow {
  now: readonly DecidedMessage[];
  /** What is to be decided once that is written. */
  postponed: readonly DecidedMessage[];
  outcomes: MessageOutcome[];
  openTasks: OpenTasks;
}

/** What each becomes, where it may go to a task that is open about the same. */
async function withTasks(
  { database, budgetsOf, assignee }: MessageWriter,
  decided: readonly DecidedMessage[],
): Promise<WrittenNow> {
  const joining = decided.flatMap(({ joining, outcome: { subject } }) =>
    joining && subject ? [{ ...joining, subject }] : []
  );
  if (joining.length === 0) {
    const outcomes = decided.map(({ outcome }) => outcome);
    return { now: decided, postponed: [], outcomes, openTasks: new Map() };
  }
  let planned = await planJoins(database, joining, budgetsOf);
  // What a task has left unread has the next one, and these join it: there are never two.
  for (let tries = 0; planned.isLeaving && tries < MOST_TRIES; tries++) {
    await continueLeftovers(database, assignee);
    planned = await planJoins(database, joining, budgetsOf);
  }
  const { plans, openTasks } = planned;
  const isPostponed = ({ outcome }: DecidedMessage) => planned.postponed.has(outcome.messageId);
  const now = decided.filter((each) => !isPostponed(each));
  return {
    now,
    postponed: decided.filter(isPostponed),
    outcomes: now.map(({ outcome, joining }) =>
      applyJoining(outcome, {
        plan: plans.get(outcome.messageId),
        unlessJoined: joining?.unlessJoined,
      })
    ),
    openTasks,
  };
}

function applyJoining(
  outcome: MessageOutcome,
  { plan, unlessJoined }: { plan: Joining | undefined; unlessJoined: string | undefined },
): MessageOutcome {
  if (!("description" in outcome)) return outcome;
  const { messageId, epoch, event, title, audience, subject, grouped } = outcome;
  const kept = { messageId, epoch, event, title, audience, subject, grouped };
  if (!plan) {
    return unlessJoined === undefined
      ? outcome
      : { ...kept, state: "filtered", reason: unlessJoined, taskId: null };
  }
  if (plan.becomes === "task") return { ...outcome, joins: plan.joins };
  return plan.becomes === "joined"
    ? { ...kept, state: "processed", reason: plan.reason, taskId: plan.taskId, joins: plan.joins }
    : { ...kept, state: plan.state, reason: plan.reason, taskId: null };
}

/**
 * Makes no task of what has come before with the same signed bytes: whoever has
 * captured a signed request may send it again under another delivery id.
 */
async function withoutRepeats(
  { database }: MessageWriter,
  decided: readonly DecidedMessage[],
): Promise<readonly DecidedMessage[]> {
  const guard = decided.flatMap(({ guard }) => guard ?? []);
  if (guard.length === 0) return decided;
  const firsts = await rememberSigned(database, guard);
  return decided.map((each): DecidedMessage => {
    const { outcome } = each;
    const first = firsts.get(outcome.messageId);
    if (first === undefined || !("description" in outcome)) return each;
    const { messageId, epoch, event, title, audience, subject } = outcome;
    const reason = `The same signed bytes came before, as message ${first}: the sender told it ` +
      "twice, or somebody has captured it. One task is enough";
    // It stands with what it is about, and says nothing of it.
    const about: MessageSubject | undefined = subject &&
      {
        source: subject.source,
        key: subject.key,
        verified: false,
        role: "notes",
        aliases: [],
        joins: [],
      };
    const kept = { messageId, epoch, event, title, audience, subject: about };
    return { outcome: { ...kept, state: "filtered", reason, taskId: null } };
  });
}
