import type { SentReply } from "../../../sources/reply.ts";
import type { Database } from "../../store/database.ts";

/** So many replies to one place can be under way that are worth a look. */
const MOST = 20;

/**
 * Whether a message is what we have sent ourselves, what was made with it, or its status, come back:
 * by the vendor's id of it, and by place and text where the vendor gave none.
 *
 * @returns "later" when a reply to that place is on its way, and its id is not known yet.
 */
export async function isOwnReply(
  database: Database,
  source: string,
  { id, to, text }: SentReply,
): Promise<boolean | "later"> {
  const rows = await database.query(
    "look whether a message is our own reply",
    (sql) =>
      sql<{ sent: boolean; said: string | null; live: boolean }[]>`
      (select true as sent, null as said, false as live from replies
        where source = ${source} and (sent_id = ${id ?? ""} or beside_id = ${id ?? ""}) limit 1)
      union all
      (select false, coalesce(r.call->'body'->>'body', r.call->'body'->>'note', r.call->'body'->>'text'),
          n.lease_until > now() and n.state = 'pending'
        from replies r join notifications n on n.id = r.notification_id
        where r.source = ${source} and r.place = ${to ?? ""} and r.sent_id is null
          and r.begun_at > now() - interval '1 day'
        order by r.begun_at desc limit ${MOST})`,
  );
  if (rows.some(({ sent }) => sent)) return true;
  if (text !== undefined && rows.some(({ said }) => normal(said) === normal(text))) return true;
  // Vendors tell it with links and spaces of their own: another text may be ours all the same.
  return rows.some(({ live }) => live) ? "later" : false;
}

const normal = (text: string | null) => text?.replaceAll("\r", "").trim();
