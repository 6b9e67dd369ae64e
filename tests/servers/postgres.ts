import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { env, getuid } from "node:process";
import { promisify } from "node:util";
import postgres from "postgres";
import { findPostgres, unprivileged } from "./find.ts";
import { run, type Running } from "./run.ts";

const exec = promisify(execFile);

export interface PostgresServer extends Omit<Running, "port" | "alive"> {
  /** A database of this server. */
  readonly url: string;
  /** False for a server of `OTTO_TEST_DATABASE_URL`, which is not ours to kill, freeze or restart. */
  readonly own: boolean;
  /** Makes an empty database (or a copy of `template`) and returns its URL. */
  createDatabase(
    name?: string,
    options?: { template?: string; encoding?: string },
  ): Promise<string>;
}

export interface PostgresOptions {
  /** More settings, such as `{ max_connections: "20" }`. */
  settings?: Record<string, string>;
  /** A folder for its data, which stays there for the next start. A temporary one if not given. */
  folder?: string;
}

// Without fsync a server is quicker and keeps its promises through kill -9 all the same, since
// the system holds what was written. Only a power cut would tell the difference.
const SETTINGS: Record<string, string> = {
  listen_addresses: "127.0.0.1",
  max_connections: "100",
  shared_buffers: "32MB",
  fsync: "off",
  full_page_writes: "off",
};

/** Starts a private PostgreSQL; undefined when there is none here. */
export async function startPostgres(
  { settings = {}, folder }: PostgresOptions = {},
): Promise<PostgresServer | undefined> {
  const found = findPostgres();
  if (found === undefined) return undefined;
  if ("url" in found) return await borrowPostgres(found.url);

  const user = unprivileged();
  const dir = folder ?? mkdtempSync(`${tmpdir()}/otto-postgres-`);
  if (folder) mkdirSync(folder, { recursive: true });
  if (user) chownSync(dir, user.uid, user.gid);
  const data = `${dir}/data`;
  let server: Running;
  try {
    if (!existsSync(`${data}/PG_VERSION`)) {
      await exec("cp", ["-a", await template(found.binary), data], { ...user, cwd: dir });
    }
    server = await run({
      name: "PostgreSQL",
      dir,
      keep: folder !== undefined,
      user,
      command: `${found.binary}/postgres`,
      args: (port) => [
        ...[
          "-D",
          data,
          "-p",
          `${port}`,
          "-c",
          `unix_socket_directories=${dir}`,
        ],
        ...Object.entries({ ...SETTINGS, ...settings })
          .flatMap(([key, value]) => ["-c", `${key}=${value}`]),
      ],
      ready: ({ pid }) => isReady(data, pid),
      quit: "QUIT",
    });
  } catch (error) {
    if (!folder) rmSync(dir, { recursive: true, force: true });
    throw error;
  }
  const { port, kill, freeze, thaw, restart } = server;
  const url = `postgres://otto@127.0.0.1:${port}/postgres`;
  return {
    url,
    own: true,
    createDatabase: (name, options) => createDatabase(url, name, options),
    kill,
    freeze,
    thaw,
    restart,
    async stop() {
      if (!server.alive) await freeSharedMemory(data);
      await server.stop();
    },
  };
}

/** Uses somebody's server for tests: only databases of our own, which are dropped in the end. */
export async function borrowPostgres(admin: string): Promise<PostgresServer> {
  const made: string[] = [];
  async function create(
    name?: string,
    options?: { template?: string; encoding?: string },
  ): Promise<string> {
    const url = await createDatabase(admin, name, options);
    made.push(new URL(url).pathname.slice(1));
    return url;
  }
  const notOurs = () =>
    Promise.reject(
      new Error(
        `Cannot do this to the server of OTTO_TEST_DATABASE_URL: ask for one of our own with { postgres: "own" }`,
      ),
    );
  return {
    url: await create(),
    own: false,
    createDatabase: create,
    kill: notOurs,
    freeze: notOurs,
    thaw: notOurs,
    restart: notOurs,
    async stop() {
      await asAdmin(admin, async (sql) => {
        for (const name of made.splice(0)) {
          await sql`drop database if exists ${sql(name)} with (force)`;
        }
      });
    },
  };
}

async function createDatabase(
  admin: string,
  name = `otto_test_${randomBytes(6).toString("hex")}`,
  { template = "template0", encoding }: { template?: string; encoding?: string } = {},
): Promise<string> {
  await asAdmin(
    admin,
    (sql) =>
      sql`create database ${sql(name)} template ${sql(template)}
        ${encoding ? sql`encoding ${sql(encoding)} lc_collate 'C' lc_ctype 'C'` : sql``}`,
  );
  const url = new URL(admin);
  url.pathname = `/${name}`;
  return url.href;
}

async function asAdmin(
  url: string,
  work: (sql: postgres.Sql) => Promise<unknown>,
): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    await work(sql);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** A fresh data folder, made once per version and user and kept: copying it is ten times quicker. */
async function template(binaries: string): Promise<string> {
  const user = unprivileged();
  const uid = user?.uid ?? getuid?.() ?? 0;
  const { stdout } = await exec(`${binaries}/postgres`, ["--version"]);
  const version = /\d+(\.\w+)?/.exec(stdout)?.[0];
  const kept = `${tmpdir()}/otto-postgres-template-${version}-${uid}`;
  if (isOurs(`${kept}/PG_VERSION`, uid)) return kept;

  const dir = mkdtempSync(`${tmpdir()}/otto-postgres-initdb-`);
  if (user) chownSync(dir, user.uid, user.gid);
  try {
    await exec(`${binaries}/initdb`, [
      ...["-D", `${dir}/data`, "--username=otto", "--auth=trust"],
      ...["--no-locale", "--encoding=UTF8", "--no-sync"],
    ], { ...user, cwd: dir, env: { PATH: env.PATH, TZ: "UTC" } });
    renameSync(`${dir}/data`, kept);
  } catch (error) {
    // Another test file was quicker.
    if (!isOurs(`${kept}/PG_VERSION`, uid)) throw error;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  return kept;
}

/** Temporary folders are shared: what somebody else put there is not ours to run. */
function isOurs(file: string, uid: number): boolean {
  try {
    return statSync(file).uid === uid;
  } catch {
    return false;
  }
}

/** The server notes its state in the eighth line of its pid file. */
function isReady(data: string, pid: number): boolean {
  const lines = pidFile(data);
  return Number(lines[0]) === pid && lines[7]?.trim() === "ready";
}

/** After kill -9 the system keeps a small segment that only the next start would free. */
async function freeSharedMemory(data: string): Promise<void> {
  const id = pidFile(data)[6]?.trim().split(/\s+/)[1];
  if (id === undefined) return;
  await exec("ipcrm", ["-m", id]).catch(() => {});
}

function pidFile(data: string): string[] {
  try {
    return readFileSync(`${data}/postmaster.pid`, "utf8").split("\n");
  } catch {
    return [];
  }
}
