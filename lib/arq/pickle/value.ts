/**
 * What a Python pickle holds, as values of ours. Nothing that a pickle names is
 * ever looked up, built or called: an object stays a record of its class's name.
 */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PyFloat
  | PyTuple
  | PyObject
  | PyClass
  | PickleValue[]
  | Set<PickleValue>
  | PyFrozenSet
  | PickleMap;

/** A Python dict, in the order of its items. */
export type PickleMap = Map<PickleValue, PickleValue>;

/** A Python tuple; an array is a list. */
export class PyTuple {
  readonly items: readonly PickleValue[];
  constructor(items: readonly PickleValue[] = []) {
    this.items = items;
  }
}

/** A Python frozenset: unlike a set it may be a key, and a member of a set. */
export class PyFrozenSet extends Set<PickleValue> {}

/** A Python float whose value is a whole number, such as 3.0: as a number it would be an int. */
export class PyFloat {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

/** The name of a class or function, and nothing more. */
export class PyClass {
  readonly module: string;
  readonly name: string;
  constructor(module: string, name: string) {
    this.module = module;
    this.name = name;
  }
  get path(): string {
    return `${this.module}.${this.name}`;
  }
}

/** An instance as it was written: its class's name, the arguments, and what was set on it later. */
export class PyObject {
  readonly type: PyClass;
  readonly args: PyTuple;
  /** The named arguments, of the few classes that are built with some. */
  kwargs?: PickleMap;
  state?: PickleValue;
  /** The items of a subclass of list, such as a deque. */
  items?: PickleValue[];
  /** The items of a subclass of dict, such as an OrderedDict. */
  entries?: PickleMap;
  constructor(type: PyClass, args: PyTuple = new PyTuple()) {
    this.type = type;
    this.args = args;
  }
}

/** An exception of this class with this message, such as `builtins.RuntimeError`. */
export function pyError(path: string, ...args: PickleValue[]): PyObject {
  const dot = path.lastIndexOf(".");
  return new PyObject(
    new PyClass(path.slice(0, dot), path.slice(dot + 1)),
    new PyTuple(args),
  );
}

/** Bytes that are no pickle we take, or a value that no pickle of ours can hold. */
export class PickleError extends Error {
  override name = "PickleError";
}

/** Deeper values are refused, on both ways. */
export const MOST_DEPTH = 200;
