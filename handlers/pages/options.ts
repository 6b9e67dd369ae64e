import type { Live } from "../../lib/live/live.ts";
import type { Pauses } from "../../lib/ingress/pauses.ts";
import type { Services } from "../../lib/services.ts";
import type { Stats } from "../../lib/monitor/stats/stats.ts";
import type { Redeliverer } from "../../lib/work/verify/redeliver.ts";
import type { Verifier } from "../../lib/work/verify/verifier.ts";
import type { SourceInfos } from "../../lib/monitor/sources.ts";
import type { OfferedSecrets } from "../webhook/offered_secrets.ts";

/** What the pages are made of. */
export interface PageOptions {
  services: Services;
  live: Live;
  readStats(): Promise<Stats>;
  redeliverer: Redeliverer;
  verifier: Verifier;
  pauses: Pauses;
  offeredSecrets: OfferedSecrets;
  sourceInfos: SourceInfos;
  /** Ends the streams. */
  stop: AbortSignal;
  /** Runs `POST /webhook/{type}` as if a sender had called it. */
  receive(request: Request): Promise<Response>;
}
