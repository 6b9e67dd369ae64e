import { assert, assertEquals } from "@std/assert";
import { it } from "@std/testing/bdd";
import { existsSync } from "node:fs";
import { env } from "node:process";
import { FAULT_NAMES } from "../../bench/storm/faults.ts";
import { describeStorm, foundSomething } from "../../bench/storm/report.ts";
import { runStorm, type StormSettings } from "../../bench/storm/storm.ts";
import { testFolder } from "../folder.ts";
import { requireOrSkip, RUNTIME } from "../servers/mod.ts";

/** Of these settings `OTTO_STORM_SEED` and `OTTO_STORM_KINDS` (names with commas) are free. */
const SETTINGS: StormSettings = {
  deliveries: 5_000,
  faults: 12,
  seed: env.OTTO_STORM_SEED ?? "otto",
  runtime: RUNTIME,
  kinds: chosenKinds(env.OTTO_STORM_KINDS),
};

function chosenKinds(list: string | undefined) {
  if (!list) return FAULT_NAMES;
  const names = list.split(",").map((name) => name.trim());
  return FAULT_NAMES.filter((name) => names.includes(name));
}

requireOrSkip("PostgreSQL", "Redis")("a storm", () => {
  it("loses and doubles nothing of 5,000 deliveries in 12 faults", async () => {
    await using folder = await testFolder();
    const said: string[] = [];
    const result = await runStorm(SETTINGS, {
      folder: folder.path,
      say: (line) => said.push(line),
      signal: new AbortController().signal,
    });
    assert(result);
    const report = describeStorm(result);
    console.log(report.join("\n"));
    assert(!foundSomething(result), [...report, ...said].join("\n"));
    assertEquals(result.ledger.accounts.size, SETTINGS.deliveries);
    assertEquals(result.ledger.faults.length, SETTINGS.faults);
  });

  it("goes on after it was stopped as if it had not been", async () => {
    await using folder = await testFolder();
    const settings: StormSettings = {
      ...SETTINGS,
      deliveries: 400,
      faults: 2,
      kinds: ["web killed", "redis killed"],
    };
    const stop = new AbortController();
    const first = await runStorm(settings, {
      folder: folder.path,
      // In the middle of a fault, with deliveries on their way.
      say: (line) => line.startsWith("fault 1") && stop.abort(),
      signal: stop.signal,
    });
    assertEquals(first, undefined);
    assert(existsSync(`${folder.path}/ledger.jsonl`));
    const second = await runStorm(settings, {
      folder: folder.path,
      say() {},
      signal: new AbortController().signal,
    });
    assert(second);
    assert(!foundSomething(second), describeStorm(second).join("\n"));
    assertEquals(second.ledger.accounts.size, settings.deliveries);
    assertEquals(second.ledger.faults.length, settings.faults);
  });
});
