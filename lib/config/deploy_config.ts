import { type Config, ConfigError, readConfig } from "./config.ts";

/**
 * Reads the settings of `deploy.ts`. Where the platform does not say so, because it runs elsewhere,
 * it is taken for the platform all the same.
 *
 * @throws {ConfigError} also for what only a host that strangers reach must have.
 */
export function readDeployConfig(
  env?: Record<string, string | undefined>,
): Config {
  const config = readConfig(env, { DENO_DEPLOY: "deploy.ts" });
  if (config.adminToken === undefined) {
    throw new ConfigError(
      "Cannot serve on Deno Deploy without ADMIN_TOKEN: a token that Otto makes by itself would " +
        "stand in the logs, which the whole organisation reads. Set ADMIN_TOKEN to a random text " +
        "of at least 16 characters, as a secret.",
    );
  }
  return config;
}
