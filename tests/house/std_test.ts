import * as a from "@std/assert";
import { afterAll, afterEach, beforeAll, beforeEach, describe, it } from "@std/testing/bdd";

/** What a failed assertion says; it is an error of its own when the assertion holds. */
function complaint(fn: () => unknown): string {
  try {
    fn();
  } catch (error) {
    if (error instanceof a.AssertionError) {
      // deno-lint-ignore no-control-regex
      return error.message.replace(/\x1b\[\d+m/g, "");
    }
    throw error;
  }
  throw new Error("The assertion held, and should not have");
}

describe("the stand-in for @std/assert", () => {
  class Point {
    x: number;
    constructor(x: number) {
      this.x = x;
    }
  }
  const loop: { self?: unknown } = {};
  loop.self = loop;
  const otherLoop: { self?: unknown } = {};
  otherLoop.self = otherLoop;

  const equal: [what: string, one: unknown, other: unknown][] = [
    ["NaN", NaN, NaN],
    ["0 and -0", 0, -0],
    ["keys in another order", { a: 1, b: [2] }, { b: [2], a: 1 }],
    ["an object without a prototype", Object.create(null), {}],
    ["dates", new Date(5), new Date(5)],
    ["patterns", /a/g, /a/g],
    ["addresses", new URL("http://a/"), new URL("http://a/")],
    ["bytes", new Uint8Array([1, 0]), new Uint8Array([1, 0])],
    ["maps", new Map([["a", { b: 1 }]]), new Map([["a", { b: 1 }]])],
    ["sets of objects", new Set([{ a: 1 }, 2]), new Set([2, { a: 1 }])],
    ["instances", new Point(1), new Point(1)],
    ["symbols as keys", { [Symbol.for("a")]: 1 }, { [Symbol.for("a")]: 1 }],
    ["circles", loop, otherLoop],
  ];
  for (const [what, one, other] of equal) {
    it(`takes as equal: ${what}`, () => {
      a.assertEquals(one, other);
      a.assertThrows(() => a.assertNotEquals(one, other), a.AssertionError);
    });
  }

  const different: [what: string, one: unknown, other: unknown][] = [
    ["a number and its text", [1], ["1"]],
    ["null and undefined", null, undefined],
    ["a missing key and an undefined one", {}, { a: undefined }],
    ["an undefined key and another one", { a: undefined }, { b: undefined }],
    ["an array and an object", [], {}],
    ["a hole and undefined", [, 1], [undefined, 1]],
    ["an instance and a plain object", new Point(1), { x: 1 }],
    ["a subclass of an array", class extends Array {}.from([1]), [1]],
    ["dates", new Date(5), new Date(6)],
    ["patterns by their flags", /a/, /a/i],
    ["addresses", new URL("http://a/"), new URL("http://b/")],
    ["bytes", new Uint8Array([1, 0]), new Uint8Array([1, 1])],
    ["bytes and numbers", new Uint8Array([1]), [1]],
    ["maps", new Map([["a", 1]]), new Map([["a", 2]])],
    ["sets", new Set([1, 2]), new Set([1, 3])],
    ["deep down", { a: [{ b: 1 }] }, { a: [{ b: 2 }] }],
    ["errors by their message", new Error("a"), new Error("b")],
  ];
  for (const [what, one, other] of different) {
    it(`takes as different: ${what}`, () => {
      a.assertNotEquals(one, other);
      a.assertThrows(() => a.assertEquals(one, other), a.AssertionError);
      a.assertThrows(() => a.assertEquals(other, one), a.AssertionError);
    });
  }

  it("shows what differs, line by line", () => {
    const said = complaint(() =>
      a.assertEquals({ same: 1, here: "a" }, { same: 1, here: "b" }, "the row")
    );
    a.assertStringIncludes(said, "Values are not equal: the row");
    a.assertStringIncludes(said, '    {\n-     here: "a",\n+     here: "b",\n');
    a.assertStringIncludes(said, "\n      same: 1,\n    }");
  });

  it("shows which line of a text differs", () => {
    const said = complaint(() => a.assertEquals("one\ntwo\n", "one\ntoo\n"));
    a.assertStringIncludes(said, '    "one\\n"\n-   "two\\n"\n+   "too\\n"');
  });

  it("every assertion can fail", () => {
    const failing: (() => unknown)[] = [
      () => a.assert(0),
      () => a.fail("no"),
      () => a.assertStrictEquals<unknown>({}, {}),
      () => a.assertStrictEquals<number>(0, -0),
      () => a.assertExists(null),
      () => a.assertExists(undefined),
      () => a.assertMatch("abc", /^b/),
      () => a.assertStringIncludes("abc", "d"),
      () => a.assertArrayIncludes([1, 2], [3]),
      () => a.assertObjectMatch({ a: { b: 1 } }, { a: { b: 2 } }),
      () => a.assertObjectMatch({ a: [1, 2] }, { a: [1, 3] }),
      () => a.assertObjectMatch({}, { a: undefined }),
      () => a.assertInstanceOf({}, Date),
      () => a.assertGreater(1, 1),
      () => a.assertLess(1, 1),
      () => a.assertThrows(() => 1),
    ];
    for (const fn of failing) complaint(fn);
  });

  it("every assertion can hold", () => {
    a.assert(1);
    a.assertStrictEquals(NaN, NaN);
    a.assertExists(0);
    const pattern = /b/g;
    a.assertMatch("abc", pattern);
    a.assertMatch("abc", pattern);
    a.assertStringIncludes("abc", "bc");
    a.assertArrayIncludes([{ a: 1 }, 2], [{ a: 1 }]);
    a.assertObjectMatch({ a: { b: 1, c: 2 }, d: [{ e: 1, f: 2 }] }, {
      a: { b: 1 },
      d: [{ e: 1 }],
    });
    a.assertInstanceOf(new Date(), Date);
    a.assertGreater(2, 1);
    a.assertLess(1, 2);
  });

  it("assertThrows and assertRejects look at the class and the text", async () => {
    const boom = () => {
      throw new TypeError("Cannot do it");
    };
    // deno-lint-ignore require-await
    const later = async () => boom();
    a.assertEquals(
      a.assertThrows(boom, TypeError, "not do").message,
      "Cannot do it",
    );
    a.assertInstanceOf(await a.assertRejects(later, TypeError), TypeError);
    complaint(() => a.assertThrows(boom, RangeError));
    complaint(() => a.assertThrows(boom, TypeError, "something else"));
    await a.assertRejects(
      () => a.assertRejects(later, TypeError, "something else"),
      a.AssertionError,
    );
    await a.assertRejects(
      () => a.assertRejects(() => Promise.resolve()),
      a.AssertionError,
      "Expected function to reject",
    );
    await a.assertRejects(
      () => a.assertRejects(boom as () => never),
      a.AssertionError,
      "Function throws",
    );
  });
});

describe("the stand-in for @std/testing/bdd", () => {
  const order: string[] = [];
  describe("a suite", () => {
    beforeAll(() => void order.push("beforeAll"));
    afterAll(() => void order.push("afterAll"));
    beforeEach(() => void order.push("beforeEach"));
    afterEach(() => void order.push("afterEach"));
    it("one", () => void order.push("one"));
    it.skip("skipped", () => a.fail("A skipped case ran"));
    it("ignored", { ignore: true }, () => a.fail("An ignored case ran"));
    describe("within", () => {
      beforeEach(() => void order.push("inner beforeEach"));
      afterEach(() => void order.push("inner afterEach"));
      it("two", async (t) => {
        a.assertEquals(t.name, "two");
        await t.step("a sub-step", () => void order.push("two"));
      });
    });
    describe.skip("a skipped suite", () => {
      beforeAll(() => a.fail("A hook of a skipped suite ran"));
      it("three", () => a.fail("A case of a skipped suite ran"));
    });
  });
  it("runs hooks and cases in order", () => {
    a.assertEquals(order, [
      "beforeAll",
      ...["beforeEach", "one", "afterEach"],
      ...["beforeEach", "inner beforeEach"],
      "two",
      ...["inner afterEach", "afterEach"],
      "afterAll",
    ]);
  });
  it("refuses new cases once running", () => {
    a.assertThrows(() => it("late", () => {}), Error, "Cannot register");
  });
});

describe("a focused case", () => {
  it("hides its neighbours", () => a.fail("A neighbour ran"));
  it.only("runs", () => {});
});

describe("tests/deno.json", () => {
  it("repeats the packages of deno.json, and adds its own", () => {
    const [root, tests] = ["../../deno.json", "../deno.json"].map((name) =>
      JSON.parse(Deno.readTextFileSync(new URL(name, import.meta.url)))
    );
    a.assertObjectMatch(tests.imports, root.imports);
  });
});
