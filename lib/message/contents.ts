/**
 * Where a message's envelope and body are. They stand apart from the message `m`, in the row `c` of
 * `message_contents`; but what releases up to 904017b wrote, and what was written while a worker of
 * theirs was about, has them in `messages`. The next release reads `c` alone.
 */
export const CONTENTS = "left join message_contents c on c.message_id = m.id";

export const ENVELOPE = "coalesce(c.envelope, m.envelope)";
export const BODY = "coalesce(c.body, m.body)";
export const BODY_BYTES = "coalesce(c.body_bytes, m.body_bytes)";

/**
 * Whether a new message's contents may stand apart: not while a process of a release is about that
 * would not find them. `apart` is one row with one column of this name.
 */
const APART = `apart as materialized (
  select not exists (select from settings where name = 'contents_apart_from'
      and value::timestamptz > now())
    and not exists (select from workers where release is null
      and last_seen > now() - interval '15 minutes') as apart
)`;

/**
 * The statement's parts that keep new messages: `stored` has the ids of those that it kept. They are
 * the rows of `given`, which has these columns and `envelope`, `body` and `body_bytes`; those without
 * an id are left out.
 *
 * @param onConflict what becomes of one that is there already.
 */
export function storeGiven(columns: string, onConflict = ""): string {
  return `${APART}, stored as (
    insert into messages (${columns}, envelope, body, body_bytes)
    select ${columns}, case when not apart then envelope end, case when not apart then body end,
      case when not apart then body_bytes end
    from given, apart where id is not null ${onConflict} returning id
  ), contents as (
    insert into message_contents (message_id, envelope, body, body_bytes)
    select id, envelope, body, body_bytes from given join stored using (id), apart where apart
  )`;
}
