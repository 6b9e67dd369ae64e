import { accessSync, constants, readdirSync, readFileSync } from "node:fs";
import { delimiter } from "node:path";
import { env, getuid } from "node:process";

/** What a test may ask for. */
export type Kind = "PostgreSQL" | "PgBouncer" | "Redis" | "Node";

/** A system user to start a server as. */
export interface User {
  uid: number;
  gid: number;
}

/** Where a server comes from: its binary, or one that somebody else runs. */
export type Found = { binary: string } | { url: string };

/** How to get what is not here. */
export const HOW_TO_GET: Record<Kind, string> = {
  PostgreSQL: "`apt-get install postgresql` (Debian), or set OTTO_TEST_POSTGRES_BIN to the " +
    "folder of `postgres` and `initdb`, or OTTO_TEST_DATABASE_URL to a server for tests",
  PgBouncer: "`apt-get install pgbouncer` (Debian)",
  Redis: "`apt-get install redis-server` (Debian), or set OTTO_TEST_REDIS_SERVER to the " +
    "`redis-server` binary, or OTTO_TEST_REDIS_URL to a server for tests",
  Node: "Node 22.18 or later, or npm to fetch one with, or set OTTO_TEST_NODE to its binary",
};

/** The folder of `postgres` and `initdb`, else the URL of a server for tests. */
export function findPostgres(): Found | undefined {
  const folders = env.OTTO_TEST_POSTGRES_BIN ? [env.OTTO_TEST_POSTGRES_BIN] : [
    ...path(),
    ...versions("/usr/lib/postgresql", /^(\d+)$/),
    ...versions("/opt/homebrew/opt", /^postgresql@(\d+)$/),
    ...versions("/usr/local/opt", /^postgresql@(\d+)$/),
    ...versions("/Applications/Postgres.app/Contents/Versions", /^(\d+)$/),
  ];
  const folder = folders.find((folder) =>
    isExecutable(`${folder}/postgres`) && isExecutable(`${folder}/initdb`)
  );
  // PostgreSQL refuses to run as root, so root needs somebody to run it as.
  if (folder !== undefined && (!isRoot() || unprivileged())) {
    return { binary: folder };
  }
  return env.OTTO_TEST_DATABASE_URL ? { url: env.OTTO_TEST_DATABASE_URL } : undefined;
}

/** The `redis-server` binary, else the URL of a server for tests. */
export function findRedis(): Found | undefined {
  const candidates = env.OTTO_TEST_REDIS_SERVER
    ? [env.OTTO_TEST_REDIS_SERVER]
    : [...path(), "/opt/homebrew/bin", "/usr/local/bin"].map((folder) => `${folder}/redis-server`);
  const binary = candidates.find(isExecutable);
  if (binary !== undefined) return { binary };
  return env.OTTO_TEST_REDIS_URL ? { url: env.OTTO_TEST_REDIS_URL } : undefined;
}

/** The `pgbouncer` binary; Debian puts it where only root looks. */
export function findPgBouncer(): string | undefined {
  return [...path(), "/usr/sbin", "/opt/homebrew/bin", "/usr/local/sbin"]
    .map((folder) => `${folder}/pgbouncer`).find(isExecutable);
}

/** The first `name` on PATH. */
export function findOnPath(name: string): string | undefined {
  return path().map((folder) => `${folder}/${name}`).find(isExecutable);
}

export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Whom to run PostgreSQL as: nobody else than ourselves, unless we are root. */
export function unprivileged(): User | undefined {
  if (!isRoot()) return undefined;
  const users = readFileSync("/etc/passwd", "utf8").split("\n").map((line) => line.split(":"));
  const user = users.find(([name]) => name === "postgres") ??
    users.find(([name]) => name === "nobody");
  return user && { uid: Number(user[2]), gid: Number(user[3]) };
}

function isRoot(): boolean {
  return getuid?.() === 0;
}

function path(): string[] {
  return (env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
}

/** The `bin` folders of the versions below a folder, the newest first. */
function versions(folder: string, pattern: RegExp): string[] {
  let names: string[] = [];
  try {
    names = readdirSync(folder);
  } catch {
    // Not this kind of system.
  }
  return names
    .flatMap((name) => {
      const match = pattern.exec(name);
      return match ? [{ name, version: Number(match[1]) }] : [];
    })
    .sort((a, b) => b.version - a.version)
    .map(({ name }) => `${folder}/${name}/bin`);
}
