import type { Registry } from "../sources/rules/registry.ts";
import type { Agent } from "./agent/agent.ts";
import { openToolshed } from "./agent/mcp/mcp.ts";
import { type McpServerStatus, readServers } from "./agent/mcp/server_status.ts";
import { readMcpServers, secretsOf } from "./agent/mcp/servers.ts";
import { openAgents } from "./agent/open_agents.ts";
import type { Budgets, SharedBudgets } from "./agent/policy.ts";
import { readAgentSettings } from "./agent/settings.ts";
import type { TrialAgent } from "./agent/trial/trial_agent.ts";
import { type Bell, createBell } from "./async/bell.ts";
import { type Closer, openAll } from "./process/closer.ts";
import type { Config } from "./config/config.ts";
import { redactorOf, secretsIn } from "./config/secrets_in.ts";
import type { Database } from "./store/database.ts";
import { openEmbedded } from "./store/embedded/embedded.ts";
import { prepareDatabase, type Readiness } from "./store/schema/ready.ts";
import { finishUpgrades } from "./store/schema/upgrade.ts";
import { openServer, type Server, type ServerOptions } from "./store/server/server.ts";
import { describeUnknown } from "./store/server/address.ts";
import { type Certificates, openCertificates } from "./ingress/certificate.ts";
import { type KeySets, openKeySets } from "./ingress/key_set.ts";
import { type Inbox, openInbox } from "./message/inbox.ts";
import { openArqJobs } from "./jobs/arq.ts";
import type { Jobs } from "./jobs/jobs.ts";
import { ON_SHORT_LIVED, ON_WORKERS, openPostgresJobs } from "./jobs/postgres.ts";
import { endMessageLeases } from "./message/claim.ts";
import { endTaskLeases } from "./task/claim.ts";
import { endTrialLeases } from "./task/trial/claim.ts";
import type { Log } from "./process/log.ts";
import { machineName } from "./process/machine.ts";
import { openRuntime, type Runtime } from "./process/runtime.ts";
import type { Channel } from "./notify/channel.ts";
import { createReplies } from "./notify/reply/reply.ts";
import { createSlack, type Slack } from "./notify/slack/slack.ts";
import { createWeb } from "./notify/web.ts";
import { openQuarantine, type Quarantine } from "./message/quarantine.ts";
import { openPostgresQueue } from "./queue/postgres.ts";
import { openLocalQueue, type Queue } from "./queue/queue.ts";
import { openRedisQueue } from "./queue/redis.ts";
import { openReader, type Reader } from "./reading/reader.ts";
import { openSpill, type Spill } from "./message/spill/spill.ts";
import { SPILL_STREAM } from "./message/spill/spill_stream.ts";
import { createRedactor } from "./redaction/redact.ts";
import { openRedis } from "./store/redis.ts";
import { openRedisOwner, type RedisOwner } from "./store/redis_owner.ts";
import { openRules, type Rules } from "./config/rules.ts";
import { channelsOf, instructionsOf } from "./config/source_file.ts";

/** Everything an entrypoint opens and closes. */
export interface Services extends AsyncDisposable, Readiness {
  readonly config: Config;
  readonly log: Log;
  readonly sources: Registry;
  readonly rules: Pick<Rules, "refused" | "look">;
  readonly database: Database;
  readonly queue: Queue;
  readonly inbox: Inbox;
  readonly quarantine: Quarantine;
  readonly spill?: Spill;
  readonly redisOwner?: RedisOwner;
  readonly reader: Reader;
  readonly agent: Agent;
  /** Tries kept messages with other instructions and models; undefined where no model works. */
  readonly trials?: TrialAgent;
  /** How much work a source may cause. */
  budgetsOf(source: string): Budgets;
  /** How it stands with the MCP servers; asks each at most once a minute. */
  readMcpServers(): Promise<McpServerStatus[]>;
  /** How much all of them together may cause. */
  readonly sharedBudgets: SharedBudgets;
  readonly jobs: Jobs;
  readonly channels: readonly Channel[];
  readonly slack?: Slack;
  readonly certificates: Certificates;
  readonly keySets: KeySets;
  /** Does what migrations have left for later: all of it, or what it can until the signal is aborted. */
  finishUpgrade(signal?: AbortSignal): Promise<void>;
  /** Rung in this process when there are new tasks. */
  readonly bells: { tasks: Bell };
  readonly host: string;
  readonly runtime: Runtime;
}

/**
 * Makes the choices that the configuration asks for, and opens them.
 *
 * A server that is down is no reason to fail: it is tried again until the
 * signal is aborted; `ready` rejects when it will never let us in. The database
 * inside the process opens here or not at all.
 */
export async function openServices(
  config: Config,
  log: Log,
  signal: AbortSignal,
): Promise<Services> {
  return await openAll((closer) => openServicesWith(closer, { config, log, signal }));
}

async function openServicesWith(
  closer: Closer,
  { config, log, signal }: { config: Config; log: Log; signal: AbortSignal },
): Promise<Services> {
  const channels = new Map<string, string>();
  const instructions = new Map<string, string>();
  const rules = openRules({
    config,
    log,
    accept(next) {
      // Read in any case: a mistake in it should be found before a model is there.
      readAgentSettings(config.agent.configFile, instructionsOf(next), config);
      refill(channels, channelsOf(config, next));
      refill(instructions, instructionsOf(next));
    },
  });
  closer.defer(() => Promise.resolve(rules[Symbol.dispose]()));
  const { sources } = rules;
  const server = config.databaseUrl === undefined
    ? undefined
    : openServer(serverOptions(config, log));
  const database = closer.add(server ?? await openEmbedded(config.dataDir, { log }));
  if (server && server.address.unknown.length > 0) {
    log.warn("database.url_parameters", { detail: describeUnknown(server.address) });
  }
  // Messages must not wait behind the questions of a page.
  const inboxDatabase = server?.apart() ?? database;
  const { ready, reached, notReady } = prepareDatabase(database, {
    server,
    pools: [inboxDatabase],
    // An isolate starts many times a day, and its revision's predeploy command has migrated.
    migrates: !config.denoDeploy,
    log,
    signal,
  });
  const stopUpgrade = new AbortController();
  const finishUpgrade = (limit?: AbortSignal) =>
    finishUpgrades({
      database,
      server,
      log,
      signal: AbortSignal.any([stopUpgrade.signal, ...limit ? [limit] : []]),
    }, { waits: limit === undefined });
  // The minute's turn does it where nothing lives for as long as an upgrade takes.
  const upgraded = ready.then(() => config.denoDeploy ? undefined : finishUpgrade(), () => {});
  closer.defer(async () => {
    stopUpgrade.abort();
    await upgraded;
  });
  const { queue, spill, redisOwner } = openQueue(config, { database, server, ready, log }, closer);
  const inbox = openInbox({ database: inboxDatabase, queue, spill, log });
  closer.defer(() => inbox.idle());
  const quarantine = openQuarantine({ database, log });
  closer.defer(() => quarantine.idle());

  // Whoever listens finds it out by that.
  if (server && queue.backend === "postgres") {
    ready.then(() => server.hears()).catch((error) =>
      log.debug("database.hears_failed", { error })
    );
  }
  if (database.kind === "embedded") {
    await ready;
    // The lock on its folder is ours, so whoever had these is dead: nothing need run out.
    await endMessageLeases(database);
    await endTaskLeases(database);
    await endTrialLeases(database);
  }

  const slack = config.denoDeploy?.acts === false
    ? undefined
    : createSlack({ config, channels, database, log });
  const { retentionDays } = config;
  // Not at a change of SOURCES_FILE: a source may go before its rules do.
  const settings = readAgentSettings(config.agent.configFile, instructions, {
    retentionDays,
    sources,
  });
  const servers = readMcpServers(config, settings);
  const redact = createRedactor(() => [
    ...secretsIn(config),
    ...servers.flatMap(secretsOf),
  ]);
  const toolshed = openToolshed({ servers, settings, database, log, redact });
  // What waits is kept: it goes out when the agent may act again.
  const acts = config.agent.mode === "on";
  const sourceOf = (name: string) => sources.find(name).source;
  const replies = createReplies({ database, log, sourceOf, accesses: config.replies });
  const desk = {
    sourceOf,
    accesses: config.replies,
    prefixes: config.replyTwilioPrefixes,
    sendNow: replies.sendNow,
  };
  return {
    config,
    log,
    sources,
    rules,
    database,
    queue,
    inbox,
    quarantine,
    spill,
    redisOwner,
    reader: closer.add(openReader({ config, sources, database, log })),
    ...openAgents({ config, database, log }, { settings, toolshed, desk, redact }),
    budgetsOf: (source) => settings.rulesOf(source).budgets,
    readMcpServers: () => readServers({ toolshed, settings, database }),
    sharedBudgets: settings.sharedBudgets,
    jobs: openJobs(config, database, log, closer),
    channels: [createWeb(database), ...slack ? [slack] : [], ...acts ? [replies] : []],
    slack,
    certificates: openCertificates(),
    keySets: openKeySets(),
    bells: { tasks: createBell() },
    ready,
    reached,
    notReady,
    finishUpgrade,
    host: machineName(config.hostName),
    runtime: openRuntime(),
    [Symbol.asyncDispose]: () => closer.close(),
  };
}

/** Gives a map what another one has, for whoever holds it. */
function refill<T>(map: Map<string, T>, from: ReadonlyMap<string, T>): void {
  map.clear();
  for (const [name, value] of from) map.set(name, value);
}

/** How the server of a configuration is opened. */
export function serverOptions(
  { databaseUrl, databasePrepare, databaseConnections, usualConnections }: Config,
  log: Log,
): ServerOptions {
  return {
    url: databaseUrl!,
    prepare: databasePrepare,
    connections: databaseConnections,
    usualConnections,
    log,
  };
}

function openQueue(
  { redisUrl, redisDurable, denoDeploy }: Config,
  { database, server, ready, log }: {
    database: Database;
    server?: Server;
    ready: Promise<void>;
    log: Log;
  },
  closer: Closer,
): Pick<Services, "queue" | "spill" | "redisOwner"> {
  if (server === undefined) return { queue: openLocalQueue() };
  // An isolate works off by itself what it took, and a connection that listens would be one of few.
  if (denoDeploy && redisUrl === undefined) return { queue: openLocalQueue() };
  if (redisUrl === undefined) return { queue: openPostgresQueue(database, log) };
  const redis = closer.add(openRedis(redisUrl, log));
  // A blocking read holds up every command behind it, hence its own connection.
  const reader = closer.add(openRedis(redisUrl, log));
  const { address } = server;
  const redisOwner = closer.add(
    openRedisOwner(redis, { database, address, spill: SPILL_STREAM, ready, log }),
  );
  return {
    queue: openRedisQueue(redis, reader, log),
    spill: openSpill(redis, { trusted: redisDurable, owner: redisOwner, log }),
    redisOwner,
  };
}

function openJobs(
  config: Config,
  database: Database,
  log: Log,
  closer: Closer,
): Jobs {
  if (config.redisUrl === undefined) {
    return openPostgresJobs(database, config.denoDeploy ? ON_SHORT_LIVED : ON_WORKERS);
  }
  // Results may be large: nothing else should wait behind them.
  const redis = closer.add(openRedis(config.redisUrl, log));
  return openArqJobs({ redis, database, log, queue: config.arqQueue }, {
    function: config.arqFunction,
    redact: redactorOf(config),
    takes: !config.agentIsExternal,
    apiUrl: config.publicUrl ?? `http://localhost:${config.port}`,
    startSeconds: config.agentStartSeconds,
  });
}
