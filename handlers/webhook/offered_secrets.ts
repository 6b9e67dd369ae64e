import type { Log } from "../../lib/process/log.ts";
import type { SourceGate } from "../../lib/work/verify/source_gate.ts";
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
  note(gate: SourceGate, offered: OfferedSecret): void;
  /** The latest of a source that this process has heard, the newest first. */
  of(source: string): readonly OfferedSecret[];
}

/**
 * So many are noted, for each source apart: whoever floods one source hides no other's secret,
 * and does not fill the log.
 */
const NOTED = { requests: 20, seconds: 60 };
/** As many as a person can compare. */
const KEPT = 5;
/** Setting up a webhook takes minutes; a secret that nobody took by then is in the log. */
const KEPT_MS = 60 * 60_000;

export function createOfferedSecrets(log: Log): OfferedSecrets {
  const limits = new Map<string, RateLimit>();
  const kept = new Map<string, OfferedSecret[]>();
  const fresh = (name: string) =>
    (kept.get(name) ?? []).filter(({ at }) => Date.now() - at.getTime() < KEPT_MS);
  return {
    note({ name, variable }, offered) {
      let limit = limits.get(name);
      if (!limit) limits.set(name, limit = createRateLimit(NOTED));
      if (!limit.take()) return;
      const others = fresh(name).filter(({ secret }) => secret !== offered.secret);
      kept.set(name, [offered, ...others].slice(0, KEPT));
      log.warn("webhook.secret_offered", {
        webhook_type: name,
        secret: offered.secret,
        client_ip: offered.client_ip,
        hint: `If you set this webhook up just now: set ${variable} to it and start Otto again. ` +
          "If not, somebody else sent it: ignore it",
      });
    },
    of: fresh,
  };
}
