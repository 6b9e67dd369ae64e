import process from "node:process";
import { useAndClose } from "./lib/process/closer.ts";
import { ConfigError, readConfig } from "./lib/config/config.ts";
import { redactorOf } from "./lib/config/secrets_in.ts";
import { openServer } from "./lib/store/server/server.ts";
import { listWorkers } from "./lib/monitor/heartbeat.ts";
import { machineName } from "./lib/process/machine.ts";
import { createLog, errorText, type Log } from "./lib/process/log.ts";
import { Refusal } from "./lib/process/refusal.ts";
import { run } from "./lib/process/run.ts";
import { openServices, serverOptions } from "./lib/services.ts";
import { work } from "./lib/work/work.ts";

const HELP = `Works off messages and tasks, beside a main.ts on the same DATABASE_URL.

  worker.ts          work until SIGTERM
  worker.ts --check  end with 0 if a worker on this machine is alive, else with 1
  worker.ts --help   this text

Settings: see .env.example`;

let log: Log | undefined;

/** The worker process: config → services → work. */
await run(async (signal) => {
  if (process.argv.includes("--help")) return console.log(HELP);
  const config = readConfig();
  log = createLog(config.logLevel, { redact: redactorOf(config) });
  if (config.databaseUrl === undefined) {
    throw new ConfigError(
      "Cannot work without DATABASE_URL: without one, messages are kept inside the web process " +
        "(main.ts), which works by itself. Set DATABASE_URL for both to run workers of their own.",
    );
  }
  if (process.argv.includes("--check")) return await check(config, log);
  await useAndClose(await openServices(config, log, signal), (services) => work(services, signal));
}, () => log);

/** Looks for a fresh heartbeat from this machine, for Docker's health check. */
async function check(config: ReturnType<typeof readConfig>, log: Log): Promise<void> {
  const host = machineName(config.hostName);
  // It asks once, beside a worker that needs its connections.
  const server = openServer({ ...serverOptions(config, log), connections: 1 });
  const workers = await useAndClose(server, listWorkers).catch((error) => {
    throw new Refusal(`Cannot read the heartbeats: ${errorText(error)}`);
  });
  if (workers.some((worker) => worker.alive && worker.host === host)) return;
  throw new Refusal(`No worker on ${host} has been seen for 10 seconds`);
}
