import type { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { Database } from "../store/database.ts";
import {
  BODY,
  BODY_BYTES,
  bodyHash,
  CONTENTS,
  DROPPED,
  ENVELOPE,
  readEnvelope,
} from "./contents.ts";
import { MOST_REPEATS_KEPT } from "./history.ts";
import type { MessageState } from "./message.ts";
import { deliveryKey, type NewMessage, type Receipt, variantKey } from "./new_message.ts";
import { idArray, storedJson } from "../store/stored.ts";

/** A message that was not inserted, because another one has its id or its delivery. */
export interface LostRow {
  message: NewMessage;
  /** The delivery's {@link deliveryKey}; null where a repeat does not count. */
  key: Buffer | null;
}

/** The stored message that a lost row ran into. */
interface Winner {
  id: string;
  state: MessageState;
  /** Whether it says the same. */
  same: boolean;
}

/** What is asked about: a message by its id, or any of a delivery's key. */
interface Question {
  id: string;
  source: string;
  key: Buffer | null;
  body: Uint8Array;
  content: string | undefined;
}

/**
 * What rows that were not inserted ran into. Bodies are compared by their hashes, also by those of
 * what was encoded, and by what their senders' retries keep; of one that was dropped by its age, by
 * the digests that are left of it.
 */
async function findWinners(
  database: Database,
  questions: readonly Question[],
  ms?: number,
): Promise<Map<string, Winner>> {
  const asked = questions.map(({ id, source, key, body }) => ({
    asked: id,
    source,
    key: key?.toString("hex") ?? null,
    body: createHash("sha256").update(body).digest("hex"),
  }));
  const winners = await database.query(
    "find repeated messages",
    (sql) =>
      sql<(Omit<Winner, "same"> & Found)[]>`
      select l.asked, m.id, m.state,
        encode(case when ${sql.unsafe(DROPPED)} then d.body
          else ${sql.unsafe(bodyHash(BODY_BYTES, BODY))} end, 'hex') as body,
        ${sql.unsafe(ENVELOPE)} as envelope, d.content as "left"
      from jsonb_to_recordset(${storedJson(asked)}::text::jsonb)
        as l(asked uuid, source text, key text)
      cross join lateral (
        select id, state, envelope, body, body_bytes from messages
        where id = l.asked or (source = l.source and delivery_key = decode(l.key, 'hex'))
        order by id = l.asked desc limit 1
      ) m ${sql.unsafe(CONTENTS)} left join message_digests d on d.message_id = m.id`,
    ms,
  );
  const said = new Map(
    asked.map(({ asked, body }, i) => [asked, { body, content: questions[i].content }]),
  );
  return new Map(winners.map(({ asked, id, state, body, envelope, left }) => {
    const content = left ?? readEnvelope(envelope).content;
    // Of one that releases up to 904017b dropped nothing is left: it is taken for the same.
    const same = body === null || isSameContent(said.get(asked)!, { body, content });
    return [asked, { id, state, same }];
  }));
}

/** A stored message as it is found: the hash of its body, and the content that is left of a dropped one. */
interface Found {
  asked: string;
  body: string | null;
  envelope: string | null;
  left: string | null;
}

/** What a body says: its hash, and its `contentKey` where it has one. */
interface Said {
  body: string;
  content: string | undefined;
}

function isSameContent(one: Said, other: Said): boolean {
  if (one.body === other.body) return true;
  const [content, first] = [one, other].map((each) => each.content ?? `plain:${each.body}`);
  // Releases up to 904017b kept no content: what is said then to be the same, they took so, too.
  return content === first || other.content === undefined && !content.startsWith("plain:");
}

/**
 * Finds what the rows that were not inserted ran into, and counts the repeats.
 *
 * @param receipts gets a receipt for each of the repeats.
 * @param left how many milliseconds there are still, asked before each statement.
 * @returns the rows that are none: they have an id that another content has already.
 * @throws when the message that one of them repeats is gone by now.
 */
export async function resolveLost(
  database: Database,
  lost: readonly LostRow[],
  receipts: Map<string, Receipt>,
  left: () => number | undefined,
): Promise<LostRow[]> {
  const questions = lost.map(({ message: { id, source, body, envelope: { content } }, key }) => ({
    id,
    source,
    key,
    body,
    content,
  }));
  const winners = await findWinners(database, questions, left());
  const repeated: string[] = [];
  const others: LostRow[] = [];
  for (const row of lost) {
    const winner = winners.get(row.message.id);
    if (!winner) {
      throw new Error("Cannot store a message: the one it repeats has just been deleted");
    }
    // An earlier try of ours whose answer was lost.
    const own = winner.id === row.message.id;
    if (!own && !winner.same) {
      others.push(toVariant(row, winner.id));
      continue;
    }
    receipts.set(row.message.id, {
      messageId: winner.id,
      repeat: !own,
      waiting: winner.state === "new" || winner.state === "failed",
    });
    if (!own) repeated.push(winner.id);
  }
  if (repeated.length > 0) await countRepeats(database, repeated, left());
  return others;
}

/** A message of its own, under a key that only its repeats have; people are told of it. */
function toVariant({ message }: LostRow, first: string): LostRow {
  const { envelope, body } = message;
  const hint = `the delivery id is that of ${first}, but the content is another: both are worked`;
  return {
    message: { ...message, envelope: { ...envelope, hint } },
    key: variantKey(envelope.delivery_id ?? "", { content: envelope.content, body }),
  };
}

/** The message that a delivery has become, if the same was accepted before. */
export async function findDelivery(
  database: Database,
  { source, deliveryId, body, content }: {
    source: string;
    deliveryId: string;
    body: Uint8Array;
    content: string | undefined;
  },
): Promise<string | undefined> {
  for (const key of [deliveryKey(deliveryId), variantKey(deliveryId, { content, body })]) {
    const question = { id: NO_ID, source, key, body, content };
    const winner = (await findWinners(database, [question])).get(NO_ID);
    if (!winner) return undefined;
    if (winner.same) return winner.id;
  }
}

const NO_ID = "00000000-0000-0000-0000-000000000000";

/** Counts repeats, and notes when the first ones came; one of a failed message queues that again. */
async function countRepeats(
  database: Database,
  ids: readonly string[],
  ms?: number,
): Promise<void> {
  await database.query("count repeats", (sql) =>
    sql`
      with repeated as (
        select id, count(*)::int as times from unnest(${idArray(ids)}::uuid[]) as r(id) group by id
        order by id
      ), counted as (
        update messages m
        set repeats = m.repeats + r.times,
          state = case when m.state = 'failed' then 'new' else m.state end,
          error = case when m.state = 'failed' then null else m.error end,
          settled_at = case when m.state = 'failed' then null else m.settled_at end,
          attempts = case when m.state = 'failed' then 0 else m.attempts end
        from repeated r where m.id = r.id returning m.id, m.repeats, r.times
      ), noted as (
        insert into message_history (message_id, kind, times)
        select id, 'repeated', times from counted where repeats - times < ${MOST_REPEATS_KEPT}
      )
      insert into changes (kind, ids)
      select 'message', array_agg(id) from counted having count(*) > 0`, ms);
}
