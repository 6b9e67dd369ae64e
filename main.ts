import process from "node:process";
import { createApp } from "./handlers/mod.ts";
import { recordAct } from "./lib/people/audit.ts";
import { CODE_MINUTES, openAdmin } from "./lib/people/admin.ts";
import { type Config, ConfigError, readConfig } from "./lib/config/config.ts";
import { redactorOf } from "./lib/config/secrets_in.ts";
import { useAndClose } from "./lib/process/closer.ts";
import { pause, untilAborted } from "./lib/async/deadline.ts";
import { confirmClock, watchClock } from "./lib/monitor/clock.ts";
import { createLog, type Log } from "./lib/process/log.ts";
import { Refusal } from "./lib/process/refusal.ts";
import { run } from "./lib/process/run.ts";
import { serve } from "./lib/process/serve.ts";
import { openServices, serverOptions, type Services } from "./lib/services.ts";
import type { Database } from "./lib/store/database.ts";
import { openEmbedded } from "./lib/store/embedded/embedded.ts";
import { migrateNow } from "./lib/store/schema/migrate_now.ts";
import { openServer } from "./lib/store/server/server.ts";
import { describeStart } from "./lib/config/start.ts";
import { keepSaying } from "./lib/work/needs.ts";
import { work } from "./lib/work/work.ts";

const HELP = `Serves Otto: webhooks, web UI and API.

  main.ts                  serve until SIGTERM (without DATABASE_URL: and work)
  main.ts --new-link       make a link that signs the admin in once, and end; sessions go on
  main.ts --new-token      make a new admin token in place of a lost one, and end: sessions end, too
  main.ts --migrate        bring the database's schema up to date, and end
  main.ts --confirm-clock  say that the machine's clock is right now, and end: after it was
                           wrong, the embedded size deletes nothing old until then
  main.ts --help           this text

Settings: see .env.example`;

/** How long a store is waited for before listening: most are there by then, and others may be away for hours. */
const PATIENCE_MS = 2_000;

let log: Log | undefined;

/** The web process: config → services → app → serve. In the embedded size it works, too. */
await run(async (signal) => {
  if (process.argv.includes("--help")) return console.log(HELP);
  const config = readConfig();
  log = createLog(config.logLevel, { redact: redactorOf(config) });
  if (process.argv.includes("--new-link")) {
    return await useAndClose(await openServices(config, log, signal), makeLink);
  }
  if (process.argv.includes("--new-token")) {
    return await useAndClose(await openServices(config, log, signal), replaceToken);
  }
  if (process.argv.includes("--confirm-clock")) {
    return await useAndClose(await openServices(config, log, signal), trustClock);
  }
  if (process.argv.includes("--migrate")) return await migrateOnly(config, log, signal);
  if (config.denoDeploy) {
    throw new ConfigError(
      "Cannot serve on Deno Deploy with main.ts: nobody would work there once a request is " +
        "answered. Make deploy.ts the app's entrypoint, as deno.json has it.",
    );
  }
  await useAndClose(
    await openServices(config, log, signal),
    (services) => serveAll(services, signal),
  );
}, () => log);

/** For hosts whose processes start too often to do it, and live too short: in front of a deploy. */
async function migrateOnly(config: Config, log: Log, signal: AbortSignal): Promise<void> {
  const server = config.databaseUrl === undefined
    ? undefined
    : openServer(serverOptions(config, log));
  const version = await useAndClose(
    server ?? await openEmbedded(config.dataDir),
    (database) => migrateNow({ database, server, log, signal }),
  );
  console.log(`The database's schema is at migration ${version}`);
}

/** For whoever cannot sign in any more, or wants to on another device. */
async function makeLink({ config, database, ready }: Services): Promise<void> {
  await ready;
  const admin = openAdmin(config, database);
  // The first one may sign in before Otto has ever served.
  await admin.makeToken();
  const code = await record(database, "link", () => admin.makeCode());
  console.log(signInLink(config, code));
}

function signInLink({ publicUrl, port }: Pick<Config, "publicUrl" | "port">, code: string): string {
  return `Sign in once, within ${CODE_MINUTES} minutes: ${
    publicUrl ?? `http://localhost:${port}`
  }/sign-in?code=${code}`;
}

/** For whoever has lost the token. */
async function replaceToken({ config, database, ready }: Services): Promise<void> {
  if (config.adminToken !== undefined) {
    throw new Refusal("Cannot make an admin token: ADMIN_TOKEN is set. Change or unset that one.");
  }
  await ready;
  const token = await record(database, "token", openAdmin(config, database).replaceToken);
  console.log(
    `The new admin token, it is not shown again; the old one and all sessions have ended:\n  ${token}`,
  );
}

/** Makes something to sign in with, and has the audit log say so. */
async function record(
  database: Database,
  thing: string,
  make: () => Promise<string>,
): Promise<string> {
  const actor = {
    who: "whoever has the command line",
    proof: "command",
    channel: "command",
  } as const;
  const work = async () => ({ result: await make(), outcome: "done" as const });
  return await recordAct(database, { actor, act: "create", thing }, work);
}

/** For whoever has seen in health that the clock was taken for wrong. */
async function trustClock({ database }: Services): Promise<void> {
  const now = await confirmClock(database);
  console.log(`The clock counts from now on: ${now.toISOString()}. Start Otto as usual.`);
}

async function serveAll(services: Services, signal: AbortSignal): Promise<void> {
  const { config, log, sources } = services;
  const app = createApp({ services, stop: signal });
  const stopped = untilAborted(signal);
  // A store that is down is no reason not to listen, but the first message should find it open;
  // and one that will never let us in is a reason.
  const patience = Promise.all([services.reached, pause(PATIENCE_MS)]);
  await Promise.race([services.ready, patience, stopped]);
  const server = await serve({ port: config.port, host: config.host, answer: app.fetch });
  const saying = keepSaying(services, signal);
  const working = config.worksInline ? work(services, signal) : Promise.resolve();
  // The address is good at once; the link needs the database, which may be away for now.
  console.log(
    await describeStart({ config, port: server.port, sources: sources.all, ruled: sources.ruled }),
  );
  Promise.race([services.ready, stopped]).then(async () => {
    const code = signal.aborted ? undefined : await app.firstCode();
    if (code) console.log(signInLink({ ...config, port: server.port }, code));
  }).catch((error) => log.warn("admin.token_failed", { error }));
  // A worker looks whenever it tidies.
  const watching = config.worksInline ? Promise.resolve() : watchClock(services, signal);
  watching.catch(() => {});
  await Promise.race([stopped, Promise.all([services.ready, working]).then(() => stopped)]);
  await Promise.all([server.close(), working, saying, app.drained]);
}
