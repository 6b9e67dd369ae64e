import { pause } from "../../async/deadline.ts";
import { errorText, type Log } from "../../process/log.ts";
import { Refusal } from "../../process/refusal.ts";
import type { Database } from "../database.ts";
import { requireUtf8 } from "../encoding.ts";
import { migrate } from "./migrate.ts";
import { requireMigrated } from "./schema_version.ts";
import { permanentFault } from "../server/permanent_fault.ts";
import type { Server } from "../server/server.ts";

/** How far the database is. */
export interface Readiness {
  /** Resolves when the schema is there; a server that is away is waited for. */
  ready: Promise<void>;
  /** Resolves when it is known that waiting may help: the database is there, or away. */
  reached: Promise<void>;
  /** Why the schema is not there yet; undefined when it is. */
  notReady(): string | undefined;
}

/** Soon enough after a store's start, and no burden to one that is starting. */
const RETRY_MS = 1_000;
/** Somebody reads a table for long: whoever asks for its lock holds up all who come meanwhile. */
const LOCKED_MS = 5_000;
const LOCK_NOT_AVAILABLE = "55P03";

/**
 * Brings the schema up to date, and has every further pool connected before the first message
 * comes. Tries again until the signal is aborted.
 *
 * Both promises reject with a {@link Refusal} when the server's answer will never be another: no
 * such database, a wrong password. Later, when all was well once, such an answer is waited out.
 */
export function prepareDatabase(
  database: Database,
  { server, pools, migrates = true, log, signal }: {
    server?: Server;
    pools: readonly Database[];
    /** Whether it brings the schema up to date; else it only waits until somebody has. */
    migrates?: boolean;
    log: Log;
    signal: AbortSignal;
  },
): Readiness {
  const reached = Promise.withResolvers<void>();
  let notReady: string | undefined = "the schema is being prepared";

  async function prepare(): Promise<void> {
    while (!signal.aborted) {
      try {
        if (migrates) {
          await requireUtf8(database);
          await migrate(database, log);
          for (const pool of pools) await pool.query("reach the inbox", (sql) => sql`select 1`);
        } else {
          await requireMigrated(database);
        }
        notReady = undefined;
        return reached.resolve();
      } catch (error) {
        if (database.kind === "embedded" || error instanceof Refusal) throw error;
        const fault = server && permanentFault(error, server.address);
        if (fault !== undefined) throw new Refusal(fault);
        notReady = errorText(error);
        reached.resolve();
        log.warn("database.not_ready", { error: notReady });
        const isLocked = (error as { code?: unknown }).code === LOCK_NOT_AVAILABLE;
        await pause(isLocked ? LOCKED_MS * (1 + Math.random()) : RETRY_MS, signal);
      }
    }
    reached.resolve();
  }

  const ready = prepare();
  ready.catch(reached.reject);
  // Not everybody waits for it, and an unheard rejection would end the process without words.
  reached.promise.catch(() => {});
  return { ready, reached: reached.promise, notReady: () => notReady };
}
