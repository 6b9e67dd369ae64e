import { z } from "zod";
import { LOG_LEVELS } from "../process/log.ts";
import { replySettings } from "./reply_settings.ts";

const MIB = 1024 * 1024;
/** The largest that a sender of ours has, Postmark with mail: Otto takes no more from anybody. */
export const MOST_BODY_BYTES = 35 * MIB;

/**
 * A message each four seconds, all day and all night. Senders that cannot sign are mostly monitors
 * (Grafana, Alertmanager, Uptime Kuma): a very busy one that repeats 50 alerts each ten minutes
 * sends 7,200 a day, and of 2 to 5 KB each.
 */
const UNVERIFIED_MESSAGES = 20_000;
/** 13 KB for each of {@link UNVERIFIED_MESSAGES}; ten senders that fill it for a week write 18 GB. */
const UNVERIFIED_BYTES = 256 * MIB;

/**
 * `on`: the model's agent works. `observe`: it works without any effect and its
 * timeline says what it would have done. `off`: no model is asked.
 */
const AGENT_MODES = ["off", "observe", "on"] as const;
export type AgentMode = typeof AGENT_MODES[number];

const flag = z.enum(["1", "true", "yes", "on", "0", "false", "no", "off"], {
  error: 'must be "true" or "false"',
}).transform((text) => ["1", "true", "yes", "on"].includes(text));

/** Texts between commas. */
export const list = z.string().transform((text) =>
  text.split(",").map((item) => item.trim()).filter((item) => item !== "")
);

/** Names as they stand in a webhook's URL; another text would be none that comes. */
const webhookTypes = list.refine((types) => types.every((type) => /^[\w.-]{1,64}$/.test(type)), {
  error: 'must be names in webhooks\' URLs, separated by commas, such as "demo,acme"',
});
const webhookTypesOrAll = list.refine(
  (types) => types.every((type) => /^(\*|[\w.-]{1,64})$/.test(type)),
  { error: 'must be names in webhooks\' URLs, separated by commas, such as "demo,acme", or "*"' },
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

/** What a route of `NOTIFY_ROUTES` may be about. */
export const NEED_KINDS = ["refused", "failed", "needs_you", "silent"] as const;
export type NeedKind = typeof NEED_KINDS[number];

const ROUTE = new RegExp(
  `^((?:${
    NEED_KINDS.join("|")
  }|\\*)(?::[A-Za-z0-9._-]{1,64})?)\\s*=\\s*slack:([CDGUW][A-Z0-9]{2,30})$`,
);

/** `refused:github=slack:C0123,*=slack:U0456` as a map from what to whom. */
const notifyRoutes = list.refine((routes) => routes.every((route) => ROUTE.test(route)), {
  error:
    `must be pairs of what and whom, such as "refused:github=slack:C0123ABCD,*=slack:U0456EFGH": ` +
    `first one of ${NEED_KINDS.join(", ")} or *, perhaps with a source after a colon; then a ` +
    "channel's or a person's id in Slack",
}).transform((routes): ReadonlyMap<string, readonly string[]> => {
  const pairs = routes.map((route) => ROUTE.exec(route)!);
  const grouped = Map.groupBy(pairs, ([, what]) => what.toLowerCase());
  return new Map([...grouped].map(([what, its]) => [what, its.map(([, , whom]) => whom)]));
});

/** Whether this runtime knows a time zone of this name. */
function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).format() !== "";
  } catch {
    return false;
  }
}

/** An address with one of the protocols. */
const url = (...protocols: string[]) =>
  z.string().refine((text) => URL.canParse(text) && protocols.includes(new URL(text).protocol), {
    error: `must be a URL that starts with ${protocols.map((each) => `${each}//`).join(" or ")}`,
  });

/** Whether every % of a text begins a code of two hex digits. */
function isPercentEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/** A % that stands for itself, most often in a password: the drivers would throw a bare URIError. */
const BARE_PERCENT = {
  error: "has a % that begins no code of two hex digits: write % itself as %25",
};

/** Only its beginning is looked at here: several hosts with ports of their own are no URL of the web. */
const databaseUrl = z.string().refine((text) => /^postgres(ql)?:\/\//.test(text), {
  error: "must be a URL that starts with postgres:// or postgresql://",
}).refine(isPercentEncoded, BARE_PERCENT);

/** Every setting that has a name of its own; secrets of sources have as many names as there are sources. */
export const settingsSchema = z.object({
  PORT: z.coerce.number({ error: "must be a port number" }).int().min(0).max(65535).default(8000),
  HOST: z.string().default("127.0.0.1"),
  DATABASE_URL: databaseUrl.optional(),
  DATABASE_PREPARE: flag.optional(),
  DATABASE_CONNECTIONS: z.coerce.number({ error: "must be a number of connections" })
    .int({ error: "must be a whole number" }).min(1, { error: "must be at least 1" })
    .max(1_000, { error: "must be at most 1000" }).optional(),
  REDIS_URL: url("redis:", "rediss:").refine(isPercentEncoded, BARE_PERCENT).optional(),
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
  DRAIN_TOKEN: z.string().min(16, { error: "must have at least 16 characters" }).optional(),
  OTTO_URL: url("https:", "http:").optional(),
  OTTO_TOKEN: z.string().optional(),
  OTTO_COMMIT: z.string().regex(/^[0-9a-f]{7,64}$/, {
    error: "must be a commit's id: 7 to 64 hexadecimal digits",
  }).optional(),
  ACT_ON_TIMELINES: list.default([]),
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
    .max(MOST_BODY_BYTES, {
      error: `must be at most ${MOST_BODY_BYTES} (${MOST_BODY_BYTES / MIB} MiB)`,
    }).optional(),
  RETENTION_DAYS: z.coerce.number({ error: "must be a number of days" }).min(1)
    .max(36_500, { error: "must be at most 36500" }).default(90),
  BODY_RETENTION_DAYS: z.coerce.number({ error: "must be a number of days" }).min(1)
    .max(36_500, { error: "must be at most 36500" }).optional(),
  UNVERIFIED_RETENTION_DAYS: z.coerce.number({ error: "must be a number of days" }).min(1)
    .max(36_500, { error: "must be at most 36500" }).optional(),
  UNVERIFIED_DAILY_MESSAGES: z.coerce.number({ error: "must be a number of messages" }).int().min(1)
    .default(UNVERIFIED_MESSAGES),
  UNVERIFIED_DAILY_BYTES: z.coerce.number({ error: "must be a number of bytes" }).int().min(1024)
    .default(UNVERIFIED_BYTES),
  RETIRED_WEBHOOK_SECRETS: list.default([]),
  SOURCES_FILE: z.string().optional(),
  SECRETS_FILE: z.string().optional(),
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
  AGENT_TRUST_UNVERIFIED: webhookTypes.default([]),
  AGENT_CONFIG: z.string().optional(),
  AGENT_PRICES: z.string().optional(),
  AGENT_TRIAL_MODELS: list.default([]),
  MCP_SERVERS: z.string().optional(),
  MCP_CONFIG_JSON: z.string().optional(),
  SLACK_BOT_TOKEN: z.string().regex(/^[\x21-\x7e]+$/, {
    error: 'must be the bot token of a Slack app, which starts with "xoxb-"',
  }).optional(),
  SLACK_API_URL: url("https:", "http:").transform((text) => text.replace(/\/+$/, ""))
    .default("https://slack.com/api"),
  SLACK_CHANNELS: slackChannels.default(new Map()),
  SLACK_UNVERIFIED_TYPES: webhookTypesOrAll.default([]),
  NOTIFY_ROUTES: notifyRoutes.default(new Map()),
  HEARTBEAT_URL: url("https:", "http:").refine((text) => {
    const { username, password } = URL.parse(text) ?? {};
    return !username && !password;
  }, { error: "must be a URL without user and password" }).optional(),
  TIMEZONE: z.string().refine(isTimeZone, {
    error: 'must be the name of a time zone, such as "Europe/Berlin"',
  }).default(() => new Intl.DateTimeFormat().resolvedOptions().timeZone),
  SLACK_APPROVERS: slackUsers.default([]),
  LOG_LEVEL: z.enum(LOG_LEVELS, {
    error: `must be one of ${LOG_LEVELS.join(", ")}`,
  }).default("info"),
  ...replySettings,
  // These are set by the machine or the host, not by a person.
  HOSTNAME: z.string().optional(),
  DENO_DEPLOY: z.string().optional(),
  DENO_DEPLOY_ORG_SLUG: z.string().optional(),
  DENO_DEPLOY_APP_SLUG: z.string().optional(),
  DENO_DEPLOYMENT_ID: z.string().optional(),
  DENO_TIMELINE: z.string().optional(),
  DENO_SERVE_ADDRESS: z.string().optional(),
});

/** The environment's settings, parsed. */
export type Settings = z.infer<typeof settingsSchema>;

/** The names of the settings. */
export const SETTING_NAMES: readonly string[] = Object.keys(settingsSchema.shape);
