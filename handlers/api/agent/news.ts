import type { z } from "@hono/zod-openapi";
import {
  markHandedOut,
  readWorkerNews,
  type WorkerClaim,
  type WorkerMessage,
} from "../../../lib/jobs/report/inbox.ts";
import { readMessage } from "../../../lib/message/message.ts";
import { readAudiences } from "../../../lib/message/subject/audience.ts";
import type { Services } from "../../../lib/services.ts";
import { shownMessage } from "../../shown_message.ts";
import { payloadOf } from "../messages.ts";
import { notContinuing, stale } from "./refusals.ts";
import type { newsBody } from "./routes.ts";

/** One answer has about so much, in bytes of bodies; a single larger message comes alone. */
const MOST_BYTES = 8 * 1024 * 1024;

/**
 * Hands later messages to the worker that has claimed a task, oldest first and as many as one answer
 * holds, and notes that they were read.
 *
 * @param after see `readWorkerNews`.
 */
export async function handOut(
  { database, sources }: Pick<Services, "database" | "sources">,
  claim: WorkerClaim,
  after?: string | null,
): Promise<z.infer<typeof newsBody>> {
  const found = await readWorkerNews(database, claim, after);
  if (!found) throw stale();
  if (!found.continues) throw notContinuing();
  const { messages, news, newest, isAll } = found;
  const given = fitting(messages);
  const payloads = await readPayloads({ database, sources }, given);
  const left = messages.length - given.length;
  const ids = given.map(({ id }) => id);
  if (!await markHandedOut(database, claim, { ids, news, isAll: isAll && left === 0 })) {
    throw stale();
  }
  return {
    messages: given.map(({ id, role, event, title, receivedAt }, at) => ({
      id,
      received_at: receivedAt,
      role,
      closes: role === "closes",
      event,
      title,
      payload: payloads[at],
    })),
    audiences: await readAudiences(database, claim.id),
    seen: ids.at(-1) ?? after ?? newest,
    new_messages: left,
  };
}

function fitting(messages: readonly WorkerMessage[]): readonly WorkerMessage[] {
  let bytes = 0;
  const end = messages.findIndex(({ size }, at) => (bytes += size) > MOST_BYTES && at > 0);
  return end === -1 ? messages : messages.slice(0, end);
}

/** Read one at a time: each may be large. What is gone by its age has none. */
async function readPayloads(
  { database, sources }: Pick<Services, "database" | "sources">,
  messages: readonly WorkerMessage[],
): Promise<unknown[]> {
  const payloads: unknown[] = [];
  for (const { id } of messages) {
    const kept = await readMessage(database, id);
    const received = kept && !kept.dropped ? shownMessage(sources, kept) : undefined;
    payloads.push(received ? payloadOf(received.body, received.headers) : null);
  }
  return payloads;
}
