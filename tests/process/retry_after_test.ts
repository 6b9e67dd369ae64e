import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { clockOf, retryAfterIn } from "../../lib/process/retry_after.ts";

/** Of RFC 9110 §5.6.7: one moment as HTTP's three kinds of dates. */
const DATE = "Sun, 06 Nov 1994 08:49:37 GMT";
const MOMENT = Date.parse(DATE);
const IN_TWO_MINUTES = new Date(MOMENT + 120_000).toUTCString();
const EPOCH = "1700000000";

describe("a server's wish to be left alone", () => {
  const said: [retryAfter: string, seconds: number | undefined, date?: string][] = [
    // The two that RFC 9110 §10.2.3 has.
    ["120", 120],
    ["0", 0],
    [" 120 ", 120],
    [IN_TWO_MINUTES, 120],
    ["Sunday, 06-Nov-94 08:51:37 GMT", 120],
    ["Sun Nov  6 08:51:37 1994", 120],
    [IN_TWO_MINUTES, 120, "Sunday, 06-Nov-94 08:49:37 GMT"],
    [IN_TWO_MINUTES, 120, "Sun Nov  6 08:49:37 1994"],
    ["Sun, 06 Nov 1994 08:00:00 GMT", 0],
    // And what else is met.
    ["5.5", 5.5],
    ["1994-11-06T08:51:37Z", 120],
    [String(Number(EPOCH) + 120), 120, new Date(Number(EPOCH) * 1_000).toUTCString()],
    [`${Number(EPOCH) + 120}000`, 120, new Date(Number(EPOCH) * 1_000).toUTCString()],
    ["120, 60", 120],
    ["999999", 999_999],
    ["", undefined],
    ["-5", undefined],
    ["soon", undefined],
    ["May", undefined],
    ["5.5.5", undefined],
    ["1e3", undefined],
    ["0x10", undefined],
    ["Infinity", undefined],
    ["9".repeat(400), undefined],
    ["Sun, 99 Nov 1994 08:49:37 GMT", undefined],
  ];
  for (const [retryAfter, seconds, date = DATE] of said) {
    it(`is ${seconds} s for "${retryAfter.slice(0, 40)}" at ${date}`, () => {
      assertEquals(retryAfterIn(new Headers({ "retry-after": retryAfter, date })), seconds);
    });
  }

  it("is none where it says none, and by our clock where it shows none of its own", () => {
    assertEquals(retryAfterIn(new Headers()), undefined);
    for (const date of ["", "now", "5.5"]) {
      assert(Math.abs(clockOf(new Headers({ date })) - Date.now()) < 60_000, date);
    }
  });
});
