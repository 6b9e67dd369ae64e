import { encodeBase64 } from "../../../sources/signature/signature.ts";
import { type PickleMap, type PickleValue, PyClass, PyFloat, PyObject, PyTuple } from "./value.ts";

/** Anything that is JSON. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/**
 * A value from Python as JSON: tuples and sets as lists, bytes as base64, what
 * JSON has no number for (NaN, integers beyond 2^53) as text, dates, decimals
 * and UUIDs as their usual text, other objects as `{type, args, …}`.
 */
export function toJson(value: PickleValue): Json {
  if (value === null || typeof value === "boolean" || typeof value === "string") return value;
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (typeof value === "bigint") return String(value);
  if (value instanceof PyFloat) return value.value;
  if (value instanceof Uint8Array) return encodeBase64(value);
  if (value instanceof PyTuple) return value.items.map(toJson);
  if (Array.isArray(value)) return value.map(toJson);
  if (value instanceof Set) return [...value].map(toJson);
  if (value instanceof Map) return mapToJson(value);
  if (value instanceof PyClass) return { type: value.path };
  return objectText(value) ?? objectToJson(value);
}

/** Built without assignment, so that a key `__proto__` is a key like any other. */
function mapToJson(map: PickleMap): Json {
  return Object.fromEntries([...map].map(([key, each]) => [keyText(key), toJson(each)]));
}

function keyText(key: PickleValue): string {
  if (typeof key === "string") return key;
  const json = toJson(key);
  return typeof json === "string" ? json : JSON.stringify(json);
}

function objectToJson({ type, args, state, items, entries }: PyObject): Json {
  if (type.module === "collections") {
    if (entries) return mapToJson(entries);
    if (items) return items.map(toJson);
  }
  return {
    type: type.path,
    args: toJson(args),
    ...(state === undefined ? {} : { state: toJson(state) }),
    ...(items ? { items: toJson(items) } : {}),
    ...(entries ? { entries: toJson(entries) } : {}),
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
      return `${dateText(first)}T${timeText(first.subarray(4))}${zoneText(zone) ?? ""}`;
    case "datetime.date":
      return isBytes(first, 4) ? dateText(first) : undefined;
    case "datetime.time":
      return isBytes(first, 6) ? `${timeText(first)}${zoneText(zone) ?? ""}` : undefined;
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

/** A `timezone(timedelta(days, seconds, microseconds))` as `+hh:mm`. */
function zoneText(zone: PickleValue | undefined): string | undefined {
  if (!(zone instanceof PyObject) || zone.type.path !== "datetime.timezone") return undefined;
  const [delta] = zone.args.items;
  if (!(delta instanceof PyObject) || delta.type.path !== "datetime.timedelta") return undefined;
  const [days = 0, seconds = 0] = delta.args.items;
  if (typeof days !== "number" || typeof seconds !== "number") return undefined;
  const total = days * 86_400 + seconds;
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
