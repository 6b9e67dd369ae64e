/**
 * What a message does to the thing it is about: somebody `opens` or reopens it, somebody
 * `continues` it by saying or doing something, a machine reports a `result`, it `closes`, or
 * something is only worth showing (`notes`).
 */
export const SUBJECT_ROLES = ["opens", "continues", "result", "closes", "notes"] as const;
export type SubjectRole = typeof SUBJECT_ROLES[number];

/** What a message is about: the same key for all that is told of one thing in the sender's system. */
export interface Subject {
  /**
   * Made of the sender's own ids, such as `octo/phone#7`, never of titles; see `kit/subject/subject_key.ts`.
   * The name in the URL is put before it, so that two senders never share one.
   */
  key: string;
  role: SubjectRole;
  /** The line people know it by, such as `PR #7 "Greet callers" in octo/phone`; left out where this message has no title. */
  name?: string;
  /** Where it can be looked at. */
  link?: string;
  /** The sender's own time of the event, in milliseconds since 1970: it tells a close that is older than an opening. */
  at?: number;
  /** Of an opening: `at` is since when it lasts, and an end of others after that is not its own. */
  lasts?: boolean;
  /**
   * Other keys that mean this subject from now on, such as `octo/phone@` and the commit that a pull
   * request has at its head. Of several the newest is the present one.
   */
  aliases?: readonly string[];
  /**
   * Aliases to ask for, one after the other: the message is about the open subject that has the
   * first of them, and by `key` where there is none. Where two open ones have it, it has no subject.
   */
  joins?: readonly string[];
  /** The role in a subject found by `joins`, where it is another than `role`. */
  joinedRole?: SubjectRole;
}
