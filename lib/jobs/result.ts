import { MOST_RESULT, readResult } from "../arq/inspect_job.ts";
import { type Json, toJson } from "../arq/pickle/json.ts";
import { type PickleValue, PyObject } from "../arq/pickle/value.ts";
import { decodeResult } from "../arq/wire.ts";
import { layOutJson } from "../../sources/kit/json_layout.ts";
import { errorText } from "../process/log.ts";
import { type Redact, redactTexts } from "../redaction/redact.ts";
import type { Redis } from "../store/redis.ts";
import type { Ending } from "./jobs.ts";

/** The most of a result's text and of an error's message that is kept, in characters: as over HTTP. */
const MOST_TEXT = 1_000_000;
const MOST_MESSAGE = 1_000;

/** The bytes of results that one collection holds in memory: as one result may have, so none is too large. */
const MOST_RESULTS = MOST_RESULT;

/** Reads the results of one collection. */
export interface ResultReader {
  /**
   * What a job's result of so many bytes says of its task, without secrets.
   *
   * @returns undefined when it is not there any more, or is left for the next collection.
   */
  read(jobId: string, size: number): Promise<Ending["end"] | undefined>;
  /** Whether results were left for the next collection. */
  readonly leftOver: boolean;
}

/** A reader for one collection: a thousand results of 16 MiB are more than there is memory. */
export function createResultReader(redis: Redis, redact: Redact): ResultReader {
  let room = MOST_RESULTS;
  let leftOver = false;
  return {
    get leftOver() {
      return leftOver;
    },
    async read(jobId, size) {
      if (size > MOST_RESULT) return endOf(undefined);
      if (room < size) {
        leftOver = true;
        return undefined;
      }
      room -= size;
      const bytes = await readResult(redis, jobId);
      return bytes && redactTexts(endOf(bytes), redact);
    },
  };
}

/**
 * What a job's result says of its task: a returned text is the result's text,
 * anything else its data; an exception is its class and message.
 *
 * @param bytes undefined when they are too large to be read.
 */
function endOf(bytes: Uint8Array | undefined): Ending["end"] {
  if (!bytes) return failed("result_unreadable", "the agent's result is larger than 16 MiB");
  try {
    const { success, value } = decodeResult(bytes);
    return success ? completed(value) : failed("agent_failed", exceptionText(value));
  } catch (error) {
    return failed("result_unreadable", `the agent's result cannot be read: ${errorText(error)}`);
  }
}

function failed(code: string, message: string): Ending["end"] {
  return { status: "failed", error: { code, message: message.slice(0, MOST_MESSAGE) } };
}

function completed(value: PickleValue): Ending["end"] {
  const [text, data] = toTextAndData(value);
  return { status: "completed", result: { text: text.slice(0, MOST_TEXT), data } };
}

/** A dict with a text is taken for both, as our own worker writes it. */
function toTextAndData(value: PickleValue): [text: string, data: Json] {
  if (value === null) return ["", null];
  if (typeof value === "string") return [value, null];
  const data = toJson(value);
  if (value instanceof Map) {
    const text = value.get("text");
    if (typeof text === "string") {
      return [text, value.has("data") ? toJson(value.get("data") ?? null) : data];
    }
  }
  // Indented, it is a block of code in Markdown that no text in it can end.
  return [layOutJson(data).replaceAll(/^/gm, "    "), data];
}

/** As Python's own traceback would end: `ValueError: boom`. */
function exceptionText(value: PickleValue): string {
  if (typeof value === "string") return value;
  if (!(value instanceof PyObject)) return JSON.stringify(toJson(value));
  const { type, args } = value;
  const name = type.module === "builtins" ? type.name : type.path;
  const message = args.items.map((arg) =>
    typeof arg === "string" ? arg : JSON.stringify(toJson(arg))
  )
    .join(", ");
  return message === "" ? name : `${name}: ${message}`;
}
