import { PickleError, type PickleValue, PyTuple } from "./value.ts";

/** The stack of Python's pickle machine, with marks below which nothing may be taken. */
export interface PickleStack {
  push(value: PickleValue): void;
  pop(): PickleValue;
  /** The uppermost value, which stays. */
  top(): PickleValue;
  /** Begins a group. */
  mark(): void;
  /** Takes the values of the group that was begun last. */
  popToMark(): PickleValue[];
  /** The same, each two values as a key and its value. */
  popPairs(): [PickleValue, PickleValue][];
  /** Puts so many of the uppermost values back as one tuple. */
  popTuple(count: number): void;
  /** All that is there, the undermost first, whatever the marks. */
  all(): readonly PickleValue[];
  /** The one value that is left at the end. */
  only(): PickleValue;
}

/** An empty stack; each misuse by a pickle is a {@link PickleError}. */
export function createStack(): PickleStack {
  const stack: PickleValue[] = [];
  const marks: number[] = [];
  const floor = () => marks.at(-1) ?? 0;

  function pop(): PickleValue {
    if (stack.length <= floor()) {
      throw new PickleError("The pickle takes more than it has put down");
    }
    return stack.pop()!;
  }
  function popToMark(): PickleValue[] {
    const mark = marks.pop();
    if (mark === undefined) throw new PickleError("The pickle ends a group that it did not begin");
    return stack.splice(mark);
  }

  return {
    push: (value) => void stack.push(value),
    pop,
    top() {
      if (stack.length <= floor()) {
        throw new PickleError("The pickle uses what it has not put down");
      }
      return stack.at(-1)!;
    },
    mark: () => void marks.push(stack.length),
    popToMark,
    popPairs() {
      const items = popToMark();
      if (items.length % 2 !== 0) {
        throw new PickleError("A dict in the pickle has a key without value");
      }
      return Array.from({ length: items.length / 2 }, (_, i) => [items[2 * i], items[2 * i + 1]]);
    },
    popTuple(count) {
      const items: PickleValue[] = [];
      for (let i = 0; i < count; i++) items.unshift(pop());
      stack.push(new PyTuple(items));
    },
    all: () => stack,
    only() {
      if (stack.length !== 1 || marks.length > 0) {
        throw new PickleError(`The pickle ends with ${stack.length} values, where one is right`);
      }
      return stack[0];
    },
  };
}
