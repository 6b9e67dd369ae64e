import { fail } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { existsSync, readdirSync } from "node:fs";
import { env } from "node:process";

/** Where Debian's package `libfaketime` puts it, on any machine. */
function findFaketime(): string | undefined {
  if (!existsSync("/usr/lib")) return undefined;
  return readdirSync("/usr/lib")
    .map((machine) => `/usr/lib/${machine}/faketime/libfaketime.so.1`)
    .find((path) => existsSync(path));
}

const library = findFaketime();

/**
 * The variables that give a process a wrong clock: as `+400d`, or as a file says that is read anew
 * each time. What measures how long something takes stays right, as with any machine's clock.
 */
export function wrongClock(shift: string | { file: string }): Record<string, string> {
  return {
    LD_PRELOAD: library!,
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
    ...typeof shift === "string"
      ? { FAKETIME: shift }
      : { FAKETIME_TIMESTAMP_FILE: shift.file, FAKETIME_NO_CACHE: "1" },
  };
}

/** `describe`; where libfaketime is missing the suite is skipped with a line, or fails in CI. */
export function describeWithFaketime(name: string, fn: () => void): void {
  if (library !== undefined) return void describe(name, fn);
  const line = `${name}: needs libfaketime (\`apt-get install libfaketime\`)`;
  if (env.OTTO_TEST_REQUIRE_SERVERS === "1") {
    describe(name, () => it("has what it needs", () => fail(line)));
  } else {
    console.warn(`Skipped ${line}`);
    describe.skip(name, () => {});
  }
}
