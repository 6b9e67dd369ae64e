import { existsSync } from "node:fs";
import process from "node:process";

/**
 * `main.ts` without its worker: in the embedded size, where both are one process, this is how the
 * accept path is measured alone. Its checkout is BENCH_ROOT.
 */
const root = process.env.BENCH_ROOT;
const { createApp } = await import(`file://${root}/handlers/mod.ts`);
const { readConfig } = await importFrom("config", "config.ts");
const { createLog } = await importFrom("process", "log.ts");
const { run } = await importFrom("process", "run.ts");
const { serve } = await importFrom("process", "serve.ts");
const { openServices } = await import(`file://${root}/lib/services.ts`);

/** A module of lib: in its room, or where it stood before there were rooms, so that both compare. */
function importFrom(room: string, file: string) {
  const inRoom = `${root}/lib/${room}/${file}`;
  return import(`file://${existsSync(inRoom) ? inRoom : `${root}/lib/${file}`}`);
}

await run(async (stop: AbortSignal) => {
  const config = readConfig();
  const log = createLog(config.logLevel);
  await using services = await openServices(config, log, stop);
  const app = createApp({ services, stop });
  const server = await serve({ port: config.port, host: config.host, answer: app.fetch });
  await new Promise((resolve) => stop.addEventListener("abort", resolve));
  await server.close();
}, () => undefined);
