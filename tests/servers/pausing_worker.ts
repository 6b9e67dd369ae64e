/** What `worker.ts` does, with an agent that takes so many milliseconds for each task. */
import process from "node:process";
import { readConfig } from "../../lib/config/config.ts";
import { createLog } from "../../lib/process/log.ts";
import { openServices } from "../../lib/services.ts";
import { work } from "../../lib/work/work.ts";

const PAUSE_MS = Number(process.argv[2] ?? "300");
const stop = new AbortController();
const config = readConfig();
const services = await openServices(
  config,
  createLog(config.logLevel),
  stop.signal,
);
await work({
  ...services,
  agent: {
    name: "pausing",
    run: async ({ title }) => {
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      return {
        status: "completed" as const,
        text: `otto did ${title}`,
        data: null,
      };
    },
  },
}, stop.signal);
