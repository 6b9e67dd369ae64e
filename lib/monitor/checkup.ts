import type { Registry } from "../../sources/rules/registry.ts";
import { access, constants } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { readMcpServers } from "../agent/mcp/servers.ts";
import { readAgentSettings } from "../agent/settings.ts";
import type { Config } from "../config/config.ts";
import { requireUtf8 } from "../store/encoding.ts";
import { permanentFault } from "../store/server/permanent_fault.ts";
import { openServer } from "../store/server/server.ts";
import { describeUnknown } from "../store/server/address.ts";
import { pause } from "../async/deadline.ts";
import type { Check } from "./check.ts";
import { errorText, type Log } from "../process/log.ts";
import { openRedis, type Redis } from "../store/redis.ts";
import { findSharers } from "./shared_redis.ts";
import { instructionsOf } from "../config/source_file.ts";

/** Three tries of the client to connect. */
const REDIS_MS = 3_000;
/** Often enough that nobody notices the wait. */
const RETRY_MS = 50;

/** Looks whether the stores that are configured can be reached; changes nothing in them. */
export async function checkStores(config: Config, log: Log): Promise<Check[]> {
  const { databaseUrl, redisUrl, dataDir } = config;
  const checks = await Promise.all([
    databaseUrl === undefined
      ? attempt("data folder", () => checkFolder(dataDir))
      : attempt("PostgreSQL", () => checkPostgres(config, log)),
    redisUrl === undefined ? [] : checkRedis(config, redisUrl, log),
  ]);
  return checks.flat();
}

/** Reads the files that say what the agent may do. */
export async function checkAgentFiles(config: Config, sources: Registry): Promise<Check> {
  return await attempt("agent", () => {
    const servers = readMcpServers(
      config,
      readAgentSettings(config.agent.configFile, instructionsOf(sources), {
        retentionDays: config.retentionDays,
        sources,
      }),
    );
    const model = config.model ? `${config.model.model} (${config.model.label})` : "no model";
    const { length } = servers;
    return Promise.resolve(`${model}, ${length} MCP ${length === 1 ? "server" : "servers"}`);
  });
}

async function attempt(name: string, look: () => Promise<string>): Promise<Check> {
  try {
    return { name, status: "ok", detail: await look() };
  } catch (error) {
    return { name, status: "failed", detail: errorText(error) };
  }
}

async function checkFolder(folder: string): Promise<string> {
  const path = resolve(folder);
  const exists = await access(path).then(() => true, () => false);
  try {
    await access(await nearest(path), constants.W_OK);
  } catch {
    throw new Error(`${folder} cannot be written to: set OTTO_DATA_DIR to a folder that can`);
  }
  return `embedded, in ${folder}${exists ? "" : " (made at the first start)"}`;
}

/** The folder itself, or the nearest above it that is there: the others are made at the start. */
async function nearest(path: string): Promise<string> {
  const isThere = await access(path).then(() => true, () => false);
  return isThere || path === dirname(path) ? path : await nearest(dirname(path));
}

async function checkPostgres(config: Config, log: Log): Promise<string> {
  const { databaseUrl: url, databasePrepare: prepare } = config;
  const server = openServer({ url: url!, prepare, connections: 2, log });
  try {
    await requireUtf8(server);
    const [row] = await server.query(
      "ask PostgreSQL for its version",
      (sql) => sql<{ version: string }[]>`select current_setting('server_version') as version`,
    );
    // Only where it brings the news does it matter.
    if (config.redisUrl === undefined) await server.hears();
    const unknown = server.address.unknown.length > 0 ? [describeUnknown(server.address)] : [];
    return [`reachable, version ${row.version}`, ...server.remarks(), ...unknown].join("; ");
  } catch (error) {
    const fault = permanentFault(error, server.address);
    throw fault === undefined ? error : new Error(fault);
  } finally {
    await server[Symbol.asyncDispose]();
  }
}

async function checkRedis(config: Config, url: string, log: Log): Promise<Check[]> {
  const redis = openRedis(url, log);
  try {
    const reachable = await attempt("Redis", () => reachRedis(redis, url));
    if (reachable.status === "failed" || config.databaseUrl === undefined) return [reachable];
    return [reachable, ...await checkSharers(redis, config, log)];
  } finally {
    await redis[Symbol.asyncDispose]();
  }
}

async function reachRedis(redis: Redis, url: string): Promise<string> {
  const until = performance.now() + REDIS_MS;
  for (;;) {
    try {
      await redis.run("ping Redis", (client) => client.ping());
      return "reachable";
    } catch (error) {
      // It connects in the background: the first tries are always too early.
      if (performance.now() > until) {
        throw new Error(`${new URL(url).host} does not answer as Redis (${errorText(error)})`);
      }
      await pause(RETRY_MS);
    }
  }
}

/** Who else uses this Redis, as far as the database says which of it is ours. */
async function checkSharers(redis: Redis, config: Config, log: Log): Promise<Check[]> {
  const { databaseUrl: url, databasePrepare: prepare } = config;
  const server = openServer({ url: url!, prepare, connections: 1, log });
  try {
    return await findSharers(redis, server, config);
  } catch (error) {
    // PostgreSQL is away, which another check says, or has no tables before the first start.
    log.debug("doctor.sharers_unknown", { error: errorText(error) });
    return [];
  } finally {
    await server[Symbol.asyncDispose]();
  }
}
