import { z } from "zod";
import type { ReplyCall } from "../../../sources/reply.ts";
import type { Source } from "../../../sources/source.ts";
import type { ReplyAccesses } from "../../config/reply_settings.ts";
import { readAudiences } from "../../message/subject/audience.ts";
import { queueReply } from "../../task/reply.ts";
import type { ReadAssignment } from "../agent.ts";
import { once } from "../run/call.ts";
import { ours } from "../run/run.ts";
import type { ReplyRules } from "../policy.ts";
import type { Tool } from "./tool.ts";

/** A model says no more than this at once; most vendors take more. */
const MOST_CHARACTERS = 10_000;

/** Longer than one call of a vendor's API takes. */
const MOST_WAIT_MS = 15_000;

/** What answering where messages came from needs. */
export interface ReplyDesk {
  /** The source of this name. */
  sourceOf(name: string): Source;
  accesses: ReplyAccesses;
  /** Sends what the outbox has under this id, and says how far it is by the end of the signal. */
  sendNow(
    id: string,
    signal: AbortSignal,
  ): Promise<{ state: "sent" | "pending" | "dead"; error?: string | null }>;
  /** Beginnings of people's numbers that are answered without a person's word. */
  prefixes: readonly string[];
}

/**
 * The tool that answers where this task's message came from, and nowhere else: a model says what,
 * never where.
 *
 * @returns why there is none, where the message cannot be answered.
 */
export function createReply(
  { sourceOf, accesses, prefixes, sendNow }: ReplyDesk,
  { source: name, verified, payload }: Pick<ReadAssignment, "source" | "verified" | "payload">,
  rules: ReplyRules,
  toolSeconds: number,
): Tool<{ text: string; to: string }> | string {
  const source = sourceOf(name);
  const api = source.replyApi;
  if (!verified) return "only what a signature vouches for is answered";
  if (!api || !source.reply) return `messages of ${name} cannot be answered`;
  const access = accesses.get(name);
  if (!access) return `${api.tokenVariable} is not set`;
  const { mentions } = rules;
  const place = source.reply(payload, "", { mentions });
  if (!place) return "the message names no place that can be answered";
  const { to, account } = place;
  if (account !== undefined && account !== access.account) {
    return `the message is of the account ${account}, and ${api.accountVariable} is another`;
  }
  // What a vendor is slow with goes out all the same, and the model is not told that it failed.
  const waitMs = Math.min(MOST_WAIT_MS, toolSeconds * 800);
  const most = Math.min(api.most, MOST_CHARACTERS);
  return {
    name: "reply",
    description: `Answers the sender of this message: ${to}. Others read it; at most ${most} ` +
      `characters. It cannot be taken back.`,
    capability: { reads: "payload", effect: "external" },
    atomic: true,
    asks: api.asksFirst?.(place, prefixes),
    // Where it goes is part of what people approve.
    arguments: z.strictObject({ text: z.string().trim().min(1).max(most) })
      .refine(({ text }) => longestIn(source.reply!(payload, text, { mentions })!) <= api.most, {
        error:
          `with what is put in so that it calls nobody it has more than ${api.most} characters`,
      })
      .transform(({ text }) => ({ text, to })),
    schema: {
      type: "object",
      properties: { text: { type: "string", description: `Plain text, up to ${most} characters` } },
      required: ["text"],
    },
    async run({ text }, { database, assignment, key, fence }) {
      const { taskId, epoch } = assignment;
      const audiences = await readAudiences(database, taskId);
      const call = source.reply!(payload, text, { mentions, audiences });
      if (!call) throw new Error(`this task was told what not all may read who read ${to}`);
      const result = `The reply to ${to} is on its way. Do not send it again.`;
      const outcome = await queueReply(
        database,
        { taskId, key, source: name, text, call },
        rules,
        {
          task: (sql) => ours(sql, { taskId, epoch }),
          once: (sql, given) => once(sql, { taskId, epoch }, key, result, given),
        },
      );
      if (typeof outcome === "string") throw new Error(REFUSED[outcome](rules));
      const { state, error } = await sendNow(outcome.id, AbortSignal.timeout(waitMs));
      if (state === "sent") return `The reply to ${to} was sent. Do not send it again.`;
      // Why, the run tells by itself, now or when it comes to that.
      if (state === "dead") return `The reply to ${to} was not sent, and will not be.`;
      return error
        ? `The reply to ${to} could not be sent yet. It is tried again by itself: do not send it ` +
          `again. ${fence(error, "error")}`
        : result;
    },
  };
}

const longestIn = ({ body }: ReplyCall) =>
  Math.max(...Object.values(body).map((each) => typeof each === "string" ? each.length : 0));

const REFUSED = {
  per_task: ({ perTask }: ReplyRules) =>
    `this task has sent its ${perTask === 1 ? "reply" : `${perTask} replies`}; no more are sent`,
  per_hour: ({ perPlace, perSource }: ReplyRules) =>
    `no more are sent within an hour than ${perPlace} to one place and ${perSource} to a source`,
  earlier_try: () => "an earlier try at this task has sent a reply; a retry sends none again",
};
