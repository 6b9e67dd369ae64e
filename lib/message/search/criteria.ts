import type { MessageState, Verification } from "../message.ts";
import type { Phase } from "./phase.ts";

/** What to look for among the messages; what is left out does not matter. */
export interface MessageSearch {
  /** "taken" is whatever was not refused when it came. */
  state?: MessageState | "taken";
  phase?: Phase;
  /** Only replays made together: the first and the last id of them. */
  batch?: [from: string, to: string];
  /** A source, or a name in a webhook's URL. */
  source?: string;
  /** The name in a webhook's URL, as it was written there. */
  webhook_type?: string;
  verification?: Verification;
  /** Only what was made into this task. */
  task_id?: string;
  /** Only replays of this message. */
  replay_of?: string;
  /** Only what came in after this. */
  since?: Date;
  /** Only what came in before this. */
  until?: Date;
  /** In the title, the event, the sender's name or address; or a message's, a task's or a delivery's id. */
  text?: string;
  /** In the body as it was received, whatever its case. Fewer messages are looked through for it. */
  body?: string;
  /**
   * In the headers as a page shows them (`name: value`, whatever its case): values that are masked
   * there are never looked into. Fewer messages are looked through, as for `body`.
   */
  header?: string;
  /** Headers, in lower case, that hold a secret though their names do not say so. */
  secretNames?: readonly string[];
  /** Sources, by their names, whose bodies and headers are not looked into: they have values that nobody may see. */
  hidden?: readonly string[];
  /** Of each subject only the newest that matches. Not together with `body` or `header`. */
  group?: "subject";
  /** Only messages older than this id. */
  before?: string;
}
