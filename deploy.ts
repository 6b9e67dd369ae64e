/**
 * The whole of Otto for hosts that start a process by a request, such as Deno Deploy: it serves, and
 * works off what it took after each answer, every minute, and on POST /api/drain.
 *
 * The platform learns of the cron by running this file up to the server: nothing that takes time may
 * stand before, and so all else is loaded behind one promise.
 */
Deno.cron("otto-drain", "* * * * *", async () => {
  const { everyMinute } = await isolate;
  await everyMinute();
});

const server = Deno.serve(async (request, { remoteAddr }) => {
  const { answer } = await isolate;
  return await answer(request, {
    address: () => "hostname" in remoteAddr ? remoteAddr.hostname : undefined,
  });
});

/** What this process answers and does each minute, be it that it cannot start. */
interface Isolate {
  answer(request: Request, from: { address(): string | undefined }): Promise<Response>;
  everyMinute(): Promise<void>;
}

/** The platform kills 5 s after SIGINT. Work in hand has 2.5 s of this (lib/work/drainer.ts). */
const STOP_MS = 3_500;
const CLOSE_MS = 800;
/** A database that does not let us in is asked again this soon. */
const RETRY_SECONDS = 10;

const first = Promise.withResolvers<Isolate>();
let isolate = first.promise;

load().catch((error) => {
  console.error(error);
  Deno.exit(1);
});

/** Loads Otto and runs it until the process is to stop. */
async function load(): Promise<void> {
  const loading = [
    import("./lib/config/deploy_config.ts"),
    import("./lib/config/secrets_in.ts"),
    import("./lib/process/log.ts"),
    import("./lib/process/refusal.ts"),
    import("./lib/async/deadline.ts"),
    import("./lib/services.ts"),
    import("./lib/work/drainer.ts"),
    import("./handlers/mod.ts"),
  ] as const;
  const { run } = await import("./lib/process/run.ts");
  let log: ReturnType<typeof createLog> | undefined;
  const [
    { readDeployConfig },
    { redactorOf },
    { createLog },
    { Refusal },
    { pause, untilAborted },
    { openServices },
    { openDrainer },
    { createApp },
  ] = await Promise.all(loading);

  await run(
    async (stop) => {
      while (!stop.aborted) {
        try {
          await serveUntil(stop);
        } catch (error) {
          if (!(error instanceof Refusal)) throw error;
          console.error(error.message);
          const refusing = Promise.resolve(refuse(error));
          first.resolve(refusing);
          isolate = refusing;
          await pause(RETRY_SECONDS * 1_000, stop);
        }
      }
    },
    () => log,
    STOP_MS,
  );

  /** @throws {Refusal} when the settings are wrong, or the database will not let us in. */
  async function serveUntil(stop: AbortSignal): Promise<void> {
    const config = readDeployConfig();
    log = createLog(config.logLevel, { redact: redactorOf(config) });
    const services = await openServices(config, log, stop);
    const over = new AbortController();
    const ends = AbortSignal.any([stop, over.signal]);
    const drainer = openDrainer(services, ends);
    const app = createApp({ services, stop: ends, drainer });
    const serving = Promise.resolve<Isolate>({
      async answer(request, from) {
        const response = await app.fetch(request, from);
        // What came in, and what people do, makes work: it begins when the answer is on its way.
        if (makesWork(request, response)) setTimeout(drainer.ring);
        return response;
      },
      everyMinute: drainer.everyMinute,
    });
    first.resolve(serving);
    isolate = serving;
    try {
      await Promise.race([untilAborted(stop), services.ready.then(() => untilAborted(stop))]);
      if (stop.aborted) await Promise.race([server.shutdown(), pause(CLOSE_MS)]);
    } finally {
      over.abort();
      await drainer.stopped;
      await Promise.race([services[Symbol.asyncDispose](), pause(CLOSE_MS)]);
    }
  }
}

function makesWork({ method, url }: Request, { ok, status, headers }: Response): boolean {
  if (headers.has("x-message-id")) return true;
  const isAct = !["GET", "HEAD", "OPTIONS"].includes(method) && (ok || status === 303);
  return isAct && new URL(url).pathname !== "/api/drain";
}

/** Says why there is no Otto, as far as it is for anyone's eyes: settings by name, never their values. */
function refuse({ name, message }: Error): Isolate {
  // What is wrong in a file is told with its name and the words of the system.
  const isSetting = name === "ConfigError" && !/_FILE|AGENT_CONFIG/.test(message);
  const error = {
    code: isSetting ? "wrong_settings" : "cannot_start",
    message: isSetting ? message : "Otto cannot start: what a setting names is not as it should be",
    hint: isSetting
      ? "Correct the variables of the app, then deploy it again; its log says the same"
      : "The app's log says what is wrong, most likely with DATABASE_URL",
  };
  return {
    answer: () =>
      Promise.resolve(
        Response.json({ error }, { status: 503, headers: { "retry-after": `${RETRY_SECONDS}` } }),
      ),
    everyMinute: () => Promise.resolve(),
  };
}
