import type { Log } from "../../lib/process/log.ts";
import { hintFor } from "../../sources/diagnosis/fingerprint.ts";

/**
 * Notes on messages whose sender we know by its headers, though not by the name
 * in the URL; the log hears each of them once.
 */
export function createHints(log: Log) {
  /** Each names a source, so that there are never more of them than sources. */
  const told = new Set<string>();
  return (source: string, webhook_type: string, headers: [name: string, value: string][]) => {
    const hint = hintFor(headers, source);
    if (hint && !told.has(hint)) {
      told.add(hint);
      log.warn("webhook.unknown_sender", { webhook_type, hint });
    }
    return hint;
  };
}
