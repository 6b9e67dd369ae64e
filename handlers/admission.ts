import type { Pauses } from "../lib/pauses.ts";
import type { Registry } from "../sources/registry.ts";
import type { Connection } from "./caller.ts";
import type { Door } from "./door.ts";
import { Problem } from "./problem.ts";
import { createRateLimit, type RateLimit } from "./rate_limit.ts";

const PAUSED_SECONDS = 60;

/** What the operator lets in at all, whoever vouches for it. */
export interface Admission {
  /**
   * Before anything of a request is read.
   *
   * @throws {Problem} 503 while its source is paused, 403 from an address that
   * is not allowed, 429 when too many have come.
   */
  require(door: Door, from: { address: string; connection: Connection }): void;
  /**
   * Counts a request that has proved itself: nobody else can use up its
   * sender's share.
   *
   * @throws {Problem} 429 when too many have come.
   */
  count(door: Door): void;
}

export function createAdmission(
  { sources, pauses }: { sources: Registry; pauses: Pauses },
): Admission {
  const limits = new Map<string, RateLimit>();

  function limitOf({ name }: Door): RateLimit | undefined {
    const rate = sources.settingsOf(name).rate_limit;
    if (!rate) return undefined;
    let limit = limits.get(name);
    if (!limit) limits.set(name, limit = createRateLimit(rate));
    return limit;
  }

  return {
    require(door, { address, connection }) {
      const { name, source } = door;
      if (pauses.since(name)) {
        throw new Problem(
          503,
          "paused",
          `Webhooks of ${source.label ?? name} are paused here`,
          "Send it again after the seconds in Retry-After",
          { "retry-after": String(PAUSED_SECONDS) },
        );
      }
      if (!connection.isInside && !sources.allows(name, address)) {
        throw new Problem(
          403,
          "address_not_allowed",
          `Webhooks of ${source.label ?? name} are not taken from ${address || "this address"}`,
          "Let the operator add the sender's address to allowed_ips in SOURCES_FILE, or set " +
            "TRUST_PROXY to the number of proxies in between",
        );
      }
      const seconds = limitOf(door)?.wait();
      if (seconds) throw tooMany(door, seconds);
    },
    count(door) {
      const limit = limitOf(door);
      if (limit && !limit.take()) throw tooMany(door, Math.max(1, limit.wait()));
    },
  };
}

function tooMany({ name, source }: Door, seconds: number): Problem {
  return new Problem(
    429,
    "too_many_requests",
    `Too many webhooks of ${source.label ?? name} have come lately`,
    "Send it again after the seconds in Retry-After; the operator sets rate_limit in SOURCES_FILE",
    { "retry-after": String(seconds) },
  );
}
