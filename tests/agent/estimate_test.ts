import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import {
  billOf,
  estimateInput,
  estimateRequest,
  estimateTokens,
} from "../../lib/agent/budget/estimate.ts";

const step = (input: unknown, output: unknown, text = "Some words") => ({
  tokens: { input, output } as { input: number; output: number },
  text,
  calls: [],
  turns: [],
});
const MOST = { input: 500, output: 400 };

describe("what a step has billed", () => {
  it("is what its provider has counted, even more than was allowed", () => {
    assertEquals(billOf(step(59_000, 10), MOST), { input: 59_000, output: 10, estimated: false });
  });

  it("is estimated where that cannot be", () => {
    const estimate = { input: 500, output: estimateTokens("Some words[]"), estimated: true };
    for (const bad of [0, -5, NaN, 1e300, Infinity, "17", undefined, null]) {
      assertEquals(billOf(step(bad, bad), MOST), estimate, `${bad}`);
    }
  });

  it("is all that it might be where nobody has seen the answer", () => {
    assertEquals(billOf(step(0, 0, ""), MOST), { ...MOST, estimated: true });
  });
});

describe("an estimate", () => {
  it("takes no text for shorter than models do", () => {
    // Some four characters of English are a token, two of a hash, one of Japanese.
    assert(estimateTokens("The quick brown fox jumps over the dog") >= 38 / 4);
    assert(estimateTokens("0123456789abcdef0123456789abcdef01234567") >= 20);
    assert(estimateTokens("今日はいい天気ですね") >= 10);
  });

  it("goes on from what the provider has counted", () => {
    const request = { instructions: "x".repeat(4_000), turns: [], tools: [] };
    const estimated = estimateRequest(request);
    const later = { ...request, turns: [{ role: "user" as const, content: "y".repeat(200) }] };
    const more = estimateRequest(later) - estimated;
    assertEquals(estimateInput(later, { tokens: 1_000, estimated }), 1_000 + more);
    // A provider that counts too little is not believed, and none is to make it more than it is.
    assertEquals(estimateInput(request, { tokens: 1, estimated }), Math.ceil(estimated / 3));
    assertEquals(estimateInput(request, { tokens: 1e6, estimated }), estimated);
  });
});
