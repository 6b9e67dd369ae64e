import process from "node:process";
import { z } from "zod";
import { LOG_LEVELS } from "../process/log.ts";
import { chooseModel, MODEL_VARIABLES } from "./model_settings.ts";
import { Refusal } from "../process/refusal.ts";
import { secretVariable } from "../../sources/kit/secret_variable.ts";

const MIB = 1024 * 1024;

/** The environment, parsed once. Nobody else reads it. */
export type Config = ReturnType<typeof readConfig>;

/** A setting that Otto cannot start with; the message says what to set. */
export class ConfigError extends Refusal {
  override name = "ConfigError";
}

/**
 * `on`: the model's agent works. `observe`: it works without any effect and its
 * timeline says what it would have done. `off`: no model is asked.
 */
const AGENT_MODES = ["off", "observe", "on"] as const;
export type AgentMode = typeof AGENT_MODES[number];

const flag = z.enum(["1", "true", "yes", "on", "0", "false", "no", "off"], {
  error: 'must be "true" or "false"',
}).transform((text) => ["1", "true", "yes", "on"].includes(text));

const list = z.string().transform((text) =>
  text.split(",").map((item) => item.trim()).filter((item) => item !== "")
);

/** Ids of people, as Slack has them. */
const slackUsers = list.refine((ids) => ids.every((id) => /^[UW][A-Z0-9]{2,30}$/.test(id)), {
  error: 'must be Slack user ids, separated by commas, such as "U0123ABCD,U0456EFGH"',
});

/** `github=C0123,stripe=C0456,*=C0789` as a map from source to channel id. */
const slackChannels = list.transform((pairs) => pairs.map((pair) => pair.split(/\s*=\s*/)))
  .refine(
    (pairs) =>
      pairs.every(([source, channel, ...rest]) =>
        /^(\*|[A-Za-z0-9._-]{1,64})$/.test(source) && /^[CDG][A-Z0-9]{2,30}$/.test(channel) &&
        rest.length === 0
      ),
    {
      error: 'must be pairs of a source and a channel id, such as "github=C0123ABCD,*=C0456EFGH" ' +
        "(the id is at the end of the channel's details in Slack)",
    },
  )
  .transform((pairs): ReadonlyMap<string, string> =>
    new Map(pairs.map(([source, channel]) => [source.toLowerCase(), channel]))
  );

const url = (...protocols: string[]) =>
  z.string().refine((text) => URL.canParse(text) && protocols.includes(new URL(text).protocol), {
    error: `must be a URL that starts with ${protocols.map((each) => `${each}//`).join(" or ")}`,
  });

const schema = z.object({
  PORT: z.coerce.number({ error: "must be a port number" }).int().min(0).max(65535).default(8000),
  HOST: z.string().default("127.0.0.1"),
  DATABASE_URL: url("postgres:", "postgresql:").optional(),
  DATABASE_PREPARE: flag.default(true),
  REDIS_URL: url("redis:", "rediss:").optional(),
  REDIS_DURABLE: flag.default(false),
  OTTO_DATA_DIR: z.string().default("./.otto"),
  WORKER: z.enum(["inline"], {
    error: 'must be "inline" (work inside the web process) or unset',
  }).optional(),
  AGENT: z.enum(["builtin", "external"], {
    error: 'must be "builtin" (Otto works on tasks) or "external" (Python ARQ workers do)',
  }).default("builtin"),
  ARQ_QUEUE: z.string().max(200).default("arq:interactive"),
  ARQ_FUNCTION: z.string().max(200).default("run_task"),
  AGENT_START_DEADLINE: z.coerce.number({ error: "must be a number of seconds" }).min(1)
    .default(300),
  ADMIN_TOKEN: z.string().min(16, { error: "must have at least 16 characters" }).optional(),
  READ_TOKEN: z.string().min(16, { error: "must have at least 16 characters" }).optional(),
  PUBLIC_URL: url("https:", "http:").refine((text) => {
    const { origin, href } = URL.parse(text) ?? {};
    return origin === undefined || href === `${origin}/`;
  }, {
    error:
      'must be a scheme and a host, without path, query or user, such as "https://otto.example.com"',
  }).transform((text) => new URL(text).origin).optional(),
  TRUST_PROXY: z.string().regex(/^(\d+|true|false)$/, {
    error: 'must be the number of proxies in front of Otto, such as "1"',
  }).transform((text) => text === "true" ? 1 : text === "false" ? 0 : Number(text)).default(0),
  ALLOWED_HOSTS: list.default([]),
  MAX_BODY_BYTES: z.coerce.number({ error: "must be a number of bytes" }).int().min(1024)
    .max(25 * MIB, { error: `must be at most ${25 * MIB} (25 MiB)` }).optional(),
  RETENTION_DAYS: z.coerce.number({ error: "must be a number of days" }).min(1)
    .max(36_500, { error: "must be at most 36500" }).default(90),
  RETIRED_WEBHOOK_SECRETS: list.default([]),
  SOURCES_FILE: z.string().optional(),
  AGENT_ACCOUNTS: list.default([]),
  WEBHOOK_REQUIRE_VERIFIED: flag.default(false),
  USE_GEMINI: flag.default(false),
  GOOGLE_API_KEY: z.string().optional(),
  GEMINI_MODEL: z.string().default("gemini-3.1-pro-preview-customtools"),
  GOOGLE_GEMINI_BASE_URL: url("https:", "http:")
    .default("https://generativelanguage.googleapis.com"),
  USE_OLLAMA: flag.default(false),
  OLLAMA_BASE_URL: url("https:", "http:").default("http://localhost:11434"),
  OLLAMA_MODEL: z.string().default("gpt-oss:latest"),
  OPENAI_API_KEY: z.string().optional(),
  OPENAI_MODEL: z.string().default("gpt-5-mini"),
  OPEN_AI_BASE: url("https:", "http:").optional(),
  ANTHROPIC_API_KEY: z.string().optional(),
  ANTHROPIC_MODEL: z.string().default("claude-sonnet-5-5"),
  ANTHROPIC_BASE_URL: url("https:", "http:").default("https://api.anthropic.com"),
  SPECIALIZATION: z.string().max(4_000, { error: "must have at most 4000 characters" }).optional(),
  ADDITIONAL_INSTRUCTIONS: z.string().max(20_000, {
    error: "must have at most 20000 characters",
  }).optional(),
  AGENT_MODE: z.enum(AGENT_MODES, {
    error: `must be one of ${AGENT_MODES.join(", ")}`,
  }).optional(),
  AGENT_TRUST_UNVERIFIED: list.default([]),
  AGENT_CONFIG: z.string().optional(),
  MCP_SERVERS: z.string().optional(),
  MCP_CONFIG_JSON: z.string().optional(),
  SLACK_BOT_TOKEN: z.string().regex(/^[\x21-\x7e]+$/, {
    error: 'must be the bot token of a Slack app, which starts with "xoxb-"',
  }).optional(),
  SLACK_API_URL: url("https:", "http:").transform((text) => text.replace(/\/+$/, ""))
    .default("https://slack.com/api"),
  SLACK_CHANNELS: slackChannels.default(new Map()),
  SLACK_APPROVERS: slackUsers.default([]),
  LOG_LEVEL: z.enum(LOG_LEVELS, {
    error: `must be one of ${LOG_LEVELS.join(", ")}`,
  }).default("info"),
});

/**
 * Reads the settings from the environment; an empty value is unset.
 *
 * @throws {ConfigError} naming every variable that is wrong, what it must be,
 * and never its value (it may be a secret).
 */
export function readConfig(env: Record<string, string | undefined> = process.env) {
  const set = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value.trim() !== ""),
  ) as Record<string, string>;
  const parsed = schema.safeParse(set);
  if (!parsed.success) {
    throw new ConfigError(
      "Cannot start with these settings:\n" + parsed.error.issues
        .map((issue) => `  ${issue.path.join(".")} ${issue.message}`).join("\n"),
    );
  }
  const settings = parsed.data;
  if (settings.REDIS_URL && !settings.DATABASE_URL) {
    throw new ConfigError(
      "Cannot start with REDIS_URL alone: messages are kept in PostgreSQL and Redis only " +
        "brings them to workers. Set DATABASE_URL too, or unset REDIS_URL.",
    );
  }
  if (settings.AGENT === "external" && !settings.REDIS_URL) {
    throw new ConfigError(
      "Cannot hand tasks to an external agent without Redis: its workers take them from an ARQ " +
        "queue there. Set REDIS_URL (and DATABASE_URL), or unset AGENT to let Otto do the work.",
    );
  }
  if (settings.READ_TOKEN !== undefined && settings.READ_TOKEN === settings.ADMIN_TOKEN) {
    throw new ConfigError(
      "Cannot start with READ_TOKEN and ADMIN_TOKEN the same: whoever should only look could " +
        "change everything. Make READ_TOKEN another text, or unset it.",
    );
  }
  if (!settings.DATABASE_URL && (set.DENO_DEPLOY || set.DENO_DEPLOYMENT_ID)) {
    throw new ConfigError(
      "Cannot keep messages on Deno Deploy without a database: its disk does not last. " +
        "Link a Postgres database, or set DATABASE_URL.",
    );
  }
  const model = chooseModel(settings);
  if (typeof model === "string") throw new ConfigError(model);
  if (model === undefined && (settings.AGENT_MODE ?? "off") !== "off") {
    throw new ConfigError(
      `Cannot start with AGENT_MODE=${settings.AGENT_MODE}: no model is configured. ` +
        `Set ${MODEL_VARIABLES}, or unset AGENT_MODE.`,
    );
  }
  return {
    port: settings.PORT,
    host: settings.HOST,
    databaseUrl: settings.DATABASE_URL,
    databasePrepare: settings.DATABASE_PREPARE,
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
    publicUrl: settings.PUBLIC_URL,
    trustedProxies: settings.TRUST_PROXY,
    allowedHosts: settings.ALLOWED_HOSTS.map((host) => host.toLowerCase()),
    /** The largest body in bytes, where it was set for all sources. */
    maxBodyBytes: settings.MAX_BODY_BYTES,
    retentionDays: settings.RETENTION_DAYS,
    /** No longer accepted; they only explain why a message was refused. */
    retiredSecrets: settings.RETIRED_WEBHOOK_SECRETS,
    requireVerified: settings.WEBHOOK_REQUIRE_VERIFIED,
    /** What the operator says of the sources; see docs/sources-file.md. */
    sourcesFile: settings.SOURCES_FILE,
    /** Names that our own agent has in other systems, as patterns: what they do makes no task. */
    agentAccounts: settings.AGENT_ACCOUNTS,
    model,
    agent: {
      mode: settings.AGENT_MODE ?? "on",
      specialization: settings.SPECIALIZATION,
      instructions: settings.ADDITIONAL_INSTRUCTIONS,
      /** Webhook types, in lower case. */
      trustUnverified: settings.AGENT_TRUST_UNVERIFIED.map((type) => type.toLowerCase()),
      /** Files, and JSON itself; see docs/agent.md. */
      configFile: settings.AGENT_CONFIG,
      mcpFile: settings.MCP_SERVERS,
      mcpJson: settings.MCP_CONFIG_JSON,
    },
    slack: {
      botToken: settings.SLACK_BOT_TOKEN,
      apiUrl: settings.SLACK_API_URL,
      /** The channel that outcomes are told in, by source or `webhook_type`; `*` is all others. */
      channels: settings.SLACK_CHANNELS,
      /** Who may approve, deny, answer and retry in Slack. */
      approvers: settings.SLACK_APPROVERS,
    },
    logLevel: settings.LOG_LEVEL,
    secrets: readSecrets(set),
    hostName: set.HOSTNAME,
  };
}

/** How vendors end the names of their secrets; a source that calls its own otherwise would not be heard. */
const SECRET_NAME = new RegExp(
  "^WEBHOOK_SECRET_|_(WEBHOOK_SECRET|WEBHOOK_SECRET_TOKEN|WEBHOOK_SIGNING_KEY|" +
    "WEBHOOK_SIGNING_SECRET|WEBHOOK_SIGNATURE_KEY|WEBHOOK_PUBLIC_KEY|WEBHOOK_ID|SIGNING_SECRET|" +
    "CLIENT_SECRET|APP_SECRET|API_SECRET|CONSUMER_SECRET|AUTH_TOKEN|PUBLIC_KEY|VERIFY_TOKEN)$",
);

/** Every variable that may hold a webhook secret, by name; several are separated by commas. */
function readSecrets(set: Record<string, string>): ReadonlyMap<string, readonly string[]> {
  const names = Object.keys(set).filter((name) => SECRET_NAME.test(name));
  const secrets = new Map(names.map((name) => [name, list.parse(set[name])]));
  const blank = names.filter((name) => secrets.get(name)!.length === 0);
  if (blank.length === 0) return secrets;
  // As if it were unset would be to let everybody in.
  throw new ConfigError(
    `Cannot start with ${blank.join(", ")}: there are commas and no secret. Set it, or unset it.`,
  );
}

/** The secrets of a source: from the vendor's own variable and from `WEBHOOK_SECRET_{SOURCE}`. */
export function secretsOf(
  config: Pick<Config, "secrets">,
  name: string,
  vendorVariable?: string,
): readonly string[] {
  return [vendorVariable, secretVariable(name)]
    .flatMap((variable) => (variable && config.secrets.get(variable)) || []);
}

/** Every secret among the settings, so that it can be kept out of what is written and sent. */
export function secretsIn(
  { secrets, retiredSecrets, adminToken, databaseUrl, redisUrl, model, slack }: Config,
): string[] {
  const passwords = [databaseUrl, redisUrl].map((url) =>
    url === undefined ? "" : decodeURIComponent(new URL(url).password)
  );
  return [
    adminToken,
    model?.apiKey,
    slack.botToken,
    ...passwords,
    ...retiredSecrets,
    ...[...secrets.values()].flat(),
  ]
    .filter((secret) => secret !== undefined && secret !== "") as string[];
}
