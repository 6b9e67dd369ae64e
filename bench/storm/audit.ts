/** A delivery as its sender remembers it. */
export interface Sent {
  number: number;
  /** Null where its sender has no delivery ids: each try may then make a message of its own. */
  id: string | null;
  sha256: string;
  /** How often it was tried, whether answered or not. */
  tries: number;
  /** The message ids that it was answered with, one for each 200. */
  answers: readonly string[];
  /** Answers that no sender deserved: neither 200 nor one that asks for another try. */
  refusals: readonly string[];
}

/** A message as it is kept, with the task that came of it. */
export interface Kept {
  messageId: string;
  /** Which delivery it says it is; null where nothing says so. */
  number: number | null;
  deliveryId: string | null;
  sha256: string;
  state: string;
  reason: string | null;
  task: KeptTask | null;
}

export interface KeptTask {
  status: string;
  error: string | null;
  /** How often its timeline says that it has ended. */
  ended: number;
  /** How often people were told of it in the web UI, and how many of these are sent. */
  told: number;
  sent: number;
}

export const FINDINGS = [
  "lost",
  "doubled",
  "two ids",
  "altered",
  "invented",
  "failed",
  "unfinished",
  "told wrongly",
] as const;

/** Something that must not be. */
export interface Finding {
  kind: typeof FINDINGS[number];
  /** The delivery's number; null where no delivery is to blame. */
  number: number | null;
  what: string;
}

/**
 * Holds what the senders remember against what is kept, when all is done.
 *
 * lost: answered with 200, and no message has that id. doubled: two messages of one delivery, or a
 * task that ended twice. two ids: answered with ids of two messages; an alias is its message.
 * altered: other bytes. invented: a message that nobody sent. failed: refused, or a message or
 * task that did not end well. unfinished: still on its way. told wrongly: not once.
 */
export function audit(
  { sent, kept, aliases }: {
    sent: Iterable<Sent>;
    kept: Iterable<Kept>;
    /** Message ids that stand for other ones. */
    aliases: ReadonlyMap<string, string>;
  },
): Finding[] {
  const findings: Finding[] = [];
  const byNumber = new Map<number, Kept[]>();
  for (const message of kept) {
    if (message.number === null) {
      findings.push(invented(message));
      continue;
    }
    const others = byNumber.get(message.number);
    if (others) others.push(message);
    else byNumber.set(message.number, [message]);
  }
  for (const delivery of sent) {
    const messages = byNumber.get(delivery.number) ?? [];
    byNumber.delete(delivery.number);
    findings.push(...auditDelivery(delivery, messages, aliases));
  }
  for (const messages of byNumber.values()) findings.push(...messages.map(invented));
  return findings;
}

function auditDelivery(
  delivery: Sent,
  messages: readonly Kept[],
  aliases: ReadonlyMap<string, string>,
): Finding[] {
  const { number, id, answers, tries } = delivery;
  const found: Finding[] = [];
  const find = (kind: Finding["kind"], what: string) => void found.push({ kind, number, what });

  for (const refusal of delivery.refusals) find("failed", `refused with ${refusal}`);

  const ids = new Set(messages.map((message) => message.messageId));
  const answered = new Set(answers.map((answer) => aliases.get(answer) ?? answer));
  for (const answer of answered) {
    if (!ids.has(answer)) find("lost", `answered with ${answer}, which is kept nowhere`);
  }
  if (id !== null && answered.size > 1) {
    find("two ids", `answered with ${[...answered].join(" and ")}`);
  }
  const most = id === null ? tries : 1;
  if (messages.length > most) {
    find("doubled", `${messages.length} messages: ${[...ids].join(", ")}`);
  }
  for (const message of messages) {
    if (message.sha256 !== delivery.sha256) {
      find("altered", `${message.messageId} has other bytes than were sent`);
    }
    if (message.deliveryId !== id) {
      find("altered", `${message.messageId} has the delivery id ${message.deliveryId}, not ${id}`);
    }
    found.push(...auditWork(number, message));
  }
  return found;
}

/** Whether a message was worked once, to a good end, and told of once. */
function auditWork(number: number, { messageId, state, reason, task }: Kept): Finding[] {
  const found: Finding[] = [];
  const find = (kind: Finding["kind"], what: string) => void found.push({ kind, number, what });
  if (state === "new") find("unfinished", `message ${messageId} was never worked`);
  else if (state !== "processed") {
    find("failed", `message ${messageId} is ${state}: ${reason ?? "no reason is given"}`);
  } else if (task === null) find("lost", `message ${messageId} has no task`);
  if (task === null) return found;

  if (["pending", "running"].includes(task.status)) {
    find("unfinished", `the task of ${messageId} is ${task.status}`);
    return found;
  }
  if (task.status !== "completed") {
    find("failed", `the task of ${messageId} is ${task.status}: ${task.error ?? "no error"}`);
  }
  if (task.ended > 1) find("doubled", `the task of ${messageId} ended ${task.ended} times`);
  if (task.told !== 1) {
    find("told wrongly", `people were told ${task.told} times of the task of ${messageId}`);
  } else if (task.sent !== 1) {
    find("unfinished", `nobody was told of the task of ${messageId} yet`);
  }
  return found;
}

function invented({ messageId, number }: Kept): Finding {
  return {
    kind: "invented",
    number,
    what: number === null
      ? `nobody sent the message ${messageId}`
      : `nobody sent delivery ${number}, and yet there is message ${messageId}`,
  };
}
