import { ByteReader } from "./bytes.ts";
import { checkExpansion } from "./expand.ts";
import { OP } from "./opcodes.ts";
import { MAKES_CONTAINER, OPERATIONS, type PickleMachine } from "./operations.ts";
import { createStack } from "./stack.ts";
import { PickleError, type PickleMap, type PickleValue } from "./value.ts";

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
  /** The most operations: what bounds the time. @default {300_000} */
  maxOpcodes?: number;
  /** The size in bytes when each reference is written out. @default {64 MiB} */
  maxExpanded?: number;
}

const MIB = 1024 * 1024;

/**
 * About what an empty list, dict, set, tuple or object takes in memory. A single
 * byte of a pickle makes one, so 16 MiB of them would take gigabytes.
 */
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
  const maxExpanded = options.maxExpanded ?? 64 * MIB;
  const value = run(createMachine(bytes, options), { ...options, maxExpanded });
  checkExpansion(value, maxExpanded);
  return value;
}

/**
 * The first items of a dict, up to the one with this key, although what follows it
 * cannot be read or was cut off: enough to know how something ended when its value
 * is of a kind or a size that is not taken.
 *
 * @returns undefined when the bytes do not begin as such a dict.
 */
export function decodeBeginning(bytes: Uint8Array, lastKey: string): PickleMap | undefined {
  const items: PickleMap = new Map();
  try {
    const machine = createMachine(bytes, { objects: "records" }, true);
    try {
      run(machine, {});
    } catch (error) {
      if (!(error instanceof PickleError)) throw error;
    }
    const [dict, ...rest] = machine.stack.all();
    if (!(dict instanceof Map)) return undefined;
    if (dict.has(lastKey)) return dict;
    // Python writes all items of a small dict before it puts them into it.
    for (let at = 0; at + 1 < rest.length && !items.has(lastKey); at += 2) {
      items.set(rest[at], rest[at + 1]);
    }
  } catch (error) {
    if (!(error instanceof PickleError)) throw error;
  }
  return items.has(lastKey) ? items : undefined;
}

function createMachine(
  bytes: Uint8Array,
  { objects = "refuse", maxBytes = 16 * MIB }: DecodeOptions,
  mayBeCut = false,
): PickleMachine {
  if (bytes.length > maxBytes) {
    throw new PickleError(`A pickle of ${bytes.length} bytes is longer than ${maxBytes}`);
  }
  const from = new ByteReader(bytes);
  checkProtocol(from);
  const takesObjects = objects === "records";
  return { from, stack: createStack(), memo: new Map(), takesObjects, mayBeCut };
}

function checkProtocol(from: ByteReader): void {
  if (from.left < 2 || from.u8() !== OP.PROTO) {
    throw new PickleError("The bytes do not begin as a pickle does");
  }
  const protocol = from.u8();
  if (protocol < 2 || protocol > 5) {
    throw new PickleError(`The pickle is of protocol ${protocol}; 2 to 5 are taken`);
  }
}

/** Does what the bytes say up to STOP; what is on the stack then is the value. */
function run(
  machine: PickleMachine,
  { maxOpcodes = 300_000, maxExpanded: maxMemory = 64 * MIB }: DecodeOptions,
): PickleValue {
  const { from } = machine;
  let memory = 0;
  for (let count = 0; count < maxOpcodes; count++) {
    const opcode = from.u8();
    if (opcode === OP.STOP) return stop(machine);
    const operation = OPERATIONS[opcode];
    if (!operation) {
      throw new PickleError(
        `The opcode 0x${opcode.toString(16).padStart(2, "0")} at ${from.at - 1} is not taken`,
      );
    }
    // Counted while reading: afterwards the memory is taken already.
    if (MAKES_CONTAINER.has(opcode)) memory += CONTAINER_BYTES;
    if (memory > maxMemory) {
      throw new PickleError(`The containers in the pickle take more than ${maxMemory} bytes`);
    }
    operation(machine);
  }
  throw new PickleError(`The pickle has more than ${maxOpcodes} opcodes`);
}

function stop({ from, stack }: PickleMachine): PickleValue {
  if (from.left > 0) throw new PickleError(`${from.left} bytes follow the end of the pickle`);
  return stack.only();
}
