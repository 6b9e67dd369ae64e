import { OP } from "./opcodes.ts";
import {
  MOST_DEPTH,
  PickleError,
  type PickleValue,
  PyClass,
  PyFloat,
  PyObject,
  PyTuple,
} from "./value.ts";
import {
  createWriter,
  memoize,
  type PickleWriter,
  writeBytes,
  writeFloat,
  writeInteger,
  writeText,
} from "./writer.ts";

/** What may be encoded: of plain objects their own members, those that are `undefined` left out. */
export type Encodable =
  | PickleValue
  | undefined
  | readonly Encodable[]
  | { readonly [name: string]: Encodable }
  | ReadonlyMap<Encodable, Encodable>;

/** What Python 3.4 and later all read, and python-arq writes. */
const PROTOCOL = 4;
/** CPython writes long containers in batches of so many items (`_BATCHSIZE` in `pickle.py`). */
const BATCH = 1_000;
/** CPython frames nothing shorter, in bytes (`_FRAME_SIZE_MIN`). */
const LEAST_FRAME = 4;
/** CPython cuts what is longer into several frames (`_FRAME_SIZE_TARGET`); a pickle may also have none. */
const MOST_FRAME = 65_536;

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
  const writer = createWriter(allow);
  write(writer, value, 0);
  writer.to.u8(OP.STOP);
  return withHeader(writer.to.done());
}

/** The protocol, and a frame around the rest where CPython would write exactly one. */
function withHeader(body: Uint8Array): Uint8Array {
  const framed = body.length >= LEAST_FRAME && body.length < MOST_FRAME;
  const bytes = new Uint8Array(body.length + (framed ? 11 : 2));
  bytes.set([OP.PROTO, PROTOCOL]);
  if (framed) {
    bytes[2] = OP.FRAME;
    // Eight bytes, of which the upper four are 0.
    new DataView(bytes.buffer).setUint32(3, body.length, true);
  }
  bytes.set(body, bytes.length - body.length);
  return bytes;
}

function write(writer: PickleWriter, value: Encodable, depth: number): void {
  if (depth > MOST_DEPTH) {
    throw new PickleError(
      `A value nested over ${MOST_DEPTH} deep, or in itself, cannot be pickled`,
    );
  }
  const inner = depth + 1;
  if (value === null || value === undefined) writer.to.u8(OP.NONE);
  else if (typeof value === "boolean") writer.to.u8(value ? OP.NEWTRUE : OP.NEWFALSE);
  else if (typeof value === "string") writeText(writer, value);
  else if (typeof value === "bigint") writeInteger(writer, value);
  else if (typeof value === "number") writeNumber(writer, value);
  else if (value instanceof PyFloat) writeFloat(writer, value.value);
  else if (value instanceof Uint8Array) writeBytes(writer, value);
  else if (value instanceof PyTuple) writeTuple(writer, value.items, inner);
  else if (Array.isArray(value)) writeList(writer, value, inner);
  else if (value instanceof Set) writeSet(writer, [...value], inner);
  else if (value instanceof Map) writeDict(writer, [...value], inner);
  else if (value instanceof PyObject) writeObject(writer, value, inner);
  else if (isPlain(value)) {
    const members = Object.entries(value).filter(([, member]) => member !== undefined);
    writeDict(writer, members, inner);
  } else {
    throw new PickleError(
      `A value of this kind cannot be pickled: ${Object.prototype.toString.call(value)}`,
    );
  }
}

/** A whole number is Python's int; -0 is a float, the only one that can hold it. */
function writeNumber(writer: PickleWriter, value: number): void {
  if (Number.isSafeInteger(value) && !Object.is(value, -0)) writeInteger(writer, value);
  else writeFloat(writer, value);
}

/** The opcodes of tuples by their length; longer ones stand behind a mark. */
const SHORT_TUPLES: readonly (number | undefined)[] = [
  OP.EMPTY_TUPLE,
  OP.TUPLE1,
  OP.TUPLE2,
  OP.TUPLE3,
];

/** The empty tuple alone has no number: CPython has just one of it. */
function writeTuple(writer: PickleWriter, items: readonly Encodable[], depth: number): void {
  const { to } = writer;
  if (items.length === 0) return to.u8(OP.EMPTY_TUPLE);
  const short = SHORT_TUPLES[items.length];
  if (short === undefined) to.u8(OP.MARK);
  for (const item of items) write(writer, item, depth);
  to.u8(short ?? OP.TUPLE);
  memoize(writer);
}

function writeList(writer: PickleWriter, items: readonly Encodable[], depth: number): void {
  const { to } = writer;
  to.u8(OP.EMPTY_LIST);
  memoize(writer);
  if (items.length === 1) {
    write(writer, items[0], depth);
    return to.u8(OP.APPEND);
  }
  for (let from = 0; from < items.length; from += BATCH) {
    to.u8(OP.MARK);
    for (const item of items.slice(from, from + BATCH)) write(writer, item, depth);
    to.u8(OP.APPENDS);
  }
}

function writeSet(writer: PickleWriter, items: readonly Encodable[], depth: number): void {
  const { to } = writer;
  to.u8(OP.EMPTY_SET);
  memoize(writer);
  for (const batch of batchesOf(items)) {
    to.u8(OP.MARK);
    for (const item of batch) write(writer, item, depth);
    to.u8(OP.ADDITEMS);
  }
}

function writeDict(
  writer: PickleWriter,
  items: readonly (readonly [Encodable, Encodable])[],
  depth: number,
): void {
  const { to } = writer;
  to.u8(OP.EMPTY_DICT);
  memoize(writer);
  if (items.length === 1) {
    write(writer, items[0][0], depth);
    write(writer, items[0][1], depth);
    return to.u8(OP.SETITEM);
  }
  for (const batch of batchesOf(items)) {
    to.u8(OP.MARK);
    for (const [key, value] of batch) {
      write(writer, key, depth);
      write(writer, value, depth);
    }
    to.u8(OP.SETITEMS);
  }
}

/** The batches of a set or a dict: unlike a list's, a full last one is followed by an empty one. */
function* batchesOf<T>(items: readonly T[]): Iterable<readonly T[]> {
  for (let from = 0; items.length > 0 && from <= items.length; from += BATCH) {
    yield items.slice(from, from + BATCH);
  }
}

function writeObject(writer: PickleWriter, object: PyObject, depth: number): void {
  const { type, args, state, items, entries } = object;
  if (!writer.allow(type.path)) {
    throw new PickleError(`An object of ${type.path} may not be pickled here`);
  }
  if (state !== undefined || items || entries) {
    throw new PickleError(`An object of ${type.path} with a state cannot be pickled`);
  }
  writeText(writer, type.module);
  writeText(writer, type.name);
  writer.to.u8(OP.STACK_GLOBAL);
  memoize(writer);
  writeTuple(writer, args.items, depth);
  writer.to.u8(OP.REDUCE);
  memoize(writer);
}

function isPlain(value: unknown): value is Readonly<Record<string, Encodable>> {
  if (typeof value !== "object" || value === null || value instanceof PyClass) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}
