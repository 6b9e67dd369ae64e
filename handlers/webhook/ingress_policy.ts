import { clientPrefix } from "../../lib/ingress/client_prefix.ts";
import type { BucketFull } from "../../lib/ingress/daily_buckets.ts";
import { pauseOf, type Pauses } from "../../lib/ingress/pauses.ts";
import type { TurnedAway } from "../../lib/ingress/turned_away.ts";
import type { UnverifiedBuckets } from "../../lib/ingress/unverified_buckets.ts";
import { labelFor, sourceNameOf } from "../../sources/rules/names.ts";
import { labelOf, type Registry } from "../../sources/rules/registry.ts";
import type { Connection } from "../caller.ts";
import type { SourceGate } from "../../lib/work/verify/source_gate.ts";
import { Problem } from "../problem.ts";
import { createRateLimit, type RateLimit } from "./rate_limit.ts";

/** A pause lasts until a person ends it; a sender that asks once a minute costs nothing. */
const PAUSED_SECONDS = 60;

/** What the operator lets in at all, whoever vouches for it. */
export interface IngressPolicy {
  /**
   * Before anything of a request is read; `type` is as the URL has it.
   *
   * @throws {Problem} 503 while its source is paused, 403 from an address that
   * is not allowed, 429 when too many have come.
   */
  require(
    gate: SourceGate,
    from: { type: string; address: string; connection: Connection },
  ): void;
  /** The same for a greeting, which is answered while its source is paused, too, and is not counted. */
  requireAddress(gate: SourceGate, from: { address: string; connection: Connection }): void;
  /**
   * Counts a request that has proved itself: nobody else can use up its
   * sender's share.
   *
   * @throws {Problem} 429 when too many have come.
   */
  count(gate: SourceGate): void;
  /**
   * Counts a message that nobody vouches for and that came from another machine, so that strangers
   * neither fill the disk nor use up the share of others who cannot sign.
   *
   * @returns what takes it back, where the message could not be kept.
   * @throws {Problem} 429 when its sender's share of the day is used up.
   */
  countUnverified(gate: SourceGate, of: { address: string; bytes: number }): () => void;
}

export function createIngressPolicy(
  { sources, pauses, turnedAway, unverified }: {
    sources: Registry;
    pauses: Pauses;
    turnedAway: TurnedAway;
    /** Left out where strangers cannot send. */
    unverified?: UnverifiedBuckets;
  },
): IngressPolicy {
  const limits = new Map<string, { rate: unknown; limit: RateLimit }>();

  function limitOf({ name }: SourceGate): RateLimit | undefined {
    const rate = sources.settingsOf(name).rate_limit;
    if (!rate) return undefined;
    const known = limits.get(name);
    if (known?.rate === rate) return known.limit;
    const limit = createRateLimit(rate);
    limits.set(name, { rate, limit });
    return limit;
  }

  const requireAddress: IngressPolicy["requireAddress"] = (gate, { address, connection }) => {
    if (connection.isInside || sources.allows(gate.name, address)) return;
    throw new Problem(
      403,
      "address_not_allowed",
      `Webhooks of ${labelOf(gate)} are not taken from ${address || "this address"}`,
      "Let the operator add the sender's address to allowed_ips in SOURCES_FILE, or set " +
        "TRUST_PROXY to the number of proxies in between",
    );
  };

  return {
    require(gate, from) {
      const paused = pauseOf(pauses, sources, from.type);
      if (paused) {
        turnedAway.note(paused.name);
        throw refusePaused(sources, from.type);
      }
      requireAddress(gate, from);
      const seconds = limitOf(gate)?.wait();
      if (seconds) throw tooMany(gate, seconds);
    },
    requireAddress,
    count(gate) {
      const limit = limitOf(gate);
      if (limit && !limit.take()) throw tooMany(gate, Math.max(1, limit.wait()));
    },
    countUnverified(gate, { address, bytes }) {
      if (!unverified) return () => {};
      const sender = { prefix: clientPrefix(address), type: gate.name };
      const full = unverified.take(sender, bytes);
      if (full) throw shareUsedUp(gate, { full, prefix: sender.prefix, unverified });
      return () => unverified.giveBack(sender, bytes);
    },
  };
}

/** What a paused source's sender hears. */
export function refusePaused(sources: Registry, type: string): Problem {
  return new Problem(
    503,
    "paused",
    `Webhooks of ${labelFor(sources, sourceNameOf(sources, type))} are paused here`,
    "Send it again after the seconds in Retry-After",
    { "retry-after": String(PAUSED_SECONDS) },
  );
}

function tooMany(gate: SourceGate, seconds: number): Problem {
  return new Problem(
    429,
    "too_many_requests",
    `Too many webhooks of ${labelOf(gate)} have come lately`,
    "Send it again after the seconds in Retry-After; the operator sets rate_limit in SOURCES_FILE",
    { "retry-after": String(seconds) },
  );
}

/** The sender, or its operator, has to be told what makes it count no more. */
function shareUsedUp(
  gate: SourceGate,
  { full, prefix, unverified }: {
    full: BucketFull;
    prefix: string;
    unverified: Pick<UnverifiedBuckets, "limits" | "secondsLeft">;
  },
): Problem {
  const { messages, bytes } = unverified.limits;
  const secret = gate.source.verify
    ? `sets ${gate.variable}`
    : "gives the sender a secret in SOURCES_FILE";
  return new Problem(
    429,
    "daily_share_used",
    full === "own"
      ? `Of unverified ${labelOf(gate)} webhooks from ${prefix}, no more than ${messages} or ` +
        `${bytes} bytes are taken in a day (UTC)`
      : `All that is taken of unverified webhooks in a day (UTC) is used up for ` +
        `${labelOf(gate)} from ${prefix}`,
    `Send it again after the seconds in Retry-After. What is verified is always taken: the ` +
      `operator ${secret}, or else raises UNVERIFIED_DAILY_MESSAGES or UNVERIFIED_DAILY_BYTES`,
    { "retry-after": String(unverified.secondsLeft()) },
  );
}
