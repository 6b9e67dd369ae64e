import type { SentReply } from "../../sources/reply.ts";
import { threadOf } from "../../sources/slack/command.ts";
import type { ClaimedMessage } from "../message/claim.ts";
import type { MessageOutcome } from "../message/complete.ts";
import type { GroupedMessage } from "../message/group/group.ts";
import { keepDescription } from "../message/kept_description.ts";
import type { JoiningMessage } from "../message/subject/planned.ts";
import { toMessageSubject } from "../message/subject/subject.ts";
import type { GuardEntry } from "../message/replay_guard.ts";
import { isOwnReply } from "../notify/reply/own_reply.ts";
import { recordUndelivered } from "../notify/reply/record.ts";
import { errorText } from "../process/log.ts";
import type { Services } from "../services.ts";
import { isRowError } from "../store/row_error.ts";
import type { Reading } from "../reading/reading.ts";
import { UnreadableError } from "../reading/reading_thread.ts";
import { handleSlackMessage, type ObeyedCommand } from "./slack_obey.ts";

/** What one message is to become; nothing of it is written yet. */
export interface DecidedMessage {
  outcome: MessageOutcome;
  /** What nobody can have changed in it, where it is verified. */
  guard?: readonly GuardEntry[];
  /** It waits for others which are about the same. */
  group?: GroupedMessage;
  /** It goes to the open task about the same, if there is one. */
  joining?: JoiningMessage;
}

/** What every message has that becomes something. */
type MessageBegun = Pick<MessageOutcome, "messageId" | "epoch" | "subject" | "audience"> & {
  event: string | null;
  title: string;
  description: string;
};

const OWN_REPLY = "our own reply, or its status";

/** An error is shown in lists and told in notifications; a payload may be part of it. */
const MOST_ERROR = 1_000;

/**
 * Decides what a message becomes: a task, a command that is obeyed about one that
 * is there already, or a reason for neither. "later" when nobody can say yet.
 *
 * @throws only what the store fails with: the message is to be taken again.
 */
export async function decideMessage(
  services: Services,
  message: ClaimedMessage,
): Promise<DecidedMessage | "later"> {
  const { id: messageId, epoch, webhookType, verification, fromHere, claimedAt } = message;
  const reading = await tryToRead(services, message);
  if (reading instanceof UnreadableError) return failed(message, errorText(reading));
  const { payload, description, filtered } = reading;
  const { name: source, source: sender } = services.sources.find(webhookType);
  const begun = {
    messageId,
    epoch,
    event: description.event ?? null,
    title: description.title,
    audience: reading.audience,
    subject: toMessageSubject(reading.subject, {
      source,
      verified: verification === "verified",
      isRetold: message.isReplay,
    }),
  };
  const fromSlack = source === "slack" && verification === "verified";
  try {
    const obeyed = fromSlack &&
      await handleSlackMessage(services, { messageId, payload, claimedAt });
    if (obeyed === "later") return obeyed;
    if (obeyed) return toDecided({ ...begun, description: description.description }, obeyed);
  } catch (error) {
    // Any other failure is the store's: all of them come again.
    if (!isRowError(error)) throw error;
    return failed(message, errorText(error));
  }
  const sent = services.config.replies.has(source) ? sender.sentReply?.(payload) : undefined;
  const isOwn = sent !== undefined &&
    await isOwnReply(services.database, source, sent);
  if (isOwn === "later") return isOwn;
  if (isOwn) {
    const isFailure = verification === "verified" &&
      await noteFailure(services, source, sent);
    // What a machine says of our own reply is what its task may wait for.
    if (!isFailure || !reading.continues) {
      return { outcome: { ...begun, state: "filtered", reason: OWN_REPLY, taskId: null } };
    }
  }
  if (filtered !== undefined) {
    return { outcome: { ...begun, state: "filtered", reason: filtered, taskId: null } };
  }
  const thread = fromSlack ? threadOf(payload) : undefined;
  const isVouchedFor = verification === "verified" || fromHere;
  const task = {
    ...begun,
    description: description.description,
    described: keepDescription(description, { fromHere }),
    slack: services.slack?.routeOf({ source, webhookType, isVouchedFor, thread }),
  };
  const { guard, merge, continues } = reading;
  const unlessJoined = isOwn ? OWN_REPLY : reading.unlessJoined;
  const { subject, event } = begun;
  if (!continues || !subject || (merge && unlessJoined === undefined)) {
    const key = { source, webhookType, verification, fromHere, key: merge?.key };
    return { outcome: task, guard, group: merge && { ...task, seconds: merge.seconds, key } };
  }
  return { outcome: task, guard, joining: { messageId, webhookType, event, unlessJoined } };
}

/** Writes down that a reply of ours did not arrive, where a message says that. */
async function noteFailure(
  { database }: Services,
  source: string,
  { id, failure }: SentReply,
): Promise<boolean> {
  if (id === undefined || failure === undefined) return false;
  await recordUndelivered(database, { source, sentId: id, error: failure });
  return true;
}

/** What a message becomes that was said to a task. */
function toDecided(
  { description, ...begun }: MessageBegun,
  { joining, subject = begun.subject, ...obeyed }: ObeyedCommand,
): DecidedMessage {
  if (!joining) return { outcome: { ...begun, ...obeyed, subject } };
  const { messageId, event } = begun;
  return {
    outcome: { ...begun, description, subject },
    joining: { ...joining, messageId, event, unlessJoined: obeyed.reason },
  };
}

async function tryToRead(
  { reader, log }: Services,
  message: ClaimedMessage,
): Promise<Reading | UnreadableError> {
  try {
    return await reader.read(message);
  } catch (error) {
    if (!(error instanceof UnreadableError)) throw error;
    log.warn("message.failed", { message_id: message.id, error: errorText(error) });
    return error;
  }
}

function failed({ id: messageId, epoch }: ClaimedMessage, error: string): DecidedMessage {
  return { outcome: { messageId, epoch, error: error.slice(0, MOST_ERROR) } };
}
