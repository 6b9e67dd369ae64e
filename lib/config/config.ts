import process from "node:process";
import { deployedUrl, readDenoDeploy } from "./deno_deploy.ts";
import { isAlone } from "./loopback.ts";
import { readPrices } from "./model/prices.ts";
import { readTrialModels } from "./model/trial_models.ts";
import { chooseModel, MODEL_VARIABLES, type ModelSettings } from "./model/model_settings.ts";
import { ConfigError } from "./config_error.ts";
import { refuseContradictions } from "./contradictions.ts";
import type { z } from "zod";
import { readReplyAccesses } from "./reply_settings.ts";
import { openSecrets, type Secrets } from "./secrets.ts";
import { type Settings, settingsSchema } from "./settings.ts";

export { ConfigError } from "./config_error.ts";
export { secretsOf } from "./secrets.ts";

/**
 * Where strangers can send, what they sent goes after a week: long enough to notice over a holiday
 * that a sender has no secret yet, and too short to fill a disk with.
 */
const UNVERIFIED_DAYS = 7;

/** An isolate's: a small plan has five for all of them, and several live side by side. */
const ISOLATE_CONNECTIONS = 3;

/** The environment, parsed once. Nobody else reads it. */
export type Config = ReturnType<typeof readConfig>;

/**
 * Reads the settings from the environment; an empty value is unset. What is not there at all is as
 * `otherwise` has it.
 *
 * @throws {ConfigError} naming every variable that is wrong, what it must be,
 * and never its value (it may be a secret).
 */
export function readConfig(
  env: Record<string, string | undefined> = process.env,
  otherwise: Record<string, string> = {},
) {
  const set = withoutEmpty({ ...otherwise, ...env });
  const settings = parseSettings(settingsSchema, set);
  refuseContradictions(settings);
  return toConfig(settings, {
    model: readModel(settings),
    secrets: openSecrets(set, settings.SECRETS_FILE),
    names: Object.keys(set),
  });
}

/** What the commands need that speak to an Otto which may run elsewhere, with settings of its own. */
export type ShellConfig = ReturnType<typeof readShellConfig>;

/**
 * Reads the few settings of commands that only ask a running Otto: the others may be wrong or
 * missing where somebody sits.
 *
 * @throws {ConfigError} as {@link readConfig}.
 */
export function readShellConfig() {
  const env = process.env;
  const settings = parseSettings(
    settingsSchema.pick({
      OTTO_URL: true,
      OTTO_TOKEN: true,
      PUBLIC_URL: true,
      PORT: true,
      ADMIN_TOKEN: true,
      READ_TOKEN: true,
    }),
    withoutEmpty(env),
  );
  return {
    url: settings.OTTO_URL,
    token: settings.OTTO_TOKEN,
    publicUrl: settings.PUBLIC_URL,
    port: settings.PORT,
    /** Of the Otto that has the same settings, and of no other. */
    ownToken: settings.ADMIN_TOKEN ?? settings.READ_TOKEN,
    /** What https://no-color.org and https://force-color.org say; undefined where the terminal decides. */
    colors: env.NO_COLOR ? false : env.FORCE_COLOR ? true : env.TERM === "dumb" ? false : undefined,
  };
}

function withoutEmpty(env: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value.trim() !== ""),
  ) as Record<string, string>;
}

/** @throws {ConfigError} that names each variable which is wrong. */
function parseSettings<T extends z.ZodType>(schema: T, set: Record<string, string>): z.output<T> {
  const parsed = schema.safeParse(set);
  if (parsed.success) return parsed.data;
  throw new ConfigError(
    "Cannot start with these settings:\n" + parsed.error.issues
      .map((issue) => `  ${issue.path.join(".")} ${issue.message}`).join("\n"),
  );
}

/** What each setting means to the program. */
function toConfig(
  settings: Settings,
  { model, secrets, names }: {
    model: ModelSettings | undefined;
    secrets: Secrets;
    names: readonly string[];
  },
) {
  const prices = readPrices(settings.AGENT_PRICES);
  const denoDeploy = readDenoDeploy(settings);
  const acts = denoDeploy?.acts ?? true;
  const reach = {
    host: settings.HOST,
    publicUrl: settings.PUBLIC_URL ?? deployedUrl(denoDeploy),
    trustedProxies: settings.TRUST_PROXY,
    allowedHosts: settings.ALLOWED_HOSTS.map((host) => host.toLowerCase()),
    /** Whether the platform decides where Otto listens, whatever `HOST` says. */
    hosted: [settings.DENO_DEPLOY, settings.DENO_DEPLOYMENT_ID, settings.DENO_SERVE_ADDRESS]
      .some((value) => value !== undefined),
  };
  const alone = isAlone(reach);
  return {
    ...reach,
    /** Set on Deno Deploy, where a process lives as long as requests come. */
    denoDeploy,
    port: settings.PORT,
    databaseUrl: settings.DATABASE_URL,
    /** Whether statements are prepared; unset, as the server or a pooler before it lets us. */
    // The URL that Deno Deploy hands in may lead to a pooler and not say so.
    databasePrepare: settings.DATABASE_PREPARE ?? (denoDeploy ? false : undefined),
    /** The most connections of this process, unless the URL says so. */
    databaseConnections: settings.DATABASE_CONNECTIONS,
    /** The same where neither says anything. */
    usualConnections: denoDeploy ? ISOLATE_CONNECTIONS : undefined,
    redisUrl: settings.REDIS_URL,
    redisDurable: settings.REDIS_DURABLE,
    dataDir: settings.OTTO_DATA_DIR,
    /** Whether the web process works by itself. */
    worksInline: settings.DATABASE_URL === undefined || settings.WORKER === "inline",
    /** Whether workers of others do the agent's work, by ARQ's protocol. */
    agentIsExternal: settings.AGENT === "external",
    arqQueue: settings.ARQ_QUEUE,
    arqFunction: settings.ARQ_FUNCTION,
    /** A job that nobody has started for so many seconds is told of. */
    agentStartSeconds: settings.AGENT_START_DEADLINE,
    adminToken: settings.ADMIN_TOKEN,
    /** Whoever shows it may look at everything and change nothing. */
    readToken: settings.READ_TOKEN,
    /** Whoever shows it may have what waits worked off, and nothing else. */
    drainToken: settings.DRAIN_TOKEN,
    /** What the shell shows to an Otto elsewhere. */
    shellToken: settings.OTTO_TOKEN,
    /** The largest body in bytes, where it was set for all sources. */
    maxBodyBytes: settings.MAX_BODY_BYTES,
    retentionDays: settings.RETENTION_DAYS,
    /** What messages said, bodies and headers, is dropped after so long; their rows stay. */
    bodyRetentionDays: Math.min(
      settings.BODY_RETENTION_DAYS ?? settings.RETENTION_DAYS,
      settings.RETENTION_DAYS,
    ),
    /** The same for messages that nobody vouched for; never longer than the others. */
    unverifiedRetentionDays: Math.min(
      settings.UNVERIFIED_RETENTION_DAYS ?? (alone ? Infinity : UNVERIFIED_DAYS),
      settings.RETENTION_DAYS,
    ),
    /**
     * What is taken unverified in a day of one type from one client prefix, where strangers can
     * send; undefined on a machine that is alone.
     */
    unverifiedDaily: alone ? undefined : {
      messages: settings.UNVERIFIED_DAILY_MESSAGES,
      bytes: settings.UNVERIFIED_DAILY_BYTES,
    },
    /** No longer accepted; they only explain why a message was refused. */
    retiredSecrets: settings.RETIRED_WEBHOOK_SECRETS,
    requireVerified: settings.WEBHOOK_REQUIRE_VERIFIED,
    /** What the operator says of the sources; see docs/sources-file.md. */
    sourcesFile: settings.SOURCES_FILE,
    /** Names that our own agent has in other systems, as patterns: what they do makes no task. */
    agentAccounts: settings.AGENT_ACCOUNTS,
    model,
    /** Of every provider, also of those that are not asked. */
    apiKeys: [settings.GOOGLE_API_KEY, settings.OPENAI_API_KEY, settings.ANTHROPIC_API_KEY],
    agent: {
      mode: acts || settings.AGENT_MODE === "off" ? settings.AGENT_MODE ?? "on" : "observe",
      specialization: settings.SPECIALIZATION,
      instructions: settings.ADDITIONAL_INSTRUCTIONS,
      /** Webhook types, in lower case. */
      trustUnverified: settings.AGENT_TRUST_UNVERIFIED.map((type) => type.toLowerCase()),
      /** Files, and JSON itself; see docs/agent.md. */
      configFile: settings.AGENT_CONFIG,
      /** Of the model in use; undefined where none is set. */
      price: model && prices.get(`${model.provider}/${model.model}`),
      /** What kept messages may be tried with, the model in use first; none where there is none. */
      trialModels: readTrialModels(settings, {
        model,
        listed: settings.AGENT_TRIAL_MODELS,
        prices,
      }),
      mcpFile: settings.MCP_SERVERS,
      mcpJson: settings.MCP_CONFIG_JSON,
    },
    slack: {
      botToken: settings.SLACK_BOT_TOKEN,
      apiUrl: settings.SLACK_API_URL,
      /** The channel that outcomes are told in, by source or `webhook_type`; `*` is all others. */
      channels: settings.SLACK_CHANNELS,
      /**
       * Of these webhook types or sources, in lower case, what strangers send is told, too; `*` is
       * all of them.
       */
      unverifiedTypes: settings.SLACK_UNVERIFIED_TYPES.map((type) => type.toLowerCase()),
      /** Who may approve, deny, answer and retry in Slack. */
      approvers: settings.SLACK_APPROVERS,
    },
    /** Who is told of what needs somebody: Slack's ids by `refused:github`, `*:github`, `refused` or `*`. */
    notifyRoutes: settings.NOTIFY_ROUTES,
    /** Called each minute while messages can be kept and worked. */
    heartbeatUrl: settings.HEARTBEAT_URL,
    /** In which the operator's people live; of senders, too, whose weeks are compared. */
    timeZone: settings.TIMEZONE,
    /** How messages are answered where they came from, by source. */
    replies: readReplyAccesses(settings),
    /** People's numbers that begin so are answered without a person's word. */
    replyTwilioPrefixes: settings.REPLY_TWILIO_PREFIXES,
    logLevel: settings.LOG_LEVEL,
    /** What the image was built from; undefined where nobody said. */
    commit: settings.OTTO_COMMIT,
    /** Of senders, by variable; another map as soon as `SECRETS_FILE` has changed. */
    get secrets() {
      return secrets.all();
    },
    /** Where they come from. */
    secretsFrom: secrets,
    /** The names of all variables that are set. */
    variableNames: names,
    hostName: settings.HOSTNAME,
  };
}

function readModel(settings: Settings): ModelSettings | undefined {
  const model = chooseModel(settings);
  if (typeof model === "string") throw new ConfigError(model);
  if (model === undefined && (settings.AGENT_MODE ?? "off") !== "off") {
    throw new ConfigError(
      `Cannot start with AGENT_MODE=${settings.AGENT_MODE}: no model is configured. ` +
        `Set ${MODEL_VARIABLES}, or unset AGENT_MODE.`,
    );
  }
  return model;
}
