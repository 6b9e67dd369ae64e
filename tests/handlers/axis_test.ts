import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { createAxis } from "../../handlers/views/task/axis.ts";

const HOUR = 3_600_000;
const isNear = (one: number, other: number) => Math.abs(one - other) < 0.001;

describe("the time axis of a waterfall", () => {
  it("leaves out the hours in which nobody worked", () => {
    const axis = createAxis(
      [{ from: 1_000, to: 3_000 }, { from: 3_000 + 5 * HOUR, to: 5_000 + 5 * HOUR }],
      { from: 1_000, to: 5_000 + 5 * HOUR },
    );
    assertEquals([axis.worked, axis.cut], [4_000, 5 * HOUR]);
    assertEquals(axis.isCut(3_000, 3_000 + 5 * HOUR), true);
    assertEquals(axis.isCut(1_000, 3_000), false);
    // Two halves of work, and a mark between them.
    assertEquals(axis.at(1_000), 0);
    assert(isNear(axis.at(3_000), 0.5 / 1.08));
    assert(isNear(axis.at(3_000 + 5 * HOUR), 0.58 / 1.08));
    assertEquals(axis.at(5_000 + 5 * HOUR), 1);
  });

  it("keeps a short wait as long as it was, and knows no work at all", () => {
    const short = createAxis([{ from: 400, to: 1_000 }], { from: 0, to: 1_000 });
    assertEquals([short.cut, short.at(400)], [0, 0.4]);
    const none = createAxis([], { from: 0, to: HOUR });
    assertEquals([none.cut, none.at(0), none.at(HOUR)], [HOUR, 0, 1]);
    assertEquals(createAxis([], { from: 7, to: 7 }).at(7), 0);
  });

  it("goes forward with the time, however many waits are cut out", () => {
    const work = Array.from({ length: 50 }, (_, at) => ({ from: at * HOUR, to: at * HOUR + 500 }));
    const axis = createAxis(work, { from: 0, to: 50 * HOUR });
    let before = -1;
    for (let time = 0; time <= 50 * HOUR; time += HOUR / 7) {
      const at = axis.at(time);
      assertEquals(at >= before && at <= 1, true);
      before = at;
    }
  });
});
