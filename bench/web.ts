import process from "node:process";

/**
 * `main.ts` without its worker: in the embedded size, where both are one process, this is how the
 * accept path is measured alone. Its checkout is BENCH_ROOT.
 */
const root = `file://${process.env.BENCH_ROOT}`;
const { createApp } = await import(`${root}/handlers/mod.ts`);
const { readConfig } = await import(`${root}/lib/config.ts`);
const { createLog } = await import(`${root}/lib/log.ts`);
const { run } = await import(`${root}/lib/run.ts`);
const { serve } = await import(`${root}/lib/serve.ts`);
const { openServices } = await import(`${root}/lib/services.ts`);

await run(async (stop: AbortSignal) => {
  const config = readConfig();
  const log = createLog(config.logLevel);
  await using services = await openServices(config, log, stop);
  const app = createApp({ services, stop });
  const server = await serve({ port: config.port, host: config.host, answer: app.fetch });
  await new Promise((resolve) => stop.addEventListener("abort", resolve));
  await server.close();
}, () => undefined);
