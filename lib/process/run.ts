import process from "node:process";
import { pause } from "../async/deadline.ts";
import { errorText, type Log } from "./log.ts";
import { Refusal } from "./refusal.ts";

/** Docker kills ten seconds after SIGTERM; this leaves time to say why. */
const STOP_MS = 8_000;

/**
 * Runs an entrypoint until SIGTERM or SIGINT, and ends the process: with 0 when it stopped in
 * order, with a refusal's exit code when it could not start, with 1 when it broke or took longer
 * than `stopMs` milliseconds to stop.
 */
export async function run(
  program: (signal: AbortSignal) => Promise<void>,
  log: () => Log | undefined,
  stopMs = STOP_MS,
): Promise<void> {
  const stop = new AbortController();
  for (const name of ["SIGTERM", "SIGINT"] as const) {
    process.on(name, () => {
      // A second Ctrl-C means it.
      if (stop.signal.aborted && name === "SIGINT") process.exit(130);
      stop.abort();
      pause(stopMs).then(() => {
        log()?.error("process.stop_took_too_long", { ms: stopMs });
        process.exit(1);
      });
    });
  }
  surviveDriver(log);
  try {
    await program(stop.signal);
    process.exit(0);
  } catch (error) {
    const refusal = error instanceof Refusal ? error : undefined;
    if (refusal?.message !== "") console.error(refusal?.message ?? error);
    log()?.debug("process.failed", { error: errorText(error) });
    process.exit(refusal?.exitCode ?? 1);
  }
}

/**
 * postgres.js can throw from a timer when the server dies in the middle of a
 * write (postgres#1155). The query it was about is rejected all the same, so
 * that one error is only noted; any other ends the process.
 */
function surviveDriver(log: () => Log | undefined): void {
  const handle = (error: unknown) => {
    const trace = error instanceof Error ? error.stack ?? "" : "";
    if (/reading 'write'/.test(trace) && /postgres/.test(trace)) {
      log()?.warn("database.driver_error", { error: errorText(error) });
      return;
    }
    console.error(error);
    process.exit(1);
  };
  process.on("uncaughtException", handle);
  process.on("unhandledRejection", handle);
}
