import { decodeBeginning, decodePickle } from "./pickle/decode.ts";
import { type Encodable, encodePickle } from "./pickle/encode.ts";
import { PickleError, type PickleMap, type PickleValue, PyTuple } from "./pickle/value.ts";

/** The keys and values that python-arq 0.26 keeps in Redis. Of the keys only the queue's own two depend on its name. */
export const keys = {
  job: (id: string) => `arq:job:${id}`,
  inProgress: (id: string) => `arq:in-progress:${id}`,
  retry: (id: string) => `arq:retry:${id}`,
  result: (id: string) => `arq:result:${id}`,
  abort: "arq:abort",
  health: (queue: string) => `${queue}:health-check`,
};

/** A job as it waits in Redis. */
export interface Job {
  /** The number of the first try, where somebody asked for one. */
  firstTry: number | null;
  function: string;
  args: readonly PickleValue[];
  kwargs: PickleMap;
  /** Milliseconds since 1970, by the clock of whoever enqueued it. */
  enqueuedAt: number;
}

/** What came of a job. */
export interface Result extends Omit<Job, "firstTry"> {
  tries: number;
  success: boolean;
  /** What was returned; for a failure the exception, or a text. */
  value: PickleValue;
  startedAt: number;
  finishedAt: number;
  queue: string;
  id: string;
}

/** Bytes that are a pickle, but no job or no result. */
export class WireError extends Error {
  override name = "WireError";
}

/**
 * The bytes of a job. Python trusts them: a field of the wrong type ends its
 * worker's process, so they are checked here.
 *
 * @throws {WireError} or a `PickleError` when Python could not work it.
 */
export function encodeJob(job: {
  function: string;
  args: readonly Encodable[];
  kwargs: Readonly<Record<string, Encodable>>;
  enqueuedAt: number;
  firstTry?: number;
}): Uint8Array {
  const { function: name, args, kwargs, enqueuedAt, firstTry } = job;
  if (name === "") throw new WireError("A job needs the name of a function");
  if (!Number.isSafeInteger(enqueuedAt) || enqueuedAt < 0) {
    throw new WireError(`The time ${enqueuedAt} is no number of milliseconds`);
  }
  if (firstTry !== undefined && (!Number.isSafeInteger(firstTry) || firstTry < 1)) {
    throw new WireError(`The try ${firstTry} is no number from 1`);
  }
  return encodePickle(
    new Map<string, Encodable>([
      ["t", firstTry ?? null],
      ["f", name],
      ["a", new PyTuple(args as readonly PickleValue[])],
      ["k", kwargs],
      ["et", enqueuedAt],
    ]),
  );
}

/**
 * Reads a job that is to be worked on: plain data only.
 *
 * @throws {WireError} or a `PickleError` when it is none.
 */
export function decodeJob(bytes: Uint8Array): Job {
  return toJob(decodePickle(bytes));
}

function toJob(value: PickleValue): Job {
  const { get } = fields(value, ["t", "f", "a", "k", "et"]);
  const firstTry = get("t");
  if (firstTry !== null && !isCount(firstTry)) throw wrong("t", "None or a number");
  return { firstTry, ...toCall(get), enqueuedAt: toTime(get, "et") };
}

function toCall(get: (name: string) => PickleValue) {
  const name = get("f");
  if (typeof name !== "string" || name === "") throw wrong("f", "a text");
  const args = get("a");
  if (!(args instanceof PyTuple) && !Array.isArray(args)) throw wrong("a", "a tuple");
  const kwargs = get("k");
  if (!(kwargs instanceof Map) || ![...kwargs.keys()].every((key) => typeof key === "string")) {
    throw wrong("k", "a dict of names");
  }
  return { function: name, args: args instanceof PyTuple ? args.items : args, kwargs };
}

/**
 * Exceptions that every program with python-arq can unpickle; one with a class that it
 * lacks could not be read there at all.
 */
const MAY_RAISE = new Set([
  "builtins.RuntimeError",
  "builtins.TimeoutError",
  "asyncio.exceptions.CancelledError",
  "arq.worker.JobExecutionFailed",
  "arq.jobs.DeserializationError",
]);

/**
 * The bytes of a result.
 *
 * @throws {PickleError} for an exception that not every Python worker has, and for
 * what no pickle of ours can hold.
 */
export function encodeResult(result: Omit<Result, "value"> & { value: Encodable }): Uint8Array {
  return encodePickle(
    new Map<string, Encodable>([
      ["t", result.tries],
      ["f", result.function],
      ["a", new PyTuple(result.args)],
      ["k", result.kwargs],
      ["et", result.enqueuedAt],
      ["s", result.success],
      ["r", result.value],
      ["st", result.startedAt],
      ["ft", result.finishedAt],
      ["q", result.queue],
      ["id", result.id],
    ]),
    { allow: (path) => MAY_RAISE.has(path) },
  );
}

/**
 * Reads a result; exceptions and other objects come as records of names.
 *
 * @throws {WireError} or a `PickleError` when it is none.
 */
export function decodeResult(bytes: Uint8Array): Result {
  const value = decodePickle(bytes, { objects: "records" });
  const { get, find } = fields(value, ["t", "f", "a", "k", "et", "s", "r", "st", "ft"]);
  const [tries, success, queue, id] = [get("t"), get("s"), find("q"), find("id")];
  if (!isCount(tries)) throw wrong("t", "a number");
  if (typeof success !== "boolean") throw wrong("s", "True or False");
  return {
    tries,
    ...toCall(get),
    enqueuedAt: toTime(get, "et"),
    success,
    value: get("r"),
    startedAt: toTime(get, "st"),
    finishedAt: toTime(get, "ft"),
    queue: typeof queue === "string" ? queue : "<unknown>",
    id: typeof id === "string" ? id : "",
  };
}

/** How a job ended, as far as its result can be read. */
export type JobOutcome =
  & { tries: number; success: boolean }
  /** Only of a result that was read to its end. */
  & Partial<Pick<Result, "startedAt" | "finishedAt">>
  /** What was returned or raised; `problem` says why it cannot be read. */
  & ({ value: PickleValue } | { problem: string });

/** The opcode that ends every pickle, `.`. */
const STOP = 0x2e;

/**
 * Reads how a job ended. Its value may be of a kind or size that is not taken: the
 * work was done all the same.
 *
 * @param whole whether these are all of the result's bytes, not just the first.
 * @throws {WireError} or a `PickleError` when they do not even say that.
 */
export function readOutcome(bytes: Uint8Array, { whole }: { whole: boolean }): JobOutcome {
  try {
    const { tries, success, value, startedAt, finishedAt } = decodeResult(bytes);
    return { tries, success, value, startedAt, finishedAt };
  } catch (error) {
    if (!(error instanceof PickleError)) throw error;
    const items = whole && bytes.at(-1) !== STOP ? undefined : decodeBeginning(bytes, "s");
    const [tries, success] = [items?.get("t"), items?.get("s")];
    if (!isCount(tries ?? null) || typeof success !== "boolean") throw error;
    return { tries: Number(tries), success, problem: error.message };
  }
}

function fields(value: PickleValue, names: readonly string[]) {
  if (!(value instanceof Map)) throw new WireError("The pickle is no dict");
  const missing = names.filter((name) => !value.has(name));
  if (missing.length > 0) throw new WireError(`The dict lacks ${missing.join(", ")}`);
  const find = (name: string) => value.get(name);
  return { find, get: (name: string) => find(name) ?? null };
}

function isCount(value: PickleValue): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function toTime(get: (name: string) => PickleValue, name: string): number {
  const time = get(name);
  if (!isCount(time)) throw wrong(name, "a time in milliseconds");
  return time;
}

function wrong(name: string, right: string): WireError {
  return new WireError(`"${name}" is not ${right}`);
}
