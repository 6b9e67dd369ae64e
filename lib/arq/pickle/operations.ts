import { type ByteReader, decodeText } from "./bytes.ts";
import { decodeInteger } from "./integer.ts";
import { OP } from "./opcodes.ts";
import type { PickleStack } from "./stack.ts";
import {
  PickleError,
  type PickleValue,
  PyClass,
  PyFloat,
  PyFrozenSet,
  PyObject,
  PyTuple,
} from "./value.ts";

/** A pickle that is being read: what is left of its bytes, and what they have made so far. */
export interface PickleMachine {
  readonly from: ByteReader;
  readonly stack: PickleStack;
  /** Values that later bytes refer to by their number. */
  readonly memo: Map<number, PickleValue>;
  /** Whether classes and objects are taken, as records of their names. */
  readonly takesObjects: boolean;
  /** Whether the bytes may end early: then a frame is longer than what is there. */
  readonly mayBeCut: boolean;
}

type Operation = (machine: PickleMachine) => void;

/** What each opcode does; one that is not here is refused. */
export const OPERATIONS: Readonly<Record<number, Operation>> = {
  [OP.FRAME]: ({ from, mayBeCut }) => void (mayBeCut ? from.bytes(8) : from.u64Length()),
  [OP.MARK]: ({ stack }) => stack.mark(),

  [OP.NONE]: ({ stack }) => stack.push(null),
  [OP.NEWTRUE]: ({ stack }) => stack.push(true),
  [OP.NEWFALSE]: ({ stack }) => stack.push(false),
  [OP.BININT]: ({ stack, from }) => stack.push(from.i32()),
  [OP.BININT1]: ({ stack, from }) => stack.push(from.u8()),
  [OP.BININT2]: ({ stack, from }) => stack.push(from.u16()),
  [OP.LONG1]: (machine) => pushInteger(machine, machine.from.u8()),
  [OP.LONG4]: (machine) => pushInteger(machine, machine.from.u32()),
  [OP.BINFLOAT]: ({ stack, from }) => stack.push(toFloat(from.f64BigEndian())),

  [OP.SHORT_BINUNICODE]: (machine) => pushText(machine, machine.from.u8()),
  [OP.BINUNICODE]: (machine) => pushText(machine, machine.from.u32()),
  [OP.BINUNICODE8]: (machine) => pushText(machine, machine.from.u64Length()),
  [OP.SHORT_BINBYTES]: (machine) => pushBytes(machine, machine.from.u8()),
  [OP.BINBYTES]: (machine) => pushBytes(machine, machine.from.u32()),
  [OP.BINBYTES8]: (machine) => pushBytes(machine, machine.from.u64Length()),
  [OP.BYTEARRAY8]: (machine) => pushBytes(machine, machine.from.u64Length()),

  [OP.EMPTY_TUPLE]: ({ stack }) => stack.push(new PyTuple()),
  [OP.TUPLE1]: ({ stack }) => stack.popTuple(1),
  [OP.TUPLE2]: ({ stack }) => stack.popTuple(2),
  [OP.TUPLE3]: ({ stack }) => stack.popTuple(3),
  [OP.TUPLE]: ({ stack }) => stack.push(new PyTuple(stack.popToMark())),
  [OP.EMPTY_LIST]: ({ stack }) => stack.push([]),
  [OP.APPEND]: ({ stack }) => append(stack, [stack.pop()]),
  [OP.APPENDS]: ({ stack }) => append(stack, stack.popToMark()),
  [OP.EMPTY_DICT]: ({ stack }) => stack.push(new Map()),
  [OP.SETITEM]: ({ stack }) => {
    const value = stack.pop();
    setItems(stack, [[stack.pop(), value]]);
  },
  [OP.SETITEMS]: ({ stack }) => setItems(stack, stack.popPairs()),
  [OP.EMPTY_SET]: ({ stack }) => stack.push(new Set()),
  [OP.ADDITEMS]: ({ stack }) => addItems(stack, stack.popToMark()),
  [OP.FROZENSET]: ({ stack }) => {
    stack.push(new PyFrozenSet(stack.popToMark().map(hashable)));
  },

  [OP.MEMOIZE]: (machine) => memoize(machine, machine.memo.size),
  [OP.BINPUT]: (machine) => memoize(machine, machine.from.u8()),
  [OP.LONG_BINPUT]: (machine) => memoize(machine, machine.from.u32()),
  [OP.BINGET]: (machine) => recall(machine, machine.from.u8()),
  [OP.LONG_BINGET]: (machine) => recall(machine, machine.from.u32()),

  [OP.GLOBAL]: (machine) => pushClass(machine, machine.from.line(), machine.from.line()),
  [OP.STACK_GLOBAL]: (machine) => {
    const name = machine.stack.pop();
    pushClass(machine, machine.stack.pop(), name);
  },
  [OP.REDUCE]: ({ stack }) => makeObject(stack),
  [OP.NEWOBJ]: ({ stack }) => makeObject(stack),
  [OP.NEWOBJ_EX]: ({ stack }) => {
    const kwargs = stack.pop();
    makeObject(stack);
    const object = stack.top();
    if (!(kwargs instanceof Map) || !(object instanceof PyObject)) wrong("NEWOBJ_EX", kwargs);
    if (kwargs.size > 0) object.kwargs = kwargs;
  },
  [OP.BUILD]: ({ stack }) => setState(stack),
};

/** The opcodes of one byte or a few that make something of a size of its own in memory. */
export const MAKES_CONTAINER: ReadonlySet<number> = new Set([
  OP.EMPTY_TUPLE,
  OP.TUPLE1,
  OP.TUPLE2,
  OP.TUPLE3,
  OP.TUPLE,
  OP.EMPTY_LIST,
  OP.EMPTY_DICT,
  OP.EMPTY_SET,
  OP.FROZENSET,
  OP.GLOBAL,
  OP.STACK_GLOBAL,
  OP.REDUCE,
  OP.NEWOBJ,
  OP.NEWOBJ_EX,
]);

function pushInteger({ stack, from }: PickleMachine, length: number): void {
  stack.push(decodeInteger(from.bytes(length)));
}

function toFloat(value: number): number | PyFloat {
  return Number.isSafeInteger(value) && !Object.is(value, -0) ? new PyFloat(value) : value;
}

function pushText({ stack, from }: PickleMachine, length: number): void {
  stack.push(decodeText(from.bytes(length)));
}

/** A copy: the pickle's own bytes belong to the caller, and may be large. */
function pushBytes({ stack, from }: PickleMachine, length: number): void {
  stack.push(from.bytes(length).slice());
}

/** To a list, or to an object of a subclass of list. */
function append(stack: PickleStack, items: readonly PickleValue[]): void {
  const list = stack.top();
  const to = Array.isArray(list)
    ? list
    : list instanceof PyObject
    ? list.items ??= []
    : wrong("APPEND", list);
  for (const item of items) to.push(item);
}

/** In a dict, or in an object of a subclass of dict. */
function setItems(
  stack: PickleStack,
  items: readonly (readonly [PickleValue, PickleValue])[],
): void {
  const dict = stack.top();
  const to = dict instanceof Map
    ? dict
    : dict instanceof PyObject
    ? dict.entries ??= new Map()
    : wrong("SETITEM", dict);
  for (const [key, value] of items) to.set(hashable(key), value);
}

function addItems(stack: PickleStack, items: readonly PickleValue[]): void {
  const set = stack.top();
  if (!(set instanceof Set)) wrong("ADDITEMS", set);
  for (const item of items) set.add(hashable(item));
}

/** Python refuses these as keys and in sets, so no pickle of Python's has them there. */
function hashable(key: PickleValue): PickleValue {
  const fails = Array.isArray(key) || key instanceof Map ||
    key instanceof Set && !(key instanceof PyFrozenSet);
  if (fails) throw new PickleError("A key in the pickle is a list, a dict or a set");
  return key;
}

function memoize({ stack, memo }: PickleMachine, number: number): void {
  memo.set(number, stack.top());
}

function recall({ stack, memo }: PickleMachine, number: number): void {
  const value = memo.get(number);
  if (value === undefined) {
    throw new PickleError(`The pickle refers to ${number}, which it has not kept`);
  }
  stack.push(value);
}

function pushClass(
  { stack, takesObjects }: PickleMachine,
  module: PickleValue,
  name: PickleValue,
): void {
  if (typeof module !== "string" || typeof name !== "string") {
    throw new PickleError("A class in the pickle is named by something that is no text");
  }
  if (!takesObjects) {
    throw new PickleError(`The pickle names ${module}.${name}: only plain data is taken`);
  }
  stack.push(new PyClass(module, name));
}

function makeObject(stack: PickleStack): void {
  const args = stack.pop();
  const type = classOf(stack.pop());
  if (!type || !(args instanceof PyTuple)) {
    throw new PickleError("The pickle builds an object of something that is no class");
  }
  stack.push(new PyObject(type, args));
}

/** What builds an object: a class, a function, or a method of a class as `getattr(ZoneInfo, "_unpickle")`. */
function classOf(value: PickleValue): PyClass | undefined {
  if (value instanceof PyClass) return value;
  if (!(value instanceof PyObject) || value.type.path !== "builtins.getattr") return undefined;
  const [owner, name] = value.args.items;
  return owner instanceof PyClass && typeof name === "string"
    ? new PyClass(owner.module, `${owner.name}.${name}`)
    : undefined;
}

function setState(stack: PickleStack): void {
  const state = stack.pop();
  const object = stack.top();
  if (!(object instanceof PyObject)) wrong("BUILD", object);
  object.state = state;
}

function wrong(operation: string, found: PickleValue): never {
  throw new PickleError(
    `The pickle uses ${operation} on ${found === null ? "None" : typeof found}`,
  );
}
