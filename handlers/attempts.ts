import type { Log } from "../lib/process/log.ts";
import { Problem } from "./problem.ts";

/** A person mistypes a few times; a guesser would need years at this pace. */
const MOST_FAILURES = 10;
const WINDOW_MS = 60_000;
/** About a megabyte of addresses. */
const MOST_ADDRESSES = 10_000;

/** Counts failed proofs of who somebody is: whoever guesses is told less and less often that it was wrong. */
export interface Attempts {
  /** @throws {Problem} 429 when the address has failed too often lately. */
  require(address: string): void;
  /** Whether it is the first one of the address in a while. */
  failed(address: string): boolean;
}

/** At most ten failures a minute from one address; the first of them all is logged. */
export function createAttempts(log: Log): Attempts {
  const failures = new Map<string, { count: number; until: number }>();
  return {
    require(address) {
      const found = failures.get(address);
      const leftMs = (found?.until ?? 0) - performance.now();
      if (!found || leftMs <= 0 || found.count < MOST_FAILURES) return;
      throw new Problem(
        429,
        "too_many_attempts",
        "Too many wrong tokens came from this address",
        "Try again after the seconds in Retry-After",
        { "retry-after": String(Math.ceil(leftMs / 1_000)) },
      );
    },
    failed(address) {
      const now = performance.now();
      const found = failures.get(address);
      if (found && found.until > now) {
        found.count++;
        return false;
      }
      log.warn("sign_in.failed", { address });
      // The oldest goes: a map that anyone can fill must have an end.
      if (failures.size >= MOST_ADDRESSES) failures.delete(failures.keys().next().value!);
      failures.set(address, { count: 1, until: now + WINDOW_MS });
      return true;
    },
  };
}
