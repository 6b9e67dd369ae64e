import { at, line } from "../kit/json_path.ts";
import { oneLine, quoted, words } from "../kit/line.ts";
import { idAt, keyOf, timeAt, toSubject } from "../kit/subject/subject_key.ts";
import type { Subject, SubjectRole } from "../subject.ts";

/** What stands in a thread besides plain messages; edits, joins and the like are about nothing of their own. */
const WRITTEN = [undefined, "bot_message", "file_share", "me_message", "thread_broadcast"];

/** So much of a thread's first message is its name. */
const NAME_LENGTH = 80;

/**
 * What a message is about: the thread that it stands in, or that may grow below it. The root's time
 * names a thread, so that its first message and the replies agree.
 */
export function subjectOf(payload: unknown, link: string | undefined): Subject | undefined {
  const event = at(payload, "event");
  const type = line(event, "type");
  const isMessage = type === "app_mention" ||
    type === "message" && WRITTEN.includes(line(event, "subtype"));
  if (!isMessage) return undefined;
  const sent = idAt(event, "ts");
  // A thread's time that cannot be one must not make the reply a thread of its own.
  const root = at(event, "thread_ts") == null ? sent : idAt(event, "thread_ts");
  const isReply = root !== sent;
  const said = line(event, "text");
  return toSubject(keyOf`${idAt(payload, "team_id")}:${idAt(event, "channel")}:${root}`, {
    role: roleOf(event, isReply),
    name: isReply || !said
      ? undefined
      : words("Thread", quoted(oneLine(said, NAME_LENGTH)), ["in", line(event, "channel")]),
    link,
    at: timeAt(event, "ts"),
  });
}

/** What bots write, we among them, is only worth showing. */
function roleOf(event: unknown, isReply: boolean): SubjectRole {
  const isBot = line(event, "bot_id") !== undefined || line(event, "subtype") === "bot_message";
  return isBot ? "notes" : isReply ? "continues" : "opens";
}
