import type { Log } from "../../lib/process/log.ts";
import { contentOf, plainRequest } from "../../sources/kit/incoming.ts";
import type { Incoming } from "../../sources/source.ts";
import { hintFor } from "../../sources/diagnosis/fingerprint.ts";

/**
 * Notes on messages whose sender we know by its headers, though not by the name
 * in the URL; the log hears each of them once.
 */
export function createHints(log: Log) {
  /** Each names a source, so that there are never more of them than sources. */
  const told = new Set<string>();
  return (source: string, incoming: Incoming, headers: [name: string, value: string][]) => {
    const { type: webhook_type } = incoming;
    const hint = hintFor(headers, source, () => contentOf(plainRequest(incoming) ?? incoming));
    if (hint && !told.has(hint)) {
      told.add(hint);
      log.warn("webhook.unknown_sender", { webhook_type, hint });
    }
    return hint;
  };
}
