import { createRegistry, type Registry } from "../sources/registry.ts";
import { sourcesFile } from "../sources/settings.ts";
import type { Config } from "./config.ts";
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
