import { readFileSync } from "node:fs";
import { Refusal } from "../../process/refusal.ts";
import { errorText } from "../../process/log.ts";
import { connect, type Sql } from "../database.ts";
import type { ServerAddress, TlsWish } from "./address.ts";

/** Less than a query may take, so that it fails with the connection's own words. */
const CONNECT_SECONDS = 2;
/** Longer work than this is cut off by the server itself: nobody waits any more. */
const STATEMENT_MS = 15_000;
/**
 * A longer wait for a lock, too. Less than a lease: a frozen worker cannot cancel what it asked for,
 * and the rows that its statement has locked meanwhile could be taken over by nobody.
 */
const LOCK_MS = 4_000;
/** A connection that rests for long may have been dropped by what lies between. */
const IDLE_SECONDS = 60;
/** One that lives for ever keeps a server from being drained. */
const LIFE_SECONDS = 30 * 60;
const DEFAULT_PORT = 5432;

/** What poolers refuse at the start of a session, and what we can do without. */
const DISPENSABLE = {
  statement_timeout: STATEMENT_MS,
  lock_timeout: LOCK_MS,
  bytea_output: "hex",
};

/** How sessions are opened now: it changes with what the server, or a pooler before it, lets us. */
export interface SessionStyle {
  /** Which of the hosts. */
  host: number;
  prepare: boolean;
  /** Without the start-up parameters that poolers refuse. */
  plain: boolean;
  /** Without a limit of time, for statements that may take hours. */
  unlimited?: true;
}

/** Who hears what one session says by itself. */
interface SessionEvents {
  closed?(): void;
  /** Keeps the session for good, as nothing is heard without it. */
  heard?(channel: string, payload: string): void;
}

/** Whether the start of a session can do without a parameter. */
export function isDispensable(parameter: string): boolean {
  return parameter in DISPENSABLE;
}

/**
 * Makes what opens sessions, one connection each, which connects when first used.
 *
 * @throws {Refusal} when a file of certificates that the address names cannot be read.
 */
export function createSessions(
  address: ServerAddress,
): (style: SessionStyle, events?: SessionEvents) => Sql {
  const tls = tlsOptions(address.tls);
  return (style, { closed, heard } = {}) => {
    const { host, port } = address.hosts[style.host % address.hosts.length] ?? {};
    const isFolder = host?.includes("/");
    return connect({
      ...(isFolder ? { path: `${host}/.s.PGSQL.${port ?? DEFAULT_PORT}` } : {}),
      user: address.user,
      password: address.password,
      database: address.database,
      // Without the name, an address would be looked for as "localhost" in the certificate.
      ssl: typeof tls === "object" ? { ...tls, host } : tls,
      target_session_attrs: address.role,
      max: 1,
      prepare: style.prepare,
      connect_timeout: address.connectSeconds ?? CONNECT_SECONDS,
      keep_alive: address.keepAliveSeconds,
      idle_timeout: heard ? 0 : IDLE_SECONDS,
      max_lifetime: heard ? null : LIFE_SECONDS,
      // Seconds: soon there again, and no more than one try a second while it is away.
      backoff: (retries: number) => Math.min(0.05 * 2 ** Math.min(retries, 5), 1),
      fetch_types: false,
      onnotice() {},
      onclose: closed,
      connection: startParameters(address, style),
      // Not in the driver's types.
      ...{ onnotify: heard, ...(address.tls.direct ? { sslnegotiation: "direct" } : {}) },
      // In lists, which are not there either: it would cut an IPv6 address at its colons.
      ...(host === undefined || isFolder
        ? {}
        : { host: [host], port: [port ?? DEFAULT_PORT] } as object),
    });
  };
}

function startParameters(
  { applicationName, options, searchPath }: ServerAddress,
  { plain, unlimited }: SessionStyle,
) {
  return {
    application_name: applicationName ?? "otto",
    // What the server makes into JSON by itself must not be in its own time zone.
    TimeZone: "UTC",
    DateStyle: "ISO",
    ...(options === undefined ? {} : { options }),
    ...(searchPath === undefined ? {} : { search_path: searchPath }),
    ...(plain ? {} : DISPENSABLE),
    ...(unlimited && !plain ? { statement_timeout: 0, lock_timeout: 0 } : {}),
  };
}

/** libpq's modes in the words of `node:tls`. */
function tlsOptions(wish: TlsWish): boolean | "prefer" | Record<string, unknown> {
  const { mode, rootFile, certificateFile, keyFile, passphrase } = wish;
  if (mode === "disable") return false;
  const files = {
    ca: readParameterFile("sslrootcert", rootFile),
    cert: readParameterFile("sslcert", certificateFile),
    key: readParameterFile("sslkey", keyFile),
    passphrase,
    minVersion: wish.leastVersion,
    maxVersion: wish.mostVersion,
  };
  const given = Object.fromEntries(
    Object.entries(files).filter(([, value]) => value !== undefined),
  );
  // The only mode that the driver itself has to know: it goes on without where there is no TLS.
  if (mode === "prefer") return "prefer";
  if (mode === "require") return { ...given, rejectUnauthorized: false };
  // "ca": signed by somebody who is trusted, whatever name stands in it.
  return mode === "verify-ca" ? { ...given, checkServerIdentity: () => undefined } : given;
}

function readParameterFile(parameter: string, path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new Refusal(
      `Cannot read the file that ${parameter} in DATABASE_URL names: ${errorText(error)}. ` +
        "The Deno tasks may read files in Otto's own folder only.",
    );
  }
}
