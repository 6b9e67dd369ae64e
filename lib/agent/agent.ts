import type { Description } from "../../sources/description.ts";

/** One task, with all that an agent may know about it. */
export interface Assignment {
  taskId: string;
  /** Grows whenever a worker takes the task: only the newest may write down what it does. */
  epoch: number;
  title: string;
  description: string;
  source: string;
  /** What it is about, if that is known. */
  subjectId?: string | null;
  /** The name in the webhook's URL, as the sender wrote it. */
  webhookType: string;
  /** What the source makes of the payload: nothing in it is to be trusted. */
  described: Description;
  /** Reads the payload; of a body above 1 MiB only an excerpt, which says what is left out of it. */
  loadPayload(): Promise<unknown>;
  verified: boolean;
  /** Whether the person at this machine sent the message. */
  fromHere: boolean;
  /** The messages that it is about, where these are several: the payload is the first one's. */
  merged?: { messages: number; titles: readonly string[] };
  receivedAt: Date;
  /** Reads the messages that come for the task while it is open; undefined where none do. */
  inbox?: InboxReader;
  /** What earlier tasks about the same came to, and which messages there were, newest first. */
  earlier?: {
    tasks: readonly {
      title: string;
      status: string;
      finished_at: Date | null;
      result: string | null;
      /** Whether it may say what a sender must not learn. */
      private: boolean;
    }[];
    messages: readonly string[];
  };
}

/** Reads one of the messages that come for an open task. */
export interface InboxReader {
  /** @throws when it cannot be read: it may be gone. */
  read(message: { id: string; webhookType: string; size: number }): Promise<{
    description: Description;
    payload: unknown;
  }>;
}

/** An assignment whose payload somebody has asked for. */
export type ReadAssignment = Assignment & { payload: unknown };

/** A wait for the next message that comes for a task. */
export interface WaitForEvent {
  status: "waiting_event";
  /** Which events wake it, as globs; any where there are none. */
  events: readonly string[];
  /** The end of the wait, in ISO 8601. */
  until: string;
  /** How far it has read: with anything newer it does not wait. */
  news: number;
  /** The wait's own name. */
  waitKey: string;
}

/** What an agent says came of its work on a task. */
export type Outcome =
  | {
    status: "completed";
    /** Markdown, for people. */
    text: string;
    /** Anything that is JSON, for programs. */
    data: unknown;
    /** It wants to go on where a message for it has come that it has not read. */
    readsAll?: boolean;
  }
  /** A person has to answer, or to decide on an approval. */
  | { status: "waiting_input"; question: string }
  /** The next message about the same is waited for. */
  | WaitForEvent
  /**
   * Nothing can be done for so many seconds, such as while a model's provider is away. Of a budget
   * that is used up `under` is the agent's {@link Agent.terms}: under others it looks again at once.
   */
  | { status: "later"; afterSeconds: number; reason: string; under?: string };

/**
 * Works on tasks. `run` may be called again for the same task after a crash,
 * an answer, a decision or a wait.
 * It stops soon after the signal is aborted; a rejection fails the task with
 * the error's message.
 */
export interface Agent {
  readonly name: string;
  /** How many tasks one worker may have in hand; 16 unless said. */
  readonly tasksAtOnce?: number;
  /** Changes whenever its budgets may have. */
  readonly terms?: string;
  run(assignment: Assignment, signal: AbortSignal): Promise<Outcome>;
}
