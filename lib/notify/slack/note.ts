import type { Database, Fragment, Sql } from "../../store/database.ts";
import { newId } from "../../store/id.ts";
import { markSent } from "../notification.ts";
import { storedText } from "../../store/stored.ts";
import type { Redact } from "../../redaction/redact.ts";
import { showNeed, showNote } from "./blocks.ts";
import { SLACK_LEASE_SECONDS, type SlackAnswer, type SlackClient } from "./client.ts";
import { fallBack } from "./fallback.ts";
import { findPost, METADATA_TYPE, MOST_UNSURE } from "./find.ts";
import { NEED, NEED_TRY } from "../need.ts";
import { OUTCOMES } from "./message.ts";
import { isFree, PACE_SECONDS } from "./place.ts";

/** What an agent says to a channel that the operator has named, before its task has ended. */
export interface SlackNote {
  id: string;
  task_id: string | null;
  destination: string;
  kind: string;
  text: string;
  attempts: number;
  /** Posts of which nobody knows whether Slack took them. */
  unsure: number;
  created_at: Date;
  /** The holder of the lease. */
  worker: string;
  /** The task's own message in the same channel: the note goes below it. */
  thread_ts: string | null;
}

/** With the waits below these take about three hours: most of Slack's own troubles are over by then. */
const MOST_TRIES = 16;

/** Whether a row of `notifications` `n` is a note to be posted now: a condition in SQL. */
const isDue = (sql: Sql) =>
  sql`n.channel = 'slack' and n.state = 'pending' and n.kind <> all(${OUTCOMES}::text[])
    and (n.lease_until is null or n.lease_until < now())`;

/** Whether any note waits: a condition in SQL. */
export function slackNotesWait(sql: Sql): Fragment {
  return sql`exists (select from notifications n where ${isDue(sql)})`;
}

/** Claims notes that are due, one in each channel that is free. */
export async function claimNotes(database: Database, max: number): Promise<SlackNote[]> {
  const worker = newId();
  const waiting = await database.query(
    "look for notes for Slack",
    (sql) =>
      sql<{ place: string }[]>`
      select distinct n.destination as place from notifications n where ${isDue(sql)} order by 1`,
  );
  if (waiting.length === 0) return [];
  await database.query(
    "know their places",
    (sql) => sql`insert into slack_places ${sql(waiting)} on conflict do nothing`,
  );
  return await database.query("claim notes for Slack", (sql) => {
    const due = isDue(sql);
    return sql<SlackNote[]>`
      with places as (
        select p.place from slack_places p
        where ${isFree(sql)}
          and exists (select from notifications n where n.destination = p.place and ${due})
        order by p.free_at limit ${max} for update skip locked
      ), picked as (
        select distinct on (n.destination) n.id, n.destination
        from notifications n join places on places.place = n.destination
        where ${due} order by n.destination, n.id
      ), paced as (
        update slack_places p set free_at = now() + make_interval(secs => ${PACE_SECONDS})
        from picked where p.place = picked.destination
      )
      update notifications n
      set worker = ${worker}, attempts = n.attempts + 1,
        lease_until = now() + make_interval(secs => ${SLACK_LEASE_SECONDS})
      from picked where n.id = picked.id
      returning n.id, n.task_id, n.destination, n.kind, n.text, n.attempts, n.unsure, n.created_at, n.worker,
        (select coalesce(s.thread_ts, s.ts) from slack_messages s
          where s.task_id = n.task_id and s.channel = n.destination) as thread_ts`;
  });
}

/** What telling a note needs. */
interface NoteTeller {
  database: Database;
  client: SlackClient;
  publicUrl?: string;
  redact: Redact;
}

/**
 * Posts a note and writes down what came of it.
 *
 * @returns Slack's answer; undefined when the lease was lost meanwhile.
 */
export async function tellNote(
  teller: NoteTeller,
  note: SlackNote,
): Promise<SlackAnswer | undefined> {
  const { database } = teller;
  const { answer, unsure } = await postNote(teller, note);
  if (answer?.ok) await markSent(database, (sql) => sql`select ${note.id}::uuid as id`);
  else if (answer) await putOff(database, note, answer, answer.unsure ? unsure + 1 : unsure);
  return answer;
}

/** Slack's answer, if one came, and how many posts there are of which nobody knows. */
interface PostedNote {
  answer?: SlackAnswer;
  unsure: number;
}

async function postNote(
  { database, client, publicUrl, redact }: NoteTeller,
  note: SlackNote,
): Promise<PostedNote> {
  const { id, destination: channel, thread_ts: threadTs } = note;
  const earlier = note.unsure > 0 ? await lookForNote(client, note) : { unsure: 0 };
  // Nothing is to be posted now.
  if (earlier.answer) return earlier;
  const { unsure } = earlier;
  const { text, blocks, plain } = [NEED, NEED_TRY].includes(note.kind)
    ? showNeed(note.text, { publicUrl, redact })
    : showNote(note.text, redact);
  const args = {
    channel,
    ...(threadTs && { thread_ts: threadTs }),
    metadata: { event_type: METADATA_TYPE, event_payload: { notification_id: id } },
    parse: "none",
    link_names: false,
    mrkdwn: false,
    unfurl_links: false,
    unfurl_media: false,
  };
  if (!await beginPost(database, note, unsure)) return { unsure };
  const answer = await client("chat.postMessage", { ...args, text, blocks });
  if (answer.ok || answer.kind !== "reformat") return { answer, unsure };
  if (!await beginPost(database, note, unsure)) return { unsure };
  return { answer: await client("chat.postMessage", { ...args, text: plain }), unsure };
}

/**
 * Looks whether Slack has taken an earlier post of a note.
 *
 * @returns without an answer when another post is to be made.
 */
async function lookForNote(
  client: SlackClient,
  { id, destination: channel, thread_ts: threadTs, created_at: since, unsure }: SlackNote,
): Promise<PostedNote> {
  const found = await findPost(client, { channel, threadTs, key: { notification_id: id }, since });
  if (typeof found === "object") return { answer: { ok: true, body: {} }, unsure };
  if (found === "absent") return { unsure: 0 };
  if (found === "later") {
    return { answer: notPosted("later", "Slack cannot say yet whether it took the note"), unsure };
  }
  if (unsure < MOST_UNSURE) return { unsure };
  const error = `Slack took ${unsure} posts without an answer; there may be that many`;
  return { answer: notPosted("destination", error), unsure: 0 };
}

/** A failure before anything was posted. */
function notPosted(kind: "later" | "destination", error: string): SlackAnswer & { ok: false } {
  return { ok: false, kind, code: "unsure", error, unsure: false };
}

/** Takes the lease for one call, and writes down that a post is under way: a worker may be killed in it. */
async function beginPost(
  database: Database,
  { id, worker }: SlackNote,
  unsure: number,
): Promise<boolean> {
  const rows = await database.query("begin a post of a note", (sql) =>
    sql`
      update notifications
      set lease_until = now() + make_interval(secs => ${SLACK_LEASE_SECONDS}), unsure = ${
      unsure + 1
    }
      where id = ${id} and worker = ${worker} and lease_until > now() returning id`);
  return rows.length > 0;
}

async function putOff(
  database: Database,
  { id, attempts }: SlackNote,
  { kind, error, retryAfterSeconds }: SlackAnswer & { ok: false },
  unsure: number,
): Promise<void> {
  const uncounted = kind === "integration" || retryAfterSeconds !== undefined;
  const hopeless = kind !== "later" && kind !== "integration";
  const dead = hopeless || (!uncounted && attempts >= MOST_TRIES);
  const wait = retryAfterSeconds ?? Math.min(2 ** attempts, 15 * 60) * (0.5 + Math.random() / 2);
  await database.query("put a note off", (sql) =>
    sql`
      with unsent as (
        update notifications
        set state = ${dead ? "dead" : "pending"}, error = ${storedText(error)},
          attempts = ${uncounted ? attempts - 1 : attempts}, unsure = ${unsure},
          lease_until = now() + make_interval(secs => ${wait})
        where id = ${id} and state = 'pending' returning id, task_id, destination, text
      ), fallen_back as (
        ${fallBack(sql, { dead, error })}
      )
      insert into changes (kind, ids)
      select 'notification', array_agg(id) from (
        select id from unsent union all select id from fallen_back) n having count(*) > 0`);
}
