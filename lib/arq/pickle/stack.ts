import { PickleError, type PickleValue, PyTuple } from "./value.ts";

/** The stack of Python's pickle machine, with marks below which nothing may be taken. */
export function createStack() {
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
    push: (value: PickleValue): void => void stack.push(value),
    pop,
    top(): PickleValue {
      if (stack.length <= floor()) {
        throw new PickleError("The pickle uses what it has not put down");
      }
      return stack.at(-1)!;
    },
    mark: (): void => void marks.push(stack.length),
    popToMark,
    popPairs(): [PickleValue, PickleValue][] {
      const items = popToMark();
      if (items.length % 2 !== 0) {
        throw new PickleError("A dict in the pickle has a key without value");
      }
      return Array.from({ length: items.length / 2 }, (_, i) => [items[2 * i], items[2 * i + 1]]);
    },
    /** Puts down a tuple of the uppermost values. */
    popTuple(count: number): void {
      const items: PickleValue[] = [];
      for (let i = 0; i < count; i++) items.unshift(pop());
      stack.push(new PyTuple(items));
    },
    /** The one value that is left at the end. */
    only(): PickleValue {
      if (stack.length !== 1 || marks.length > 0) {
        throw new PickleError(`The pickle ends with ${stack.length} values, where one is right`);
      }
      return stack[0];
    },
  };
}
