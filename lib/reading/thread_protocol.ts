import type { SourceSettings } from "../../sources/rules/settings.ts";
import type { ClaimedMessage } from "../message/claim.ts";
import type { DescribedMessage, Reading, ReadingRules } from "./reading.ts";

/** What the thread is made with. */
export interface ThreadSetup {
  config: ReadingRules["config"];
  /** What SOURCES_FILE says, of which the thread makes its own registry. */
  settings: Record<string, SourceSettings>;
}

/** Which message to read, and whether for all that is decided about it, or for what it says. */
export type ThreadQuestion =
  & { headers: [name: string, value: string][] }
  & (
    | { wants: "reading"; message: Omit<ClaimedMessage, "headers" | "body"> }
    | { wants: "description"; message: Omit<DescribedMessage, "headers"> }
  );

/** A question as it is posted. */
export interface PostedQuestion {
  question: ThreadQuestion;
  /**
   * Handed over, not copied. It is the buffer itself: a view on it costs Deno (2.9) fifty bytes of
   * memory for each byte.
   */
  body: ArrayBuffer;
}

export type ThreadAnswer =
  | { is: "ready" }
  /** Its payload is an excerpt: to copy a parsed body costs more than to parse it. */
  | { is: "read"; reading: Reading }
  | { is: "unreadable"; why: string };
