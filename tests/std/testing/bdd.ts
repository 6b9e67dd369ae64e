/**
 * A stand-in for `@std/testing/bdd`: the part of it that our tests use, with the same
 * names and meanings, over `Deno.test` and `t.step`.
 * It is always used, through `links` in `tests/deno.json`, because not everybody who builds Otto
 * can reach JSR; `tests/std/README.md` has the way to the real package.
 *
 * Left out: `this` contexts, the flat style (`describe` returning a suite), hooks outside a
 * `describe`, and the `permissions` of a single case.
 *
 * @module
 */

/** What a test case does; `t.step` makes sub-steps. */
export type TestFunction = (t: Deno.TestContext) => void | Promise<void>;

/** What a hook does. */
export type Hook = () => void | Promise<void>;

/** The options of a test case or a suite. */
export type Options = Pick<
  Deno.TestDefinition,
  "ignore" | "only" | "sanitizeExit" | "sanitizeOps" | "sanitizeResources"
>;

/** A test case in one object. */
export interface ItDefinition extends Options {
  name: string;
  fn: TestFunction;
}

/** A suite in one object. */
export interface DescribeDefinition extends Options {
  name: string;
  fn?: () => void;
}

/** The arguments of {@linkcode it}. */
export type ItArgs =
  | [options: ItDefinition]
  | [name: string, fn: TestFunction]
  | [name: string, options: Options, fn: TestFunction];

/** The arguments of {@linkcode describe}. */
export type DescribeArgs =
  | [options: DescribeDefinition]
  | [name: string, fn: () => void | undefined]
  | [name: string, options: Options, fn: () => void | undefined];

type HookName = "beforeAll" | "afterAll" | "beforeEach" | "afterEach";

interface Suite extends Options {
  name: string;
  parent: Suite | undefined;
  steps: (ItDefinition | Suite)[];
  hooks: Record<HookName, Hook[]>;
}

let current: Suite | undefined;
let running = 0;

/**
 * Registers a test suite. Within another suite it becomes a step of it.
 *
 * @example Usage
 * ```ts ignore
 * describe("example", () => {
 *   it("should pass", () => {
 *     assertEquals(2 + 2, 4);
 *   });
 * });
 * ```
 */
export function describe(...args: DescribeArgs): void {
  register((parent) => {
    const { fn, ...options } = definition(args);
    const suite: Suite = {
      ...options,
      parent,
      steps: [],
      hooks: { beforeAll: [], afterAll: [], beforeEach: [], afterEach: [] },
    };
    current = suite;
    try {
      if (fn?.() as unknown) {
        throw new Error(
          `Cannot define "${suite.name}" asynchronously: its function returned a promise`,
        );
      }
    } finally {
      current = parent;
    }
    if (parent) parent.steps.push(suite);
    else {Deno.test({
        ...options,
        fn: (t) => guarded(() => runSuite(suite, t)),
      });}
  });
}

/** Only this suite. At the top level of a file, the others are not run and the run fails. */
describe.only = function describeOnly(...args: DescribeArgs): void {
  describe({ ...definition(args), only: true });
};

/** Registers a suite that is not run. */
describe.ignore = function describeIgnore(...args: DescribeArgs): void {
  describe({ ...definition(args), ignore: true });
};

/** Alias of `describe.ignore()`. */
describe.skip = function describeSkip(...args: DescribeArgs): void {
  describe.ignore(...args);
};

/**
 * Registers an individual test case.
 *
 * @example Usage
 * ```ts ignore
 * it("should pass", () => {
 *   assertEquals(2 + 2, 4);
 * });
 * ```
 */
export function it(...args: ItArgs): void {
  register((parent) => {
    const { fn, ...options } = definition(args);
    if (fn === undefined) {
      throw new TypeError(
        `Cannot register "${options.name}" without a function`,
      );
    }
    if (parent) parent.steps.push({ ...options, fn });
    else Deno.test({ ...options, fn: (t) => guarded(() => fn(t)) });
  });
}

/** Only this case of its suite; outside a suite, only this case of the run, which then fails. */
it.only = function itOnly(...args: ItArgs): void {
  it({ ...definition(args) as ItDefinition, only: true });
};

/** Registers a test case that is not run. */
it.ignore = function itIgnore(...args: ItArgs): void {
  it({ ...definition(args) as ItDefinition, ignore: true });
};

/** Alias of `it.ignore()`. */
it.skip = function itSkip(...args: ItArgs): void {
  it.ignore(...args);
};

/** Alias of {@linkcode it}. */
export const test = it;

/** Runs once before all of the tests in the suite. */
export function beforeAll(fn: Hook): void {
  addHook("beforeAll", fn);
}

/** Runs once after all of the tests in the suite, whether or not they passed. */
export function afterAll(fn: Hook): void {
  addHook("afterAll", fn);
}

/** Runs before each test case of the suite and of the suites in it. */
export function beforeEach(fn: Hook): void {
  addHook("beforeEach", fn);
}

/** Runs after each test case of the suite and of the suites in it, whether or not it passed. */
export function afterEach(fn: Hook): void {
  addHook("afterEach", fn);
}

/** The one shape of the three ways to call `describe` and `it`. */
function definition<F>(
  args:
    | [Options & { name: string; fn?: F }]
    | [string, F]
    | [string, Options, F],
): Options & { name: string; fn?: F } {
  if (args.length === 1) return args[0];
  if (args.length === 2) return { name: args[0], fn: args[1] };
  return { ...args[1], name: args[0], fn: args[2] };
}

function register(add: (parent: Suite | undefined) => void): void {
  if (running > 0) {
    throw new Error(
      "Cannot register new test cases after already registered test cases start running",
    );
  }
  add(current);
}

function addHook(name: HookName, fn: Hook): void {
  if (current === undefined) {
    throw new Error(
      `Cannot call ${name} outside a describe (this stand-in has no global suite)`,
    );
  }
  current.hooks[name].push(fn);
}

async function guarded(run: () => void | Promise<void>): Promise<void> {
  running++;
  try {
    await run();
  } finally {
    running--;
  }
}

async function runSuite(suite: Suite, t: Deno.TestContext): Promise<void> {
  const focused = suite.steps.some(isFocused);
  try {
    for (const hook of suite.hooks.beforeAll) await hook();
    for (const step of suite.steps) {
      const { name, sanitizeExit, sanitizeOps, sanitizeResources } = step;
      const ignore = step.ignore || (focused && !isFocused(step));
      await t.step({
        name,
        ignore,
        sanitizeExit,
        sanitizeOps,
        sanitizeResources,
        fn: (t) => "steps" in step ? runSuite(step, t) : runCase(step, suite, t),
      });
    }
  } finally {
    await runAll(suite.hooks.afterAll);
  }
}

async function runCase(
  { fn }: ItDefinition,
  suite: Suite,
  t: Deno.TestContext,
): Promise<void> {
  const suites: Suite[] = [];
  for (let at: Suite | undefined = suite; at; at = at.parent) {
    suites.unshift(at);
  }
  try {
    for (const { hooks } of suites) {
      for (const hook of hooks.beforeEach) await hook();
    }
    await fn(t);
  } finally {
    await runAll(suites.reverse().flatMap(({ hooks }) => hooks.afterEach));
  }
}

/** One that fails must not keep the others from tidying up. */
async function runAll(hooks: Hook[]): Promise<void> {
  const errors: unknown[] = [];
  for (const hook of hooks) {
    try {
      await hook();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) {
    throw new AggregateError(errors, "Several hooks failed");
  }
}

function isFocused(step: ItDefinition | Suite): boolean {
  return Boolean(step.only) || ("steps" in step && step.steps.some(isFocused));
}
