import { html } from "hono/html";
import type { SourceInfo, SourceState } from "../../../lib/monitor/sources.ts";
import { status } from "../parts/status.ts";
import { clock } from "../parts/time.ts";

const STATES: Record<SourceState, Parameters<typeof status>> = {
  verified: ["verified", "done", "shield"],
  refused: ["refused", "failed", "shield"],
  refusing: ["refusing", "failed", "shield"],
  unverified: ["unverified", "none", "open"],
};

/** How things are with a source: how far what comes is to be trusted, or why nothing gets in. */
export function stateOf({ state, refusing, pausedSince }: SourceInfo) {
  return html`${status(...STATES[state])}${
    refusing &&
    html`
      <span class="refused-why">since ${clock(refusing.since)}: ${refusing.why}</span>
    `
  } ${
    pausedSince &&
    status("paused", "active", "pause")
  }`;
}
