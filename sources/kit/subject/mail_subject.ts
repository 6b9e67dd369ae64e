import { idAt, timeAt, toSubject } from "./subject_key.ts";
import type { Subject } from "../../subject.ts";
import { quoted, words } from "../line.ts";

/** What a mail that came in says of its thread, as it came. */
export interface MailThread {
  references?: unknown;
  inReplyTo?: unknown;
  messageId?: unknown;
  /** The mail's subject line. */
  subject?: string;
  /** Milliseconds since 1970. */
  at?: number;
}

/** The thread of a mail that came in: the first mail of it, be it this one (RFC 5322, 3.6.4). */
export function mailThread(mail: MailThread): Subject | undefined {
  const [root] = [mail.references, mail.inReplyTo, mail.messageId].map(firstId)
    .filter((found) => found !== undefined);
  const isReply = root !== undefined && root !== firstId(mail.messageId);
  const { subject } = mail;
  return toSubject(idAt([root], 0), {
    role: isReply ? "continues" : "opens",
    name: subject && words("Mail", quoted(subject)),
    at: mail.at,
  });
}

/** So much of a mail's headers is looked through, in characters. */
const MAX_HEADERS = 64 * 1024;

/** What the headers of a mail say of its thread, where they come as they stood in it. */
export function threadIn(headers: unknown): MailThread {
  const text = typeof headers === "string" ? headers.slice(0, MAX_HEADERS) : "";
  // A long header goes on in lines that begin with a space.
  const lines = text.replaceAll(/\r?\n[ \t]+/g, " ").split(/\r?\n/);
  const value = (name: string) =>
    lines.find((line) => line.slice(0, name.length + 1).toLowerCase() === `${name}:`)
      ?.slice(name.length + 1);
  return {
    references: value("references"),
    inReplyTo: value("in-reply-to"),
    messageId: value("message-id"),
    at: timeAt([value("date")], 0),
  };
}

/** The first id of a header, without its angle brackets. */
function firstId(header: unknown): string | undefined {
  return typeof header === "string"
    ? /<([^<>\s]{1,998})>/.exec(header.slice(0, 4_000))?.[1]
    : undefined;
}
