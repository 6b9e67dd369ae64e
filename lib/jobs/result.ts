import {
  endReading,
  forgetReaders,
  MOST_RESULT,
  readBeginning,
  readResult,
  type ResultBytes,
} from "../arq/inspect_job.ts";
import { type Json, toJson } from "../arq/pickle/json.ts";
import { PickleError, type PickleValue, PyObject } from "../arq/pickle/value.ts";
import { type JobOutcome, readOutcome } from "../arq/wire.ts";
import { layOutJson } from "../../sources/kit/json_layout.ts";
import { errorText } from "../process/log.ts";
import { type Redact, redactTexts } from "../redaction/redact.ts";
import { newId } from "../store/id.ts";
import type { Redis } from "../store/redis.ts";
import type { WorkTimes } from "../task/finish.ts";
import type { Ending } from "./jobs.ts";

/** The most of a result's text and of an error's message that is kept, in characters: as over HTTP. */
const MOST_TEXT = 1_000_000;
const MOST_MESSAGE = 1_000;

/** The bytes of results that one collection holds in memory: as one result may have, so none is too large. */
const MOST_RESULTS = MOST_RESULT;

/** What a job's result says of its task; cancelled is one that a Python program has aborted. */
export type ResultEnd = Exclude<Ending["end"], { status: "later" }> | { status: "cancelled" };

/** The error of a job that a Python worker has refused unseen: it has no function of that name. */
export const FUNCTION_UNKNOWN = "function_unknown";

/** The byte with which every pickle that python-arq writes begins. */
const PICKLE = 0x80;

/** Which result is meant. */
export interface ResultOf {
  jobId: string;
  /** Its bytes in Redis. */
  size: number;
  /**
   * The try that has claimed the task over HTTP, if one has. An earlier one may have
   * gone on in the dark, past its in-progress key: its result ends nothing.
   */
  claimedTry: number | null;
}

/** Reads the results of one collection. */
export interface ResultReader {
  /**
   * What a job's result says of its task, without secrets.
   *
   * @returns undefined when it is not there any more, is left for the next
   * collection, or is of an earlier try than the one that has claimed the task.
   */
  read(which: ResultOf): Promise<ResultEnd | undefined>;
  /** Whether results were left for the next collection. */
  readonly leftOver: boolean;
  /** Notes that all of them were read. */
  end(): Promise<void>;
}

/** What this process is called where it reads results; another after a restart. */
const READER = newId();

/** A reader for one collection: a thousand results of 16 MiB are more than there is memory. */
export function createResultReader(redis: Redis, redact: Redact): ResultReader {
  let room = MOST_RESULTS;
  let leftOver = false;
  let done: string[] = [];
  const givenUp: string[] = [];
  return {
    get leftOver() {
      return leftOver;
    },
    async read({ jobId, size, claimedTry }) {
      if (size > MOST_RESULT) {
        const found = await readBeginning(redis, jobId);
        return found && endOf(found, claimedTry);
      }
      if (room < size) {
        leftOver = true;
        return undefined;
      }
      room -= size;
      const found = await readResult(redis, { id: jobId, reader: READER, done })
        // Also where the answer is lost on its way: nobody dies of what was never read.
        .finally(() => done = [jobId]);
      if (found?.killed) givenUp.push(jobId);
      const end = found && endOf(found, claimedTry);
      return end && redactTexts(end, redact);
    },
    async end() {
      await endReading(redis, { ids: done, reader: READER });
      done = [];
      await forgetReaders(redis, givenUp.splice(0));
    },
  };
}

/**
 * What a job's result says of its task: a returned text is the result's text,
 * anything else its data; an exception is its class and message. A value that cannot
 * be read or shown is no failure: the work was done.
 */
export function endOf(
  { bytes, whole, killed }: ResultBytes,
  claimedTry: number | null,
): ResultEnd | undefined {
  try {
    const outcome = readOutcome(bytes, { whole });
    if (outcome.tries < (claimedTry ?? 0)) return undefined;
    const problem = killed
      ? "a worker of Otto's died while it read it"
      : !whole
      ? "it is larger than 16 MiB"
      : "problem" in outcome
      ? outcome.problem
      : undefined;
    if (problem === undefined && "value" in outcome) {
      const end = outcome.success ? completed(outcome.value) : raised(outcome.value);
      return end.status === "cancelled" ? end : { ...end, times: timesOf(outcome) };
    }
    return outcome.success
      ? { status: "completed", result: { text: unshown(problem), data: null } }
      : failed("agent_failed", `its exception cannot be shown: ${problem}`);
  } catch (error) {
    const hint = bytes[0] === PICKLE ? "" : ". Its work may have been done; let its worker write " +
      "pickles, as ARQ does without a `job_serializer`";
    return failed(
      "result_unreadable",
      `the agent's result cannot be read: ${errorText(error)}${hint}`,
    );
  }
}

function timesOf({ startedAt, finishedAt }: JobOutcome): WorkTimes | undefined {
  if (startedAt !== undefined && finishedAt !== undefined) return { startedAt, finishedAt };
}

function unshown(problem = "nothing is known of it"): string {
  return `The agent has done its work. What it returned cannot be shown: ${problem}.`;
}

/** What python-arq itself answers of a job says too little to people who do not know it. */
const HINTS: [RegExp, string][] = [
  [
    /^(asyncio\.exceptions\.)?TimeoutError$/,
    "its work took longer than the worker's `job_timeout`, or waited too long for something",
  ],
  [
    /^arq\.worker\.JobExecutionFailed: max \d+ retries exceeded$/,
    "as often its work was begun, and its worker stopped in the middle or asked to try again",
  ],
  [
    /^arq\.worker\.JobExecutionFailed: job expired$/,
    "its arguments were gone from Redis when a worker began: it had waited for 30 days, or Redis " +
    "throws keys away (`maxmemory-policy` has to be `noeviction`)",
  ],
  [
    /^unable to serialize result$/,
    "what the agent returned or raised cannot be pickled, so nobody knows whether its work was " +
    "done. Let its function return plain data, and raise exceptions that hold no open things",
  ],
  [
    /^arq\.jobs\.DeserializationError: unable to deserialize job$/,
    "its worker cannot read Otto's jobs, which are pickles of plain data. Leave out its " +
    "`job_deserializer`, or let it read these",
  ],
];

/** What python-arq itself raises says more than that something has failed. */
function raised(value: PickleValue): ResultEnd {
  const message = exceptionText(value);
  const path = value instanceof PyObject ? value.type.path : "";
  if (path === "asyncio.exceptions.CancelledError") return { status: "cancelled" };
  if (path === "arq.worker.JobExecutionFailed" && /function '[^']*' not found$/.test(message)) {
    const hint = "a Python worker on this queue has no such function. Give it one of this name, " +
      "set ARQ_FUNCTION to the name it has, or let it read another queue";
    return failed(FUNCTION_UNKNOWN, `${message}: ${hint}`);
  }
  const [, hint] = HINTS.find(([pattern]) => pattern.test(message)) ?? [];
  return failed("agent_failed", hint === undefined ? message : `${message}: ${hint}`);
}

function failed(code: string, message: string): ResultEnd {
  return { status: "failed", error: { code, message: message.slice(0, MOST_MESSAGE) } };
}

function completed(value: PickleValue): ResultEnd {
  const text = textOf(value);
  try {
    const data = dataOf(value);
    // Indented, it is a block of code in Markdown that no text in it can end.
    const shown = text ?? layOutJson(data).replaceAll(/^/gm, "    ");
    return { status: "completed", result: { text: shown.slice(0, MOST_TEXT), data } };
  } catch (error) {
    if (!(error instanceof PickleError)) throw error;
    const note = unshown(error.message);
    const shown = text === undefined ? note : `${text.slice(0, MOST_TEXT)}\n\n${note}`;
    return { status: "completed", result: { text: shown, data: null } };
  }
}

/** A text, or that of a dict with one; undefined when the value has none of its own. */
function textOf(value: PickleValue): string | undefined {
  if (value === null) return "";
  if (typeof value === "string") return value;
  const text = value instanceof Map ? value.get("text") : undefined;
  return typeof text === "string" ? text : undefined;
}

/** A dict with a text is taken for both, as our own worker writes it. */
function dataOf(value: PickleValue): Json {
  if (value === null || typeof value === "string") return null;
  const isBoth = value instanceof Map && textOf(value) !== undefined && value.has("data");
  return toJson(isBoth ? value.get("data") ?? null : value);
}

/** A value in an exception; one that cannot be shown is named so, and the rest stays. */
function shortJson(value: PickleValue): string {
  try {
    return JSON.stringify(toJson(value));
  } catch (error) {
    if (!(error instanceof PickleError)) throw error;
    return `(not shown: ${error.message})`;
  }
}

/** As Python's own traceback would end: `ValueError: boom`. */
function exceptionText(value: PickleValue): string {
  if (typeof value === "string") return value;
  if (!(value instanceof PyObject)) return shortJson(value);
  const { type, args } = value;
  const name = type.module === "builtins" ? type.name : type.path;
  const message = args.items.map((arg) => typeof arg === "string" ? arg : shortJson(arg))
    .join(", ");
  return message === "" ? name : `${name}: ${message}`;
}
