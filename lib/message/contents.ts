import { PREVIOUS_RELEASE_GONE } from "../store/schema/previous_release.ts";

/** What came with the body. Headers are kept as they came, secrets included. */
export interface Envelope {
  url: string;
  /** Where it was not `POST`. */
  method?: string;
  client_ip: string;
  delivery_id: string | null;
  /** What the delivery says, where its sender's retries have other bytes: see `contentKey`. */
  content?: string;
  headers: [name: string, value: string][];
  /** For a sender that we do not know by this name, but by its headers. */
  hint?: string;
  /** A person has changed the body before it was replayed. */
  edited?: true;
  /** The person at this machine sent it, judged when it came: see `isSentFromHere`. */
  from_here?: true;
}

/**
 * Where a message's envelope and body are. They stand apart from the message `m`, in the row `c` of
 * `message_contents`; but what releases up to 904017b wrote, and what was written while a worker of
 * theirs was about, has them in `messages`. The next release reads `c` alone.
 */
export const CONTENTS = "left join message_contents c on c.message_id = m.id";

export const ENVELOPE = "coalesce(c.envelope, m.envelope)";
export const BODY = "coalesce(c.body, m.body)";
export const BODY_BYTES = "coalesce(c.body_bytes, m.body_bytes)";

/** SHA-256 of a body that is kept as text or as bytes. */
export function bodyHash(bytes: string, text: string): string {
  return `sha256(coalesce(${bytes}, convert_to(coalesce(${text}, ''), 'UTF8')))`;
}

/** Whether what came with a message was dropped by its age. */
export const DROPPED = `(${ENVELOPE} is null)`;

/** What is left of a message's envelope when its contents are gone. */
const NOTHING: Envelope = { url: "", client_ip: "", delivery_id: null, headers: [] };

/** @param text null where the contents are gone: no list fails because of one row. */
export function readEnvelope(text: string | null): Envelope {
  return text === null ? NOTHING : JSON.parse(text) as Envelope;
}

/**
 * The statement's parts that keep new messages: `stored` has the ids of those that it kept. They are
 * the rows of `given`, which has these columns and `envelope`, `body` and `body_bytes`; those without
 * an id are left out.
 *
 * @param onConflict what becomes of one that is there already.
 */
export function storeGiven(columns: string, onConflict = ""): string {
  return `apart as materialized (
    select ${PREVIOUS_RELEASE_GONE} as apart
  ), stored as (
    insert into messages (${columns}, envelope, body, body_bytes)
    select ${columns}, case when not apart then envelope end, case when not apart then body end,
      case when not apart then body_bytes end
    from given, apart where id is not null ${onConflict} returning id
  ), contents as (
    insert into message_contents (message_id, envelope, body, body_bytes)
    select id, envelope, body, body_bytes from given join stored using (id), apart where apart
  )`;
}
