import { ByteWriter } from "./bytes.ts";
import { encodeInteger } from "./integer.ts";
import {
  MOST_DEPTH,
  PickleError,
  type PickleValue,
  PyClass,
  PyFloat,
  PyObject,
  PyTuple,
} from "./value.ts";

/** What may be encoded: of plain objects their own members, those that are `undefined` left out. */
export type Encodable =
  | PickleValue
  | undefined
  | readonly Encodable[]
  | { readonly [name: string]: Encodable }
  | ReadonlyMap<Encodable, Encodable>;

const MEMOIZE = 0x94;
const MARK = 0x28;
/** CPython writes long containers in batches of so many items. */
const BATCH = 1_000;
/** Larger bodies would need several frames, as CPython cuts them; frames may also be left out. */
const MOST_FRAME = 65_536;

const utf8 = new TextEncoder();

/**
 * A value as a Python pickle of protocol 4, byte for byte as CPython's
 * `pickle.dumps(value, 4)` writes it when no object occurs in it twice.
 *
 * Objects are refused unless `allow` says yes to their class ("module.name"):
 * whoever reads the pickle in Python calls that class.
 *
 * @throws {PickleError} for what Python could not read back as the same value:
 * lone surrogates, functions, dates, class instances, cycles, depth over 200.
 */
export function encodePickle(
  value: Encodable,
  { allow = () => false }: { allow?: (path: string) => boolean } = {},
): Uint8Array {
  const body = new ByteWriter();
  createWriter(body, allow)(value, 0);
  body.u8(0x2e);
  const bytes = body.done();

  const framed = bytes.length >= 4 && bytes.length < MOST_FRAME;
  const out = new Uint8Array(bytes.length + (framed ? 11 : 2));
  out.set([0x80, 4]);
  if (framed) {
    out[2] = 0x95;
    new DataView(out.buffer).setUint32(3, bytes.length, true);
  }
  out.set(bytes, out.length - bytes.length);
  return out;
}

type Write = (value: Encodable, depth: number) => void;

function createWriter(to: ByteWriter, allow: (path: string) => boolean): Write {
  let memoSize = 0;
  /** CPython keeps one object for "", b"" and each of one byte: their second use is a reference. */
  const shared = new Map<string, number>();

  function memoize(): void {
    to.u8(MEMOIZE);
    memoSize++;
  }

  /** Writes a text or bytes, or the reference to the one written before. */
  function once(key: string | undefined, writeIt: () => void): void {
    const at = key === undefined ? undefined : shared.get(key);
    if (at === undefined) {
      writeIt();
      if (key !== undefined) shared.set(key, memoSize);
      memoize();
    } else if (at < 256) {
      to.u8(0x68, at);
    } else {
      to.u8(0x6a);
      to.u32(at);
    }
  }

  function writeText(text: string): void {
    if (!text.isWellFormed()) {
      throw new PickleError("A text with half a surrogate pair cannot be pickled");
    }
    once(text === "" || text.length === 1 && text <= "\xff" ? `s${text}` : undefined, () => {
      writeSized(utf8.encode(text), 0x8c, 0x58);
    });
  }

  function writeBytes(bytes: Uint8Array): void {
    once(bytes.length < 2 ? `b${bytes}` : undefined, () => writeSized(bytes, 0x43, 0x42));
  }

  function writeSized(bytes: Uint8Array, short: number, long: number): void {
    if (bytes.length < 256) to.u8(short, bytes.length);
    else {
      to.u8(long);
      to.u32(bytes.length);
    }
    to.bytes(bytes);
  }

  function writeInteger(value: number | bigint): void {
    if (value >= 0 && value < 65_536) {
      if (value < 256) return to.u8(0x4b, Number(value));
      to.u8(0x4d);
      to.u16(Number(value));
    } else if (value >= -(2 ** 31) && value < 2 ** 31) {
      to.u8(0x4a);
      to.i32(Number(value));
    } else {
      const bytes = encodeInteger(BigInt(value));
      if (bytes.length < 256) to.u8(0x8a, bytes.length);
      else {
        to.u8(0x8b);
        to.u32(bytes.length);
      }
      to.bytes(bytes);
    }
  }

  function writeFloat(value: number): void {
    to.u8(0x47);
    to.f64BigEndian(value);
  }

  function writeTuple(items: readonly Encodable[], depth: number): void {
    if (items.length === 0) return to.u8(0x29);
    if (items.length > 3) to.u8(MARK);
    for (const item of items) write(item, depth);
    to.u8(items.length > 3 ? 0x74 : 0x84 + items.length);
    memoize();
  }

  function writeList(items: readonly Encodable[], depth: number): void {
    to.u8(0x5d);
    memoize();
    if (items.length === 1) {
      write(items[0], depth);
      return to.u8(0x61);
    }
    for (let from = 0; from < items.length; from += BATCH) {
      to.u8(MARK);
      for (const item of items.slice(from, from + BATCH)) write(item, depth);
      to.u8(0x65);
    }
  }

  function writeSet(items: readonly Encodable[], depth: number): void {
    to.u8(0x8f);
    memoize();
    // CPython writes an empty batch after a full one, here and in a dict.
    for (let from = 0; items.length > 0 && from <= items.length; from += BATCH) {
      to.u8(MARK);
      for (const item of items.slice(from, from + BATCH)) write(item, depth);
      to.u8(0x90);
    }
  }

  function writeDict(items: readonly (readonly [Encodable, Encodable])[], depth: number): void {
    to.u8(0x7d);
    memoize();
    if (items.length === 1) {
      write(items[0][0], depth);
      write(items[0][1], depth);
      return to.u8(0x73);
    }
    for (let from = 0; items.length > 0 && from <= items.length; from += BATCH) {
      to.u8(MARK);
      for (const [key, value] of items.slice(from, from + BATCH)) {
        write(key, depth);
        write(value, depth);
      }
      to.u8(0x75);
    }
  }

  function writeObject({ type, args, state, items, entries }: PyObject, depth: number): void {
    if (!allow(type.path)) {
      throw new PickleError(`An object of ${type.path} may not be pickled here`);
    }
    if (state !== undefined || items || entries) {
      throw new PickleError(`An object of ${type.path} with a state cannot be pickled`);
    }
    writeText(type.module);
    writeText(type.name);
    to.u8(0x93);
    memoize();
    writeTuple(args.items, depth);
    to.u8(0x52);
    memoize();
  }

  function write(value: Encodable, depth: number): void {
    if (depth > MOST_DEPTH) {
      throw new PickleError(
        `A value nested over ${MOST_DEPTH} deep, or in itself, cannot be pickled`,
      );
    }
    const inner = depth + 1;
    if (value === null || value === undefined) to.u8(0x4e);
    else if (typeof value === "boolean") to.u8(value ? 0x88 : 0x89);
    else if (typeof value === "string") writeText(value);
    else if (typeof value === "bigint") writeInteger(value);
    else if (typeof value === "number") {
      if (Number.isSafeInteger(value) && !Object.is(value, -0)) writeInteger(value);
      else writeFloat(value);
    } else if (value instanceof PyFloat) writeFloat(value.value);
    else if (value instanceof Uint8Array) writeBytes(value);
    else if (value instanceof PyTuple) writeTuple(value.items, inner);
    else if (Array.isArray(value)) writeList(value, inner);
    else if (value instanceof Set) writeSet([...value], inner);
    else if (value instanceof Map) writeDict([...value], inner);
    else if (value instanceof PyObject) writeObject(value, inner);
    else if (isPlain(value)) {
      writeDict(Object.entries(value).filter(([, member]) => member !== undefined), inner);
    } else {
      throw new PickleError(
        `A value of this kind cannot be pickled: ${Object.prototype.toString.call(value)}`,
      );
    }
  }
  return write;
}

function isPlain(value: unknown): value is Readonly<Record<string, Encodable>> {
  if (typeof value !== "object" || value === null || value instanceof PyClass) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}
