/**
 * A stand-in for `@std/assert`: the part of it that our tests use, with the same
 * names, signatures and meanings.
 * It is always used, through `links` in `tests/deno.json`, because not everybody who builds Otto
 * can reach JSR; `tests/std/README.md` has the way to the real package.
 *
 * It does not lean on `node:assert/strict`, whose *named* imports are the loose ones in Deno 2.9
 * (`deepEqual([1], ["1"])` passes there).
 *
 * @module
 */
import { difference, show } from "./_difference.ts";
import { equal } from "./_equal.ts";

export { equal };

/** Any constructor, abstract ones too. */
// deno-lint-ignore no-explicit-any
export type AnyConstructor = abstract new (...args: any[]) => any;
// deno-lint-ignore no-explicit-any
type ErrorConstructorOf<E> = abstract new (...args: any[]) => E;

/** Error thrown when an assertion fails. */
export class AssertionError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AssertionError";
  }
}

/** Make an assertion, error will be thrown if `expr` does not have truthy value. */
export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError(msg);
}

/** Forcefully throws a failed assertion. */
export function fail(msg?: string): never {
  throw new AssertionError(`Failed assertion${suffix(msg)}`);
}

/** Make an assertion that `actual` and `expected` are equal, deeply. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  if (equal(actual, expected)) return;
  throw new AssertionError(
    `Values are not equal${suffix(msg)}${difference(actual, expected)}`,
  );
}

/** Make an assertion that `actual` and `expected` are not equal, deeply. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  if (!equal(actual, expected)) return;
  throw new AssertionError(
    `Expected actual: ${show(actual)} not to be: ${show(expected)}${suffix(msg)}`,
  );
}

/** Make an assertion that `actual` and `expected` are the same value, by `Object.is`. */
export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  msg?: string,
): asserts actual is T {
  if (Object.is(actual, expected)) return;
  const lookAlike = show(actual) === show(expected);
  throw new AssertionError(
    lookAlike
      ? `Values have the same structure but are not reference-equal${suffix(msg)}\n\n    ${
        show(actual)
      }\n`
      : `Values are not strictly equal${suffix(msg)}${difference(actual, expected)}`,
  );
}

/** Make an assertion that `actual` is not null or undefined. */
export function assertExists<T>(
  actual: T,
  msg?: string,
): asserts actual is NonNullable<T> {
  if (actual !== undefined && actual !== null) return;
  throw new AssertionError(
    `Expected actual: "${actual}" to not be null or undefined${suffix(msg)}`,
  );
}

/** Make an assertion that `actual` matches the pattern `expected`. */
export function assertMatch(
  actual: string,
  expected: RegExp,
  msg?: string,
): void {
  // A /g or /y pattern keeps its place between calls; every assertion starts at the beginning.
  if (
    new RegExp(expected.source, expected.flags.replace(/[gy]/g, "")).test(
      actual,
    )
  ) return;
  throw new AssertionError(
    `Expected actual: ${show(actual)} to match: ${show(expected)}${suffix(msg)}`,
  );
}

/** Make an assertion that `actual` includes `expected`. */
export function assertStringIncludes(
  actual: string,
  expected: string,
  msg?: string,
): void {
  if (actual.includes(expected)) return;
  throw new AssertionError(
    `Expected actual: ${show(actual)} to contain: ${show(expected)}${suffix(msg)}`,
  );
}

/** Anything with a length and numbered items. */
export type ArrayLikeArg<T> = ArrayLike<T> & object;

/** Make an assertion that `actual` includes all the values of `expected`, deeply. */
export function assertArrayIncludes<T>(
  actual: ArrayLikeArg<T>,
  expected: ArrayLikeArg<T>,
  msg?: string,
): void {
  const missing = Array.from(expected).filter((want) =>
    !Array.from(actual).some((have) => equal(want, have))
  );
  if (missing.length === 0) return;
  throw new AssertionError(
    `Expected actual: ${show(actual)} to include: ${show(expected)}${suffix(msg)}\nmissing: ${
      show(missing)
    }`,
  );
}

/** Make an assertion that `expected` is, deeply, a part of `actual`. */
export function assertObjectMatch(
  // deno-lint-ignore no-explicit-any
  actual: Record<PropertyKey, any>,
  expected: Record<PropertyKey, unknown>,
  msg?: string,
): void {
  const common = pick(actual, expected);
  const wanted = pick(expected, expected);
  if (equal(common, wanted)) return;
  throw new AssertionError(
    `Object does not match${suffix(msg)}${difference(common, wanted)}`,
  );
}

/** Make an assertion that `actual` is an instance of `expectedType`. */
export function assertInstanceOf<T extends AnyConstructor>(
  actual: unknown,
  expectedType: T,
  msg?: string,
): asserts actual is InstanceType<T> {
  if (actual instanceof expectedType) return;
  throw new AssertionError(
    `Expected object to be an instance of "${expectedType.name}" but was ${
      actual instanceof Object ? `"${actual.constructor?.name}"` : show(actual)
    }${suffix(msg)}`,
  );
}

/** Make an assertion that `actual` is greater than `expected`. */
export function assertGreater<T>(actual: T, expected: T, msg?: string): void {
  if (actual > expected) return;
  throw new AssertionError(
    `Expect ${show(actual)} > ${show(expected)}${suffix(msg)}`,
  );
}

/** Make an assertion that `actual` is less than `expected`. */
export function assertLess<T>(actual: T, expected: T, msg?: string): void {
  if (actual < expected) return;
  throw new AssertionError(
    `Expect ${show(actual)} < ${show(expected)}${suffix(msg)}`,
  );
}

/** Executes a function, expecting it to throw. Returns what was thrown. */
export function assertThrows(fn: () => unknown, msg?: string): unknown;
/** Executes a function, expecting it to throw this class of error with this text in its message. */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  ErrorClass: ErrorConstructorOf<E>,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows(fn: () => unknown, ...args: ErrorArgs): unknown {
  const expected = expectedError(args);
  let thrown: unknown;
  try {
    fn();
  } catch (error) {
    thrown = error;
    checkError(error, expected);
    return thrown;
  }
  throw new AssertionError(`Expected function to throw${suffix(expected.msg)}`);
}

/** Executes a function which returns a promise, expecting it to reject. Returns the reason. */
export function assertRejects(
  fn: () => PromiseLike<unknown>,
  msg?: string,
): Promise<unknown>;
/** Executes a function, expecting it to reject with this class of error and this text in it. */
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: ErrorConstructorOf<E>,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects(
  fn: () => PromiseLike<unknown>,
  ...args: ErrorArgs
): Promise<unknown> {
  const expected = expectedError(args);
  let promise: PromiseLike<unknown>;
  try {
    promise = fn();
    if (typeof promise?.then !== "function") {
      throw new TypeError("No promise was returned");
    }
  } catch (cause) {
    throw new AssertionError(
      `Function throws when expected to reject${suffix(expected.msg)}`,
      { cause },
    );
  }
  try {
    await promise;
  } catch (error) {
    checkError(error, expected);
    return error;
  }
  throw new AssertionError(
    `Expected function to reject${suffix(expected.msg)}`,
  );
}

type ErrorArgs = [
  classOrMsg?: ErrorConstructorOf<Error> | string,
  msgIncludes?: string,
  msg?: string,
];

interface ExpectedError {
  ErrorClass?: ErrorConstructorOf<Error>;
  msgIncludes?: string;
  msg?: string;
}

function expectedError(
  [classOrMsg, msgIncludes, msg]: ErrorArgs,
): ExpectedError {
  return typeof classOrMsg === "string"
    ? { msg: classOrMsg }
    : { ErrorClass: classOrMsg, msgIncludes, msg };
}

function checkError(
  error: unknown,
  { ErrorClass, msgIncludes, msg }: ExpectedError,
): void {
  if (ErrorClass === undefined) return;
  if (!(error instanceof Error)) {
    throw new AssertionError(
      `A non-Error object was thrown${suffix(msg)}\n${show(error)}`,
    );
  }
  const { message } = error;
  if (!((error as unknown) instanceof ErrorClass)) {
    throw new AssertionError(
      `Expected error to be instance of "${ErrorClass.name}", but was "${error.constructor.name}"${
        suffix(msg)
      }\n${message}`,
      { cause: error },
    );
  }
  if (msgIncludes !== undefined && !message.includes(msgIncludes)) {
    throw new AssertionError(
      `Expected error message to include ${show(msgIncludes)}, but got ${show(message)}${
        suffix(msg)
      }`,
      { cause: error },
    );
  }
}

/** What of `value` is also asked for by `wanted`, as plain objects. */
function pick(
  value: unknown,
  wanted: unknown,
  within: unknown[] = [],
): unknown {
  if (!isWalkable(value) || !isWalkable(wanted)) return value;
  if (Array.isArray(value) !== Array.isArray(wanted)) return value;
  if (within.includes(wanted)) return "[Circular]";
  const picked: Record<PropertyKey, unknown> = {};
  for (const key of Reflect.ownKeys(wanted)) {
    if (key in value) {
      picked[key] = pick(
        (value as Record<PropertyKey, unknown>)[key],
        (wanted as Record<PropertyKey, unknown>)[key],
        [...within, wanted],
      );
    }
  }
  return picked;
}

function isWalkable(value: unknown): value is object {
  return typeof value === "object" && value !== null &&
    !(value instanceof RegExp || value instanceof Date ||
      value instanceof Map ||
      value instanceof Set || ArrayBuffer.isView(value));
}

function suffix(msg: string | undefined): string {
  return msg ? `: ${msg}` : ".";
}
