import type { Log } from "../../lib/process/log.ts";
import type { SourceGate } from "./source_gate.ts";
import { createRateLimit, type RateLimit } from "./rate_limit.ts";

/** A secret that came with a handshake, and from where. */
export interface OfferedSecret {
  secret: string;
  client_ip: string;
  at: Date;
}

/**
 * Secrets that senders bring along when their webhook is set up. They are for the
 * operator to take or leave: whoever can reach the URL could send one.
 */
export interface OfferedSecrets {
  note(gate: SourceGate, offer: OfferedSecret): void;
  /** The latest of a source that this process has heard, the newest first. */
  of(source: string): readonly OfferedSecret[];
}

/** So many are told of, for each source: whoever floods one hides no other's, and a log has an end. */
const TOLD = { requests: 20, seconds: 60 };
const KEPT = 5;
const KEPT_MS = 60 * 60_000;

export function createOfferedSecrets(log: Log): OfferedSecrets {
  const limits = new Map<string, RateLimit>();
  const kept = new Map<string, OfferedSecret[]>();
  const fresh = (name: string) =>
    (kept.get(name) ?? []).filter(({ at }) => Date.now() - at.getTime() < KEPT_MS);
  return {
    note({ name, variable }, offer) {
      let limit = limits.get(name);
      if (!limit) limits.set(name, limit = createRateLimit(TOLD));
      if (!limit.take()) return;
      const others = fresh(name).filter(({ secret }) => secret !== offer.secret);
      kept.set(name, [offer, ...others].slice(0, KEPT));
      log.warn("webhook.secret_offered", {
        webhook_type: name,
        secret: offer.secret,
        client_ip: offer.client_ip,
        hint: `If you set this webhook up just now: set ${variable} to it and start Otto again. ` +
          "If not, somebody else sent it: ignore it",
      });
    },
    of: fresh,
  };
}
