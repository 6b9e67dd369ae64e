/** What `servers_test.ts` runs where there are no servers: one suite needs one, the other does not. */
import { assert } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { describeWith } from "./mod.ts";

describeWith({ postgres: "own" }, "needs a store", () => {
  it("does not run", () => assert(false, "It ran"));
});

describe("needs nothing", () => {
  it("runs", () => {});
});
