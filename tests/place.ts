import { readConfig } from "../lib/config/config.ts";
import { createLog } from "../lib/process/log.ts";
import { openServices, type Services } from "../lib/services.ts";
import type { Place } from "./queue/contract.ts";

/** The services of one or two processes with these variables. */
export async function openPlace(
  env: Record<string, string>,
  { processes = 2 }: { processes?: number } = {},
): Promise<Place> {
  const stop = new AbortController();
  const config = readConfig({ LOG_LEVEL: "silent", ...env });
  const opened: Services[] = [];
  for (let n = 0; n < processes; n++) {
    opened.push(
      await openServices(config, createLog(config.logLevel), stop.signal),
    );
    await opened[n].ready;
  }
  return {
    processes: [opened[0], opened.at(-1)!],
    async [Symbol.asyncDispose]() {
      stop.abort();
      for (const services of opened) await services[Symbol.asyncDispose]();
    },
  };
}
