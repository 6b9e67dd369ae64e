import process from "node:process";
import { z } from "zod";
import { LOG_LEVELS } from "./log.ts";
import { Refusal } from "./refusal.ts";

const MIB = 1024 * 1024;

/** The environment, parsed once. Nobody else reads it. */
export type Config = ReturnType<typeof readConfig>;

/** A setting that Otto cannot start with; the message says what to set. */
export class ConfigError extends Refusal {
  override name = "ConfigError";
}

const flag = z.enum(["1", "true", "yes", "on", "0", "false", "no", "off"], {
  error: 'must be "true" or "false"',
}).transform((text) => ["1", "true", "yes", "on"].includes(text));

const list = z.string().transform((text) =>
  text.split(",").map((item) => item.trim()).filter((item) => item !== "")
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
  ADMIN_TOKEN: z.string().min(16, { error: "must have at least 16 characters" }).optional(),
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
  RETENTION_DAYS: z.coerce.number({ error: "must be a number of days" }).min(1).default(90),
  WEBHOOK_REQUIRE_VERIFIED: flag.default(false),
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
  if (!settings.DATABASE_URL && (set.DENO_DEPLOY || set.DENO_DEPLOYMENT_ID)) {
    throw new ConfigError(
      "Cannot keep messages on Deno Deploy without a database: its disk does not last. " +
        "Link a Postgres database, or set DATABASE_URL.",
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
    adminToken: settings.ADMIN_TOKEN,
    publicUrl: settings.PUBLIC_URL,
    trustedProxies: settings.TRUST_PROXY,
    allowedHosts: settings.ALLOWED_HOSTS.map((host) => host.toLowerCase()),
    /** The largest body in bytes, where it was set for all sources. */
    maxBodyBytes: settings.MAX_BODY_BYTES,
    retentionDays: settings.RETENTION_DAYS,
    requireVerified: settings.WEBHOOK_REQUIRE_VERIFIED,
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
  return new Map(names.map((name) => [name, list.parse(set[name])]));
}

/** The secrets of a source: from the vendor's own variable and from `WEBHOOK_SECRET_{SOURCE}`. */
export function secretsOf(
  config: Pick<Config, "secrets">,
  name: string,
  vendorVariable?: string,
): readonly string[] {
  return [vendorVariable, `WEBHOOK_SECRET_${name.toUpperCase()}`]
    .flatMap((variable) => (variable && config.secrets.get(variable)) || []);
}
