/** What a source says happened. Every text is one clean line, except `text`. */
export interface Description {
  /** The sender's own name for the event, such as `pull_request.opened`; absent when the payload has none. */
  event?: string;
  /** The line a person reads, at most 200 characters. */
  title: string;
  /** What is to be done, in Otto's fixed wording, at most 200 characters. */
  description: string;
  /** Where the event can be looked at: always an `https:` or `http:` URL. */
  link?: string;
  /** Who caused it, as the sender names them. */
  actor?: string;
  /** A few notable facts by name, in the order they should be read. */
  fields?: Record<string, string>;
  /** What a person wrote (a commit message, an SMS), whole, with its line breaks. */
  text?: string;
}

/** The longest title and description, in characters: one line of a list, and of a Slack message. */
export const LINE_LENGTH = 200;
