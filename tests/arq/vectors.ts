import { readFileSync } from "node:fs";
import { objectText } from "../../lib/arq/pickle/json.ts";
import { type PickleValue, PyFloat, PyObject, PyTuple } from "../../lib/arq/pickle/value.ts";

/** One entry of `vectors/arq*.json`: bytes that real Python has written, and what is in them. */
export interface Vector {
  name: string;
  kind: "job" | "result" | "reject";
  value: unknown;
  pickle_hex: string;
  note: string;
  reencode_equal?: boolean;
}

export function readVectors(): Vector[] {
  return ["arq", "arq-large"].flatMap((name) =>
    JSON.parse(readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), "utf8"))
  );
}

export function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** A value in the notation of the vectors: `{"$tuple": […]}` and the like. */
export function notation(value: PickleValue): unknown {
  if (value === null || typeof value === "boolean") return value;
  if (typeof value === "string") return value.isWellFormed() ? value : { $utf16le: utf16(value) };
  if (typeof value === "bigint") return { $int: String(value) };
  if (typeof value === "number") {
    return Number.isSafeInteger(value) && !Object.is(value, -0) || Math.abs(value) < 1e16 && value
      ? value
      : { $float: floatText(value) };
  }
  if (value instanceof PyFloat) return { $float: `${value.value}.0` };
  if (value instanceof Uint8Array) return { $bytes: hexOf(value) };
  if (value instanceof PyTuple) return { $tuple: value.items.map(notation) };
  if (Array.isArray(value)) return value.map(notation);
  if (value instanceof Set) return { $set: [...value].map(notation) };
  if (value instanceof Map) {
    return Object.fromEntries([...value].map(([key, each]) => [key, notation(each)]));
  }
  if (value instanceof PyObject) {
    const text = objectText(value);
    const name = value.type.path;
    if (text !== undefined) {
      return { $object: { class: name, [name.startsWith("datetime") ? "iso" : "str"]: text } };
    }
    const state = value.state === undefined ? {} : { state: notation(value.state) };
    return { $object: { class: name, args: value.args.items.map(notation), ...state } };
  }
  throw new Error(`No notation for ${value}`);
}

function floatText(value: number): string {
  if (Object.is(value, -0)) return "-0.0";
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  return String(value);
}

const hexOf = (bytes: Uint8Array) =>
  [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");

function utf16(text: string): string {
  return Array.from({ length: text.length }, (_, i) => {
    const unit = text.charCodeAt(i);
    return hexOf(Uint8Array.of(unit & 0xff, unit >> 8));
  }).join("");
}
