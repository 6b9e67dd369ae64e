import type { ReplyApi } from "../../../sources/reply.ts";
import type { Source } from "../../../sources/source.ts";
import type { ReplyAccesses } from "../../config/reply_settings.ts";
import { errorText, type Log } from "../../process/log.ts";
import type { Database } from "../../store/database.ts";
import { REPLY_CHANNEL } from "../../store/outbox.ts";
import type { Channel } from "../channel.ts";
import { pause } from "../../async/deadline.ts";
import { callVendor, noAnswer, type VendorAnswer, type VendorRequest } from "./client.ts";
import {
  beginReply,
  type ClaimedReply,
  claimReplies,
  findSentIds,
  MOST_HOURS,
  readFate,
  recordFailure,
  recordSent,
  repliesWait,
  type ReplyFate,
  type SentAnswer,
} from "./record.ts";

/** Often enough for whoever waits for an answer. */
const REST_MS = 500;
/** By so much may a vendor's clock be behind ours. */
const CLOCKS_APART_MS = 10 * 60_000;
/** Of what is found in a search; a thread with more is for people to look through. */
const MOST_PAGES = 20;
/** So many calls are out at once from one process. */
const AT_ONCE = 4;
const MAY_BE_SENT =
  "it may have been sent, and its answer never came: look there, and retry it only " +
  "if it is not";
const TOO_OLD =
  `it was written more than ${MOST_HOURS} hours ago, and may be no answer any more: ` +
  "retry it if it is";
/** How often is looked what became of one that another worker has in hand. */
const LOOK_MS = 250;

/** What sending replies needs. */
interface ReplySender {
  database: Database;
  log: Log;
  sourceOf(name: string): Source;
  accesses: ReplyAccesses;
}

/** The channel for replies. */
export interface Replies extends Channel {
  /**
   * Sends one now, unless another worker has it in hand already, and says what became of it;
   * `pending` without an error when that is not known by the time that the signal is aborted.
   */
  sendNow(id: string, signal: AbortSignal): Promise<ReplyFate>;
}

/** Answers where messages came from, each once: what the outbox has, through the vendors' APIs. */
export function createReplies(sender: ReplySender): Replies {
  return {
    sendNow: (id, signal) => sendNow(sender, id, signal),
    name: REPLY_CHANNEL,
    restMs: REST_MS,
    destinations: () => [],
    async tell(signal) {
      if (signal.aborted) return 0;
      const replies = await claimReplies(sender.database, { max: AT_ONCE });
      await Promise.all(replies.map((each) => tellOne(sender, each, signal)));
      return replies.length;
    },
    waits: repliesWait,
    idle: () => Promise.resolve(),
  };
}

async function sendNow(sender: ReplySender, id: string, signal: AbortSignal): Promise<ReplyFate> {
  const { database } = sender;
  const [reply] = await claimReplies(database, { max: 1, only: id });
  if (reply) await tellOne(sender, reply, signal);
  for (;;) {
    const fate = await readFate(database, id);
    if (!fate) return { state: "dead", error: "it was deleted" };
    if (fate.state !== "pending" || fate.error !== null || signal.aborted) return fate;
    await pause(LOOK_MS, signal);
  }
}

/** Sends one and records what came of it. Never rejects: the lease runs out where the store is away. */
async function tellOne(
  sender: ReplySender,
  reply: ClaimedReply,
  signal: AbortSignal,
): Promise<void> {
  const { database, log } = sender;
  try {
    const answer = await send(sender, reply, signal);
    if (answer === "lost") return;
    if (answer.ok) return await recordSent(database, reply, answer);
    log.warn("reply.not_sent", {
      notification_id: reply.id,
      source: reply.source,
      status: answer.status,
      error: answer.error,
    });
    await recordFailure(database, reply, answer);
  } catch (error) {
    log.warn("reply.failed", { notification_id: reply.id, error: errorText(error) });
  }
}

async function send(
  { database, sourceOf, accesses }: ReplySender,
  reply: ClaimedReply,
  signal: AbortSignal,
): Promise<SentAnswer | VendorAnswer & { ok: false } | "lost"> {
  const { replyApi: api } = sourceOf(reply.source);
  const access = accesses.get(reply.source);
  if (!api || !access) {
    return failed(`${api?.tokenVariable ?? reply.source} is not set any more: nothing was sent`);
  }
  const { path, moved, body, account } = reply.call;
  if (account !== undefined && account !== access.account) {
    return failed(
      `the message is of the account ${account}, and ${api.accountVariable} is another`,
    );
  }
  if (reply.unsure > 0) {
    const earlier = await lookFor(
      database,
      api,
      reply,
      (request) => callVendor(api, access, request, signal),
    );
    // A person who retries what nobody could find has looked there.
    if (earlier === "unknown" && !reply.wasLookedFor) return failed(MAY_BE_SENT);
    if (typeof earlier === "object") return earlier;
  }
  if (reply.isOld) return failed(TOO_OLD);
  if (reply.cancelled) return failed("the task was cancelled before it was sent");
  if (!await beginReply(database, reply)) return "lost";
  // A call that is out is not given up: its answer says whether anybody was told.
  const answer = await callVendor(api, access, {
    method: "POST",
    path,
    moved,
    body: api.mark?.(body, reply.id) ?? body,
  });
  if (!answer.ok) return answer;
  const { status, body: said, requestId } = answer;
  const id = api.idOf(said);
  if (id === undefined && !api.isSent?.(said)) {
    return { ok: false, status, requestId, error: noAnswer(status), later: true, unsure: true };
  }
  return { ...answer, id, beside: api.besideOf?.(said) };
}

/**
 * Asks the vendor whether it took an earlier call whose answer never came.
 *
 * @returns "absent" when the reply is to be sent again; "unknown" when nobody can say.
 */
async function lookFor(
  database: Database,
  api: ReplyApi,
  reply: ClaimedReply,
  ask: (request: VendorRequest) => Promise<VendorAnswer>,
): Promise<SentAnswer | VendorAnswer & { ok: false } | "absent" | "unknown"> {
  if (!api.search) return "unknown";
  const since = new Date(reply.created_at.getTime() - CLOCKS_APART_MS);
  const { path, query, perPage } = api.search.path(reply.call, since);
  const { moved } = reply.call;
  const said = normal(textIn(reply));
  for (let page = 1; page <= MOST_PAGES; page++) {
    const answer = await ask({
      method: "GET",
      path,
      moved: moved && api.search.path({ ...reply.call, path: moved }, since).path,
      query: page === 1 ? query : `${query}&page=${page}`,
    });
    if (!answer.ok) return answer.later ? { ...answer, unsure: true } : "unknown";
    const listed = api.search.found(answer.body, reply.call);
    const candidates = listed.filter(({ mark, text, at }) =>
      api.mark ? mark === reply.id : normal(text) === said && !(Date.parse(at ?? "") < +since)
    );
    const known = await findSentIds(database, reply.source, candidates.map(({ id }) => id));
    const found = candidates.find(({ id }) => id === undefined || !known.has(id));
    if (found) return { ok: true, id: found.id, beside: found.beside };
    if (api.search.isCut?.(answer.body)) return "unknown";
    if (perPage === undefined || listed.length < perPage) return "absent";
  }
  return "unknown";
}

/** What the vendor was given to say, under whichever name. */
function textIn({ call: { body } }: ClaimedReply): string | undefined {
  const text = body.Body ?? body.body ?? body.note ?? body.text;
  return typeof text === "string" ? text : undefined;
}

const normal = (text: string | undefined) => text?.replaceAll("\r", "").trim();

/** Nothing was sent now; an earlier try may have been. */
function failed(error: string): VendorAnswer & { ok: false } {
  return { ok: false, error, later: false, unsure: true };
}
