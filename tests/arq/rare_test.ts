import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { readFileSync } from "node:fs";
import { type Json, toJson } from "../../lib/arq/pickle/json.ts";
import { PickleError, type PickleValue, pyError, PyTuple } from "../../lib/arq/pickle/value.ts";
import { type JobOutcome, readOutcome } from "../../lib/arq/wire.ts";
import { fromHex } from "./vectors.ts";

/** Results that CPython 3.11 has written; zones of pytz and dateutil by classes that pickle as theirs do. */
const rare: Record<string, Uint8Array> = Object.fromEntries(
  (JSON.parse(
    readFileSync(new URL("../vectors/arq-rare.json", import.meta.url), "utf8"),
  ) as { name: string; pickle_hex: string }[])
    .map(({ name, pickle_hex }) => [name, fromHex(pickle_hex)]),
);

const read = (name: string): JobOutcome => readOutcome(rare[name], { whole: true });
function jsonOf(name: string): Json {
  const outcome = read(name);
  assert("value" in outcome, name);
  return toJson(outcome.value);
}

describe("a result of a kind that is rare", () => {
  const shown: [name: string, json: Json][] = [
    ["zoneinfo", "2026-07-01T12:30:00[Europe/Berlin]"],
    ["pytz", "2026-07-01T12:30:00+02:00[Europe/Berlin]"],
    ["dateutil", "2026-07-01T12:30:00[Europe/Berlin]"],
    ["tzlocal", "2026-07-01T12:30:00[dateutil.tz.tz.tzlocal]"],
    ["frozenset", { '["a"]': 1, s: [[2]] }],
    ["newobj_ex", { type: "shapes.Point", args: [], kwargs: { x: 3 } }],
    ["nul", { "a\0b": 1 }],
  ];
  for (const [name, json] of shown) {
    it(`is shown: ${name}`, () => assertEquals(jsonOf(name), json));
  }

  for (const [name, why] of [["deep", "deep"], ["loop", "itself"], ["long", "integer"]]) {
    it(`has ended well although its value cannot be read: ${name}`, () => {
      const outcome = read(name);
      assertEquals([outcome.success, outcome.tries], [true, 1]);
      assertStringIncludes("problem" in outcome ? outcome.problem : "", why);
    });
  }

  it("tells how it ended by its first bytes alone, but not when it was cut off by accident", () => {
    const cut = rare.rows.subarray(0, 2_000);
    assertEquals(readOutcome(cut, { whole: false }).success, true);
    assertThrows(() => readOutcome(cut, { whole: true }), PickleError);
  });
});

describe("a value that is small as a pickle and large as JSON", () => {
  const text = "x".repeat(60_000);
  const large: [what: string, value: () => PickleValue][] = [
    ["objects that are keys in one another, thirty deep", () => valueOf("keys")],
    ["one long row in another row, deep", () => valueOf("rows")],
    ["one text a thousand times", () => Array.from({ length: 1_000 }, () => text)],
    ["one key a thousand times", () => Array.from({ length: 1_000 }, () => new Map([[text, 1]]))],
    ["an exception in another", () => pyError("x.Y", ...Array.from({ length: 1_000 }, () => text))],
  ];
  function valueOf(name: string): PickleValue {
    const outcome = read(name);
    assert("value" in outcome);
    return outcome.value;
  }
  for (const [what, value] of large) {
    it(`is not written out: ${what}`, () => {
      assertThrows(() => toJson(value()), PickleError, "as JSON");
    });
  }

  it("is written out while it stays within bounds", () => {
    const pair = new PyTuple(["a", 1]);
    assertEquals(toJson(new Map([[pair, [text, text]]])), { '["a",1]': [text, text] });
  });
});
