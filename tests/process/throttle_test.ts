import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { createThrottle } from "../../lib/process/throttle.ts";

/** A throttle on a clock of the test's, and what was said through it. */
function build() {
  const said: [kind: string, unsaid: number][] = [];
  const clock = { now: 5_000 };
  const throttle = createThrottle(1_000, () => clock.now);
  return {
    said,
    wait: (ms: number) => void (clock.now += ms),
    say: (kind: string) => throttle((unsaid) => said.push([kind, unsaid]), kind),
  };
}

describe("a throttle of log lines", () => {
  it("says the first at once, and next how many it has left out", () => {
    const { said, say, wait } = build();
    for (let count = 0; count < 5; count++) say("away");
    assertEquals(said, [["away", 0]]);
    wait(999);
    say("away");
    assertEquals(said.length, 1);
    wait(1);
    say("away");
    assertEquals(said, [["away", 0], ["away", 5]]);
    wait(1_000);
    say("away");
    assertEquals(said.at(-1), ["away", 0]);
  });

  it("lets no kind silence another", () => {
    const { said, say } = build();
    say("away");
    say("busy");
    say("away");
    assertEquals(said, [["away", 0], ["busy", 0]]);
  });
});
