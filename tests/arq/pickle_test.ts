import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import fc from "fast-check";
import { decodePickle } from "../../lib/arq/pickle/decode.ts";
import { encodePickle } from "../../lib/arq/pickle/encode.ts";
import { toJson } from "../../lib/arq/pickle/json.ts";
import {
  PickleError,
  type PickleValue,
  pyError,
  PyFloat,
  PyObject,
  PyTuple,
} from "../../lib/arq/pickle/value.ts";
import { fromHex, notation, readVectors, type Vector } from "./vectors.ts";

const anything = () => true;
const decodeRecords = (bytes: Uint8Array) => decodePickle(bytes, { objects: "records" });

/** The value of a vector, with its abbreviations written out. */
function expected({ name, value }: Vector): unknown {
  if (name === "result-exc-bad-init") return undefined;
  return JSON.parse(JSON.stringify(value), (_key, each) => {
    const [text, count] = each?.$repeat ?? [];
    if (text !== undefined) return text.repeat(count);
    const [pattern, length] = each?.$list_of ?? [];
    if (pattern === undefined) return each;
    return Array.from(
      { length },
      (_, i) => pattern.replace("%05d", String(i).padStart(5, "0")),
    );
  });
}

describe("the pickles that real Python has written", () => {
  for (const vector of readVectors()) {
    if (vector.kind === "reject") {
      it(`${vector.name} is refused`, () => {
        assertThrows(() => decodePickle(fromHex(vector.pickle_hex)), PickleError);
      });
      if (/os-system|cycle|laughs|inst|ext/.test(vector.name)) continue;
      it(`${vector.name} is refused where records are taken, too`, () => {
        assertThrows(() => decodeRecords(fromHex(vector.pickle_hex)), PickleError);
      });
      continue;
    }
    it(`${vector.name} is read as the value that it holds`, () => {
      const value = decodeRecords(fromHex(vector.pickle_hex));
      const wanted = expected(vector);
      if (wanted !== undefined) assertEquals(notation(value), wanted);
    });
    if (!vector.reencode_equal) continue;
    it(`${vector.name} is written with the same bytes`, () => {
      const bytes = fromHex(vector.pickle_hex);
      assertEquals(encodePickle(decodeRecords(bytes), { allow: anything }), bytes);
    });
  }

  it("cover every exception with what was set on it", () => {
    const vector = readVectors().find(({ name }) => name === "result-exc-bad-init")!;
    const result = decodeRecords(fromHex(vector.pickle_hex)) as Map<string, PickleValue>;
    assertEquals(toJson(result.get("r")!), {
      type: "pyworker.BadExc",
      args: ["bad"],
      state: { a: 1, b: 2 },
    });
  });
});

describe("what CPython writes beyond the vectors", () => {
  // Each right side is `pickle.dumps(value, 4).hex()` of CPython 3.11.
  const same: [what: string, value: PickleValue, hex: string][] = [
    ["bytes that it keeps one of", [
      Uint8Array.of(97),
      Uint8Array.of(97),
      new Uint8Array(),
      new Uint8Array(),
    ], "80049510000000000000005d94284301619468014300946802652e"],
    ["a set", new Set([0, 1, 2]), "8004950b000000000000008f94284b004b014b02902e"],
    ["an empty set", new Set(), "80048f942e"],
  ];
  for (const [what, value, hex] of same) {
    it(`is written the same: ${what}`, () => assertEquals(encodePickle(value), fromHex(hex)));
  }

  it("ends a dict of a thousand with an empty batch", () => {
    const dict = new Map(Array.from({ length: 1_000 }, (_, i) => [String(i), null] as const));
    const end = encodePickle(dict).slice(-10);
    assertEquals(end, fromHex("03393939944e7528752e"));
  });

  it("is read: an OrderedDict and a deque", () => {
    const ordered =
      "80049529000000000000008c0b636f6c6c656374696f6e73948c0b4f7264657265644469637494" +
      "93942952948c0161944b01732e";
    assertEquals(toJson(decodeRecords(fromHex(ordered))), { a: 1 });
    const deque = "8004951f000000000000008c0b636f6c6c656374696f6e73948c056465717565949394295294" +
      "4b01612e";
    assertEquals(toJson(decodeRecords(fromHex(deque))), [1]);
  });
});

describe("what is not ours to take", () => {
  it("names no class unless records are asked for, and then as a record only", () => {
    const bytes = encodePickle(pyError("posix.system", "id"), { allow: anything });
    assertThrows(() => decodePickle(bytes), PickleError, "posix.system");
    const record = decodeRecords(bytes);
    assert(record instanceof PyObject);
    assertEquals(record.type.path, "posix.system");
  });

  it("is no object that was not allowed, when writing", () => {
    assertThrows(() => encodePickle(pyError("posix.system", "id")), PickleError, "posix.system");
  });

  it("is neither a lone surrogate nor a date nor a value in itself, when writing", () => {
    const loop: unknown[] = [];
    loop.push(loop);
    for (const value of ["\ud800", new Date(), () => {}, Symbol(), loop, /x/]) {
      assertThrows(() => encodePickle(value as never), PickleError);
    }
  });

  it("is nothing over the budgets", () => {
    const list = encodePickle(Array.from({ length: 100 }, () => 7));
    for (const budget of [{ maxBytes: 50 }, { maxOpcodes: 50 }, { maxExpanded: 500 }]) {
      assertThrows(() => decodePickle(list, budget), PickleError);
    }
    let deep: PickleValue = null;
    for (let i = 0; i < 198; i++) deep = [deep];
    assertEquals(decodePickle(encodePickle(deep)), deep);
    assertThrows(() => encodePickle([[[deep]]]), PickleError);
    assertThrows(() => decodePickle(fromHex("8004" + "5d".repeat(300) + "61".repeat(299) + "2e")));
  });

  it("is no crowd of empty containers, which take more memory than bytes", () => {
    const crowd = (count: number) => fromHex("80045d28" + "7d".repeat(count) + "652e");
    assertThrows(
      () => decodePickle(crowd(600), { maxExpanded: 100_000 }),
      PickleError,
      "containers",
    );
    decodePickle(crowd(400), { maxExpanded: 100_000 });
    assertThrows(() => decodePickle(crowd(300_001)), PickleError, "opcodes");
  });

  it("is no pair of surrogates written as two characters", () => {
    assertThrows(() => decodePickle(fromHex("80048c06eda0bdedb880942e")), PickleError);
  });
});

/** Any value that a pickle of ours may hold. */
const values: fc.Arbitrary<PickleValue> = fc.letrec<{ value: PickleValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.constantFrom(null, true, false),
    fc.maxSafeInteger(),
    fc.bigInt({ min: -(2n ** 90n), max: 2n ** 90n }).map((big) =>
      Number.isSafeInteger(Number(big)) ? Number(big) : big
    ),
    fc.double().map((number) =>
      Number.isSafeInteger(number) && !Object.is(number, -0) ? new PyFloat(number) : number
    ),
    fc.string({ unit: "binary" }),
    fc.string({ unit: "grapheme", maxLength: 2 }),
    fc.uint8Array(),
    fc.array(tie("value")),
    fc.array(tie("value")).map((items) => new PyTuple(items)),
    fc.array(fc.tuple(fc.string({ unit: "binary" }), tie("value"))).map((items) => new Map(items)),
    fc.array(fc.string({ unit: "binary" })).map((items) => new Set<PickleValue>(items)),
  ),
})).value;

describe("for any value", () => {
  it("what was written is read back equal, and written the same again", () => {
    fc.assert(
      fc.property(values, (value) => {
        const bytes = encodePickle(value);
        const back = decodePickle(bytes);
        assertEquals(back, value);
        assertEquals(encodePickle(back), bytes);
      }),
      { numRuns: 500 },
    );
  });
});

describe("for any bytes", () => {
  const seeds = readVectors().filter(({ pickle_hex }) => pickle_hex.length < 2_000)
    .map(({ pickle_hex }) => fromHex(pickle_hex));
  const opcodes = [...new Set(seeds.flatMap((seed) => [...seed]))];
  const programs = fc.array(fc.constantFrom(...opcodes), { maxLength: 200 })
    .map((program) => Uint8Array.of(0x80, 4, ...program, 0x2e));
  const damaged = fc.tuple(
    fc.constantFrom(...seeds),
    fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 8 }),
  ).map(([seed, changes]) => {
    const bytes = seed.slice();
    for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
    return bytes;
  });

  for (const [what, bytes] of [["made of opcodes", programs], ["damaged", damaged]] as const) {
    it(`${what}: read or refused, never anything else`, () => {
      fc.assert(
        fc.property(bytes, (each) => {
          for (const objects of ["refuse", "records"] as const) {
            try {
              const value = decodePickle(each, { objects, maxExpanded: 100_000 });
              JSON.stringify(toJson(value));
            } catch (error) {
              assert(error instanceof PickleError, String(error));
            }
          }
        }),
        { numRuns: 2_000 },
      );
    });
  }
});
