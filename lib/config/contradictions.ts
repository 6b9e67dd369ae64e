import { ConfigError } from "./config_error.ts";
import type { Settings } from "./settings.ts";

/**
 * Refuses settings that are right one by one and cannot stand together.
 *
 * @throws {ConfigError} that says which, and what to set.
 */
export function refuseContradictions(settings: Settings): void {
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
  if (settings.NOTIFY_ROUTES.size > 0 && settings.SLACK_BOT_TOKEN === undefined) {
    throw new ConfigError(
      "Cannot tell people in Slack, as NOTIFY_ROUTES says: SLACK_BOT_TOKEN is not set. Set it " +
        "(see docs/slack.md), or unset NOTIFY_ROUTES.",
    );
  }
  if (
    settings.DRAIN_TOKEN !== undefined &&
    [settings.ADMIN_TOKEN, settings.READ_TOKEN].includes(settings.DRAIN_TOKEN)
  ) {
    throw new ConfigError(
      "Cannot start with DRAIN_TOKEN the same as ADMIN_TOKEN or READ_TOKEN: what a scheduler " +
        "elsewhere has should be good for nothing else. Make it another text, or unset it.",
    );
  }
  if (!settings.DATABASE_URL && (settings.DENO_DEPLOY || settings.DENO_DEPLOYMENT_ID)) {
    throw new ConfigError(
      "Cannot keep messages on Deno Deploy without a database: its disk does not last. " +
        "Link a Postgres database, or set DATABASE_URL.",
    );
  }
}
