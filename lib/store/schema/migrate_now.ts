import { deadline, DeadlineError } from "../../async/deadline.ts";
import type { Log } from "../../process/log.ts";
import { Refusal } from "../../process/refusal.ts";
import type { Database } from "../database.ts";
import type { Server } from "../server/server.ts";
import { prepareDatabase } from "./ready.ts";
import { schemaVersion } from "./schema_version.ts";
import { finishUpgrades } from "./upgrade.ts";

/** A step of a deploy has minutes: a store that is away for one is not there. */
const AWAY_MS = 60_000;
/** What an upgrade leaves for later is done now as far as it goes in this time; whoever serves goes on. */
const UPGRADE_MS = 150_000;

/**
 * Brings the schema up to date and says which migration it is at, as people read it.
 *
 * @throws {Refusal} when the database does not let us in, or is not there within a minute.
 */
export async function migrateNow(
  { database, server, log, signal }: {
    database: Database;
    server?: Server;
    log: Log;
    signal: AbortSignal;
  },
): Promise<string> {
  const stop = new AbortController();
  const ends = AbortSignal.any([signal, stop.signal]);
  const { ready, notReady } = prepareDatabase(database, { server, pools: [], log, signal: ends });
  try {
    await deadline("reach the database", AWAY_MS, ready);
    signal.throwIfAborted();
    const { signal: later } = stop;
    const timer = setTimeout(() => stop.abort(), UPGRADE_MS);
    await finishUpgrades({ database, server, log, signal: AbortSignal.any([signal, later]) }, {
      waits: false,
    });
    clearTimeout(timer);
    return await schemaVersion(database);
  } catch (error) {
    if (!(error instanceof DeadlineError)) throw error;
    throw new Refusal(
      `Cannot migrate: the database was not ready within ${
        AWAY_MS / 1_000
      } seconds (${notReady()})`,
    );
  } finally {
    stop.abort();
  }
}
