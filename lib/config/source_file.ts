import { createRegistry, type Registry } from "../../sources/rules/registry.ts";
import { sourcesFile } from "../../sources/rules/settings.ts";
import { type Config, ConfigError } from "./config.ts";
import { readJsonFile } from "./json_file.ts";
import { refuseUnreadSecrets } from "./start.ts";

/**
 * The sources as the operator's file (`SOURCES_FILE`, see docs/sources-file.md) has
 * them; without one, as they are.
 *
 * @throws {ConfigError} that names the file, the line and what would be right.
 */
export function readSources({ sourcesFile: file }: Pick<Config, "sourcesFile">): Registry {
  return createRegistry(file === undefined ? {} : readJsonFile("SOURCES_FILE", file, sourcesFile));
}

/**
 * Refuses rules that the rest of the configuration contradicts.
 *
 * @throws {ConfigError} that names what would be right.
 */
export function checkRules(
  config: Pick<Config, "retentionDays" | "secrets" | "slack">,
  sources: Registry,
): void {
  refuseUnreadSecrets(config, sources.all);
  channelsOf(config, sources);
  for (const name of sources.ruled) {
    const { retention_days: days, handshake = [] } = sources.settingsOf(name);
    if (days !== undefined && days > config.retentionDays) {
      throw new ConfigError(
        `Cannot keep messages of ${name} for ${days} days, as SOURCES_FILE says: all go after ` +
          `${config.retentionDays}. Set RETENTION_DAYS to ${days} or more, or retention_days to less.`,
      );
    }
    const { verifyTokenVariable: variable } = sources.all[name];
    const asks = handshake.some(({ token }) => token !== undefined);
    if (asks && (variable === undefined || !config.secrets.has(variable))) {
      throw new ConfigError(
        `Cannot answer the handshake of ${name}, as SOURCES_FILE says: the word that proves who ` +
          `asks is not set. Set ${variable} to it, or leave "token" out.`,
      );
    }
  }
}

/** What the agent is told of each source, by its name. */
export function instructionsOf({ all, settingsOf }: Registry): Map<string, string> {
  return new Map(
    Object.keys(all).flatMap((name) => {
      const { instruction } = settingsOf(name);
      return instruction === undefined ? [] : [[name, instruction]];
    }),
  );
}

/**
 * The Slack channels that outcomes are told in: of `SLACK_CHANNELS`, and of the file.
 *
 * @throws {ConfigError} when both name one for the same source.
 */
export function channelsOf(
  { slack: { channels } }: Pick<Config, "slack">,
  { all, settingsOf }: Registry,
): ReadonlyMap<string, string> {
  const both = new Map(channels);
  for (const name of Object.keys(all)) {
    const { notify } = settingsOf(name);
    if (!notify) continue;
    if (both.has(name)) {
      throw new ConfigError(
        `Cannot start with two channels for ${name}: one is in SOURCES_FILE, another in ` +
          "SLACK_CHANNELS. Leave one of them out.",
      );
    }
    both.set(name, notify.slack);
  }
  return both;
}
