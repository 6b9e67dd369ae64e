import { ByteReader, decodeText } from "./bytes.ts";
import { checkExpansion } from "./expand.ts";
import { decodeInteger } from "./integer.ts";
import { createStack } from "./stack.ts";
import {
  PickleError,
  type PickleMap,
  type PickleValue,
  PyClass,
  PyFloat,
  PyObject,
  PyTuple,
} from "./value.ts";

export interface DecodeOptions {
  /**
   * `"refuse"` takes plain values only: for what is to be worked on. `"records"`
   * also takes objects, as records of names: for results, where they are exceptions.
   *
   * @default {"refuse"}
   */
  objects?: "refuse" | "records";
  /** The longest pickle. @default {16 MiB} */
  maxBytes?: number;
  /** @default {300_000} */
  maxOpcodes?: number;
  /** The size in bytes when each reference is written out. @default {64 MiB} */
  maxExpanded?: number;
}

const MIB = 1024 * 1024;
/** What an empty list, dict, set, tuple or object takes in memory, about: one byte of a pickle makes one. */
const CONTAINER_BYTES = 200;

/**
 * Reads a Python pickle of protocol 2 to 5. Inert: whatever the bytes are, no
 * name in them is looked up, built or called. Strict: what Python would not
 * write for plain data, exceptions and records is refused, as is what follows
 * the end; so is a value that contains itself or grows beyond its budget.
 *
 * @throws {PickleError} saying what was found; nothing else.
 */
export function decodePickle(bytes: Uint8Array, options: DecodeOptions = {}): PickleValue {
  const { objects = "refuse", maxBytes = 16 * MIB, maxOpcodes = 300_000 } = options;
  if (bytes.length > maxBytes) {
    throw new PickleError(`A pickle of ${bytes.length} bytes is longer than ${maxBytes}`);
  }
  const maxExpanded = options.maxExpanded ?? 64 * MIB;
  const machine = createMachine(new ByteReader(bytes), objects === "records", maxExpanded);
  const value = machine.run(maxOpcodes);
  checkExpansion(value, maxExpanded);
  return value;
}

function createMachine(from: ByteReader, objects: boolean, maxMemory: number) {
  const { push, pop, top, mark, popToMark, popPairs, popTuple, only } = createStack();
  const memo = new Map<number, PickleValue>();

  let memory = 0;
  /** Charged while reading: afterwards the memory is taken already. */
  function charge(): void {
    memory += CONTAINER_BYTES;
    if (memory > maxMemory) {
      throw new PickleError(`The containers in the pickle take more than ${maxMemory} bytes`);
    }
  }

  function append(items: readonly PickleValue[]): void {
    const list = top();
    const to = Array.isArray(list)
      ? list
      : list instanceof PyObject
      ? list.items ??= []
      : wrong("APPEND", list);
    for (const item of items) to.push(item);
  }
  function setItems(items: readonly (readonly [PickleValue, PickleValue])[]): void {
    const dict = top();
    const to: PickleMap = dict instanceof Map
      ? dict
      : dict instanceof PyObject
      ? dict.entries ??= new Map()
      : wrong("SETITEM", dict);
    for (const [key, value] of items) to.set(hashable(key), value);
  }
  function addItems(items: readonly PickleValue[]): void {
    const set = top();
    if (!(set instanceof Set)) wrong("ADDITEMS", set);
    for (const item of items) set.add(hashable(item));
  }

  function nameClass(module: PickleValue, name: PickleValue): void {
    if (typeof module !== "string" || typeof name !== "string") {
      throw new PickleError("A class in the pickle is named by something that is no text");
    }
    if (!objects) {
      throw new PickleError(`The pickle names ${module}.${name}: only plain data is taken`);
    }
    push(new PyClass(module, name));
  }
  function makeObject(): void {
    const args = pop();
    const type = pop();
    if (!(type instanceof PyClass) || !(args instanceof PyTuple)) {
      throw new PickleError("The pickle builds an object of something that is no class");
    }
    push(new PyObject(type, args));
  }
  function setState(): void {
    const state = pop();
    const object = top();
    if (!(object instanceof PyObject)) wrong("BUILD", object);
    object.state = state;
  }

  function remember(slot: number): void {
    memo.set(slot, top());
  }
  function recall(slot: number): void {
    const value = memo.get(slot);
    if (value === undefined) {
      throw new PickleError(`The pickle refers to ${slot}, which it has not kept`);
    }
    push(value);
  }

  const integer = (length: number) => push(decodeInteger(from.bytes(length)));
  function float(value: number): void {
    push(Number.isSafeInteger(value) && !Object.is(value, -0) ? new PyFloat(value) : value);
  }
  // The bytes belong to whoever gave them, and may be large: what is kept is a copy.
  const copy = (count: number) => push(from.bytes(count).slice());
  const text = (count: number) => push(decodeText(from.bytes(count)));

  /** By opcode; what is not here is refused. */
  const operations: Record<number, () => void> = {
    // FRAME
    0x95: () => void from.u64Length(),
    // MARK
    0x28: mark,
    // NONE, NEWTRUE, NEWFALSE
    0x4e: () => push(null),
    0x88: () => push(true),
    0x89: () => push(false),
    // BININT, BININT1, BININT2, LONG1, LONG4, BINFLOAT
    0x4a: () => push(from.i32()),
    0x4b: () => push(from.u8()),
    0x4d: () => push(from.u16()),
    0x8a: () => integer(from.u8()),
    0x8b: () => integer(from.u32()),
    0x47: () => float(from.f64BigEndian()),
    // SHORT_BINUNICODE, BINUNICODE, BINUNICODE8
    0x8c: () => text(from.u8()),
    0x58: () => text(from.u32()),
    0x8d: () => text(from.u64Length()),
    // SHORT_BINBYTES, BINBYTES, BINBYTES8, BYTEARRAY8
    0x43: () => copy(from.u8()),
    0x42: () => copy(from.u32()),
    0x8e: () => copy(from.u64Length()),
    0x96: () => copy(from.u64Length()),
    // EMPTY_TUPLE, TUPLE1, TUPLE2, TUPLE3, TUPLE
    0x29: () => push(new PyTuple()),
    0x85: () => popTuple(1),
    0x86: () => popTuple(2),
    0x87: () => popTuple(3),
    0x74: () => push(new PyTuple(popToMark())),
    // EMPTY_LIST, APPEND, APPENDS
    0x5d: () => push([]),
    0x61: () => append([pop()]),
    0x65: () => append(popToMark()),
    // EMPTY_DICT, SETITEM, SETITEMS
    0x7d: () => push(new Map()),
    0x73: () => {
      const value = pop();
      setItems([[pop(), value]]);
    },
    0x75: () => setItems(popPairs()),
    // EMPTY_SET, ADDITEMS, FROZENSET
    0x8f: () => push(new Set()),
    0x90: () => addItems(popToMark()),
    0x91: () => push(new Set(popToMark().map(hashable))),
    // MEMOIZE, BINPUT, LONG_BINPUT, BINGET, LONG_BINGET
    0x94: () => remember(memo.size),
    0x71: () => remember(from.u8()),
    0x72: () => remember(from.u32()),
    0x68: () => recall(from.u8()),
    0x6a: () => recall(from.u32()),
    // GLOBAL, STACK_GLOBAL
    0x63: () => nameClass(from.line(), from.line()),
    0x93: () => {
      const name = pop();
      nameClass(pop(), name);
    },
    // REDUCE, NEWOBJ, BUILD
    0x52: makeObject,
    0x81: makeObject,
    0x62: setState,
  };

  return {
    run(maxOpcodes: number): PickleValue {
      if (from.left < 2 || from.u8() !== 0x80) {
        throw new PickleError("The bytes do not begin as a pickle does");
      }
      const protocol = from.u8();
      if (protocol < 2 || protocol > 5) {
        throw new PickleError(`The pickle is of protocol ${protocol}; 2 to 5 are taken`);
      }
      for (let count = 0; count < maxOpcodes; count++) {
        const opcode = from.u8();
        if (opcode === 0x2e) return stop();
        const operation = operations[opcode];
        if (!operation) {
          throw new PickleError(
            `The opcode 0x${opcode.toString(16).padStart(2, "0")} at ${from.at - 1} is not taken`,
          );
        }
        if (CONTAINERS.has(opcode)) charge();
        operation();
      }
      throw new PickleError(`The pickle has more than ${maxOpcodes} opcodes`);
    },
  };

  function stop(): PickleValue {
    if (from.left > 0) throw new PickleError(`${from.left} bytes follow the end of the pickle`);
    return only();
  }
}

/** EMPTY_TUPLE, TUPLE1 to 3, TUPLE, EMPTY_LIST, EMPTY_DICT, EMPTY_SET, FROZENSET, GLOBAL, STACK_GLOBAL, REDUCE, NEWOBJ. */
const CONTAINERS = new Set([
  0x29,
  0x85,
  0x86,
  0x87,
  0x74,
  0x5d,
  0x7d,
  0x8f,
  0x91,
  0x63,
  0x93,
  0x52,
  0x81,
]);

function wrong(operation: string, found: PickleValue): never {
  throw new PickleError(
    `The pickle uses ${operation} on ${found === null ? "None" : typeof found}`,
  );
}

/** Python refuses these as keys and in sets, so no pickle of Python's has them there. */
function hashable(key: PickleValue): PickleValue {
  const fails = Array.isArray(key) || key instanceof Map || key instanceof Set;
  if (fails) throw new PickleError("A key in the pickle is a list, a dict or a set");
  return key;
}
