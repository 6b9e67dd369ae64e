import { createRegistry, type Registry } from "../../sources/rules/registry.ts";
import { sourcesFile } from "../../sources/rules/settings.ts";
import { type Config, ConfigError } from "./config.ts";
import { readJsonFile } from "./json_file.ts";

/**
 * The sources as the operator's file (`SOURCES_FILE`, see docs/sources-file.md) has
 * them; without one, as they are.
 *
 * @throws {ConfigError} that names the file, the line and what would be right.
 */
export function readSources({ sourcesFile: file }: Pick<Config, "sourcesFile">): Registry {
  return createRegistry(file === undefined ? {} : readJsonFile("SOURCES_FILE", file, sourcesFile));
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
