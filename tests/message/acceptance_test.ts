import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { type KeptIn, watchAcceptance } from "../../lib/message/acceptance.ts";

/** A watch whose clock stands still, with stores that say this when they are tried. */
function watch(stores: { database?: string; spill?: string } = {}) {
  let at = 1_000;
  const tries = { database: 0, spill: 0 };
  const watched = watchAcceptance({
    tryDatabase: () => {
      tries.database++;
      return Promise.resolve(stores.database);
    },
    trySpill: () => {
      tries.spill++;
      return Promise.resolve(stores.spill);
    },
    now: () => at,
  });
  return {
    tries,
    note: (kept: KeptIn, count = 1) => {
      for (let n = 0; n < count; n++) watched.note(kept, kept === "database" ? undefined : "why");
    },
    pass: (ms: number) => void (at += ms),
    now: () => at,
    judge: async (awaySince?: number) => {
      const { takes, into } = await watched.judge(awaySince);
      return `${takes} into ${into}`;
    },
  };
}

describe("whether messages are taken", () => {
  it("is what became of the last ones, and nothing is written for it", async () => {
    const { note, judge, tries } = watch({ database: "full", spill: "full" });
    note("database");
    assertEquals(await judge(), "all into database");
    note("spill");
    assertEquals(await judge(), "all into spill");
    note("nothing");
    assertEquals(await judge(), "none into spill");
    assertEquals(tries, { database: 0, spill: 0 });
  });

  it("is tried where none came of late, and what was said before is forgotten", async () => {
    const well = watch();
    well.note("nothing");
    well.pass(5_001);
    assertEquals(await well.judge(), "all into database");
    const ill = watch({ database: "read-only", spill: "full" });
    ill.note("database");
    ill.pass(5_001);
    assertEquals(await ill.judge(), "none into spill");
    const half = watch({ database: "read-only" });
    assertEquals(await half.judge(), "all into spill");
  });

  it("is found out by a write as soon as the newest outcome is old, and again as things change", async () => {
    const stores: { database?: string } = {};
    const { note, pass, judge, tries } = watch(stores);
    note("nothing");
    pass(4_999);
    assertEquals(await judge(), "none into spill");
    assertEquals(tries.database, 0);
    // 25 s ago, and nothing since: the store has long been well again.
    pass(20_001);
    assertEquals(await judge(), "all into database");
    assertEquals(tries.database, 1);
    const later = watch({ database: "the disk is full", spill: "full" });
    later.note("database");
    later.pass(25_000);
    assertEquals(await later.judge(), "none into spill");
  });

  it("writes once for many who ask", async () => {
    const { judge, tries } = watch({ database: "read-only" });
    await Promise.all(Array.from({ length: 50 }, () => judge()));
    await judge();
    assertEquals(tries, { database: 1, spill: 1 });
  });

  it("is no for many refused among many taken, and some for few", async () => {
    // A Redis at its maxmemory takes one and refuses the next.
    const mixed = watch();
    for (let n = 0; n < 30; n++) {
      mixed.note("nothing", 2);
      mixed.note("spill");
    }
    assertEquals(await mixed.judge(), "none into spill");
    const few = watch();
    few.note("nothing");
    few.note("database", 100);
    assertEquals(await few.judge(), "some into database");
    few.pass(5_001);
    few.note("database");
    assertEquals(await few.judge(), "all into database");
  });

  it("is no as soon as the last answer was no, however many were taken before", async () => {
    const { note, judge } = watch();
    note("database", 10_000);
    note("nothing");
    assertEquals(await judge(), "none into spill");
  });

  it("does not count what was taken before the database went away, but what was since", async () => {
    const { note, judge, pass, now } = watch({ spill: "full" });
    note("database");
    pass(100);
    const awaySince = now();
    assertEquals(await judge(awaySince), "none into spill");
    pass(100);
    note("database");
    assertEquals(await judge(awaySince), "all into database");
  });
});
