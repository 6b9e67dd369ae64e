import type { PGlite } from "@electric-sql/pglite";
import { setFlagsFromString } from "node:v8";
import postgres from "postgres";

export type Sql = postgres.Sql;
/** A part of a statement, made by `Sql`. */
export type Fragment = postgres.PendingQuery<postgres.Row[]>;

/**
 * PostgreSQL, on a server or inside this process, spoken to in the same way.
 *
 * Work is done in single statements: a transaction that is open when the server
 * dies can crash the driver (postgres#1155), and inside the process it would
 * stop everybody else.
 */
export interface Database extends AsyncDisposable {
  readonly kind: "postgres" | "embedded";
  /**
   * Runs one statement, for at most `ms` milliseconds (5,000 unless said).
   *
   * @throws {DeadlineError} when the server did not answer in time: the outcome
   * is unknown, and the server is asked to stop. When nothing else is answered
   * either, the connections to it are replaced by new ones.
   */
  query<T>(what: string, statement: (sql: Sql) => PromiseLike<T>, ms?: number): Promise<T>;
  /**
   * Calls `heard` for each NOTIFY on the channel, re-subscribing after a restart. Server only.
   * Behind some poolers nothing is ever heard; `remarks` then says so.
   */
  listen(channel: string, heard: (payload: string) => void): Promise<void>;
  /** What a person should know of the way to the database, in words; mostly nothing. */
  remarks(): readonly string[];
}

/** The driver: opens a pool to a server, or to the socket that it is given. Connects when first used. */
export const connect: typeof postgres = postgres;

/**
 * Opens PGlite, PostgreSQL as WebAssembly in this process, in a folder or without
 * one in memory. Loaded only where it is used: it has 14 MB.
 *
 * A new database is a copy of the template, an archive of `dumpDataDir`; without one PGlite makes it.
 */
export async function openEngine(
  { dataDir, template }: { dataDir?: string; template?: Uint8Array<ArrayBuffer> } = {},
): Promise<PGlite> {
  // Node compiles what is called often in several threads, which takes 40 MB more while it starts.
  if (!("Deno" in globalThis)) setFlagsFromString("--wasm-num-compilation-tasks=1");
  const { PGlite } = await import("@electric-sql/pglite");
  // The default of 128 MB would be the larger part of the process.
  const startParams = [...PGlite.defaultStartParams, "-c", "shared_buffers=16MB"];
  const loadDataDir = template && new Blob([template], { type: "application/x-tar" });
  return await PGlite.create({ dataDir, startParams, loadDataDir });
}
