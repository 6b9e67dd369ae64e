import { Buffer } from "node:buffer";
import { encodeBase64 } from "../../../sources/signature/signature.ts";
import {
  PickleError,
  type PickleMap,
  type PickleValue,
  PyClass,
  PyFloat,
  PyObject,
  PyTuple,
} from "./value.ts";

/** Anything that is JSON. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/**
 * What one conversion may make, in bytes of JSON with its indentation: a result is
 * kept in a row, and sent whole to everyone who looks at its task.
 */
const MOST_BYTES = 8 * 1024 * 1024;
/**
 * The most of a key that is no text, in bytes. In a key's JSON the quotes of a key
 * within it are escaped, so each level of such keys doubles it.
 */
const MOST_KEY_BYTES = 2_000;
/** What a value takes beside its text: about what an empty one does in memory. */
const BYTES_EACH = 16;

/** What is left of a conversion's bytes. */
interface Budget {
  /** @throws {PickleError} when there is less. */
  spend(bytes: number): void;
}

/** Whatever is spent here is spent from `outer`, too. */
function createBudget(what: string, bytes: number, outer?: Budget): Budget {
  let left = bytes;
  return {
    spend(count) {
      left -= count;
      if (left < 0) throw new PickleError(`${what} is larger than ${bytes} bytes as JSON`);
      outer?.spend(count);
    },
  };
}

/** Where a value stands: its budget, and how deep it is, since a line of it begins with as many indents. */
interface Place {
  budget: Budget;
  depth: number;
}

/**
 * A value from Python as JSON: tuples and sets as lists, bytes as base64, what
 * JSON has no number for (NaN, integers beyond 2^53) as text, dates, decimals
 * and UUIDs as their usual text, other objects as `{type, args, …}`.
 *
 * @throws {PickleError} when the JSON would be larger than 8 MiB, or a key that is
 * no text larger than 2,000 bytes: each reference is written out, so a few bytes of
 * a pickle can be gigabytes.
 */
export function toJson(value: PickleValue): Json {
  return convert(value, { budget: createBudget("The value", MOST_BYTES), depth: 0 });
}

function convert(value: PickleValue, place: Place): Json {
  const { budget, depth } = place;
  budget.spend(BYTES_EACH + 2 * depth);
  if (value === null || typeof value === "boolean") return value;
  if (typeof value === "string") return spendText(value, budget);
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (typeof value === "bigint") return spendText(String(value), budget);
  if (value instanceof PyFloat) return value.value;
  if (value instanceof Uint8Array) {
    budget.spend(value.length * 4 / 3);
    return encodeBase64(value);
  }
  const inner = { budget, depth: depth + 1 };
  const list = (items: Iterable<PickleValue>) => Array.from(items, (each) => convert(each, inner));
  if (value instanceof PyTuple) return list(value.items);
  if (Array.isArray(value) || value instanceof Set) return list(value);
  if (value instanceof Map) return convertMap(value, inner);
  if (value instanceof PyClass) return { type: spendText(value.path, budget) };
  const text = objectText(value);
  return text === undefined ? convertObject(value, inner) : spendText(text, budget);
}

/** Counted before a copy is made; with its escapes, of which a byte may take six. */
function spendText(text: string, budget: Budget): string {
  if (text.length > MOST_BYTES) budget.spend(text.length);
  budget.spend(Buffer.byteLength(JSON.stringify(text)));
  return text;
}

/** Built without assignment, so that a key `__proto__` is a key like any other. */
function convertMap(map: PickleMap, place: Place): Json {
  return Object.fromEntries(
    Array.from(map, ([key, each]) => [
      spendText(keyText(key, place.budget), place.budget),
      convert(each, place),
    ]),
  );
}

function keyText(key: PickleValue, outer: Budget): string {
  if (typeof key === "string") return key;
  const budget = createBudget("A key in the value", MOST_KEY_BYTES, outer);
  const json = convert(key, { budget, depth: 0 });
  return typeof json === "string" ? json : JSON.stringify(json);
}

function convertObject(
  { type, args, kwargs, state, items, entries }: PyObject,
  place: Place,
): Json {
  if (type.module === "collections") {
    if (entries) return convertMap(entries, place);
    if (items) return convert(items, place);
  }
  return {
    type: spendText(type.path, place.budget),
    args: convert(args, place),
    ...(kwargs ? { kwargs: convertMap(kwargs, place) } : {}),
    ...(state === undefined ? {} : { state: convert(state, place) }),
    ...(items ? { items: convert(items, place) } : {}),
    ...(entries ? { entries: convertMap(entries, place) } : {}),
  };
}

/**
 * The usual text of a date, time, decimal or UUID, as Python's `isoformat()`
 * and `str()` give it; undefined for everything else.
 */
export function objectText({ type, args: { items }, state }: PyObject): string | undefined {
  const [first, zone] = items;
  switch (type.path) {
    case "datetime.datetime":
      if (!isBytes(first, 10)) return undefined;
      return `${dateText(first)}T${timeText(first.subarray(4))}${zoneText(zone)}`;
    case "datetime.date":
      return isBytes(first, 4) ? dateText(first) : undefined;
    case "datetime.time":
      return isBytes(first, 6) ? `${timeText(first)}${zoneText(zone)}` : undefined;
    case "decimal.Decimal":
      return typeof first === "string" ? first : undefined;
    case "uuid.UUID":
      return uuidText(state);
  }
}

const isBytes = (value: PickleValue | undefined, length: number): value is Uint8Array =>
  value instanceof Uint8Array && value.length === length;
const digits = (value: number, count = 2) => String(value).padStart(count, "0");

/** Year in two bytes, month, day; the month's top bit is Python's "fold". */
function dateText([high, low, month, day]: Uint8Array): string {
  return `${digits(high << 8 | low, 4)}-${digits(month & 0x7f)}-${digits(day)}`;
}

/** Hour, minute, second, microseconds in three bytes. */
function timeText([hour, minute, second, ...micro]: Uint8Array): string {
  const microseconds = micro[0] << 16 | micro[1] << 8 | micro[2];
  const rest = microseconds === 0 ? "" : `.${digits(microseconds, 6)}`;
  return `${digits(hour & 0x7f)}:${digits(minute)}:${digits(second)}${rest}`;
}

/**
 * A time zone behind a time: as `+hh:mm` where the pickle has its offset, and its
 * name in brackets, as RFC 9557 writes it. One of an unknown kind is named by its
 * class: a time without any zone would be another time.
 */
function zoneText(zone: PickleValue | undefined): string {
  if (zone === undefined || zone === null) return "";
  if (!(zone instanceof PyObject)) return "[unknown]";
  const { type: { path }, args: { items: [first, second] }, state } = zone;
  const inState = (name: string) => state instanceof Map ? state.get(name) : undefined;
  switch (path) {
    case "datetime.timezone":
    case "dateutil.tz.tz.tzoffset":
      return offsetText(secondsOf(first) ?? secondsOf(inState("_offset"))) ?? `[${path}]`;
    case "pytz._UTC":
    case "dateutil.tz.tz.tzutc":
      return "+00:00";
    case "pytz.FixedOffset":
      return offsetText(typeof first === "number" ? first * 60 : undefined) ?? `[${path}]`;
    case "zoneinfo.ZoneInfo._unpickle":
      return `[${nameOf(first) ?? path}]`;
    case "pytz._p":
      // Its name, and where its offset changes also the one of this time, in seconds.
      return `${offsetText(second) ?? ""}[${nameOf(first) ?? path}]`;
    case "dateutil.tz.tz.tzfile":
      return `[${nameOf(second) ?? nameOf(inState("_filename")) ?? path}]`;
    default:
      return `[${path}]`;
  }
}

/** The longest name of a zone in the tz database has 32 letters; a path stands before some. */
function nameOf(value: PickleValue | undefined): string | undefined {
  return typeof value === "string"
    ? /([\w+-]+\/){0,2}[\w+-]{1,32}$/.exec(value.slice(-64).replace(/^.*zoneinfo\//, ""))?.[0]
    : undefined;
}

/** The seconds of a `timedelta(days, seconds, microseconds)`. */
function secondsOf(delta: PickleValue | undefined): number | undefined {
  if (!(delta instanceof PyObject) || delta.type.path !== "datetime.timedelta") return undefined;
  const [days = 0, seconds = 0] = delta.args.items;
  if (typeof days !== "number" || typeof seconds !== "number") return undefined;
  return days * 86_400 + seconds;
}

/** Seconds east of Greenwich as `+hh:mm`. */
function offsetText(total: PickleValue | undefined): string | undefined {
  if (typeof total !== "number") return undefined;
  const size = Math.abs(total);
  const rest = size % 60 === 0 ? "" : `:${digits(size % 60)}`;
  const sign = total < 0 ? "-" : "+";
  return `${sign}${digits(Math.floor(size / 3_600))}:${digits(Math.floor(size / 60) % 60)}${rest}`;
}

function uuidText(state: PickleValue | undefined): string | undefined {
  const int = state instanceof Map ? state.get("int") : undefined;
  if (typeof int !== "number" && typeof int !== "bigint") return undefined;
  const hex = BigInt.asUintN(128, BigInt(int)).toString(16).padStart(32, "0");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
