import { clearInterval, setInterval } from "node:timers";
import {
  createLiveRegistry,
  type LiveRegistry,
  type Registry,
} from "../../sources/rules/registry.ts";
import { errorText, type Log } from "../process/log.ts";
import { type Config, ConfigError } from "./config.ts";
import { checkRules, readSources } from "./source_file.ts";

/** A file that has changed since it was read, and cannot be taken as it is now. */
export interface RefusedFile {
  /** The variable that names it. */
  variable: "SOURCES_FILE" | "SECRETS_FILE";
  why: string;
}

/** The operator's files as they are now: read again when their content changes. */
export interface Rules extends Disposable {
  readonly sources: Registry;
  /** What was read before stays as long as one of them is wrong. */
  refused(): readonly RefusedFile[];
  /** Looks at the files now, instead of at the next turn. */
  look(): void;
}

/** Files on a network do not tell of their changes, and those in a container are often links. */
const LOOK_MS = 2_000;

interface RulesOptions {
  config: Config;
  log: Log;
  /** Refuses rules that another part cannot have, or takes them over. */
  accept(sources: Registry): void;
}

/**
 * Reads the operator's files, and watches them.
 *
 * @throws {ConfigError} when they are wrong at the start.
 */
export function openRules({ config, log, accept }: RulesOptions): Rules {
  const sources = createLiveRegistry(readSources(config));
  checkRules(config, sources);
  accept(sources);
  const files = [
    createWatch("SOURCES_FILE", log, () => takeSources({ config, accept }, sources)),
    createWatch("SECRETS_FILE", log, () => takeSecrets(config, sources)),
  ].filter(({ variable }) =>
    (variable === "SOURCES_FILE" ? config.sourcesFile : config.secretsFrom.file) !== undefined
  );
  const look = () => {
    for (const file of files) file.look();
  };
  const timer = files.length > 0 ? setInterval(look, LOOK_MS) : undefined;
  timer?.unref();
  return {
    sources,
    look,
    refused: () => files.flatMap(({ variable, why }) => why() ? [{ variable, why: why()! }] : []),
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

interface Watch {
  variable: RefusedFile["variable"];
  look(): void;
  why(): string | undefined;
}

/** @param take takes what the file says now, and tells whether anything is new. */
function createWatch(variable: RefusedFile["variable"], log: Log, take: () => boolean): Watch {
  let suspected: string | undefined;
  let refused: string | undefined;
  return {
    variable,
    why: () => refused,
    look() {
      try {
        const isNew = take();
        if (isNew || refused !== undefined) log.info("rules.read", { variable });
        suspected = refused = undefined;
      } catch (error) {
        const why = error instanceof ConfigError ? error.message : errorText(error);
        // It may be half written: only what is as wrong the next time is wrong.
        if (why === suspected && why !== refused) {
          refused = why;
          log.error("rules.refused", {
            variable,
            error: why,
            hint: "What was read before stays; Otto would not start with it as it is now",
          });
        }
        suspected = why;
      }
    },
  };
}

function takeSources({ config, accept }: Omit<RulesOptions, "log">, now: LiveRegistry): boolean {
  const next = readSources(config);
  if (next.rules === now.rules) return false;
  checkRules(config, next);
  accept(next);
  now.replace(next);
  return true;
}

function takeSecrets(config: Config, sources: Registry): boolean {
  const next = config.secretsFrom.read();
  if (isSame(next, config.secrets)) return false;
  checkRules({ ...config, secrets: next }, sources);
  config.secretsFrom.adopt(next);
  return true;
}

function isSame(one: Config["secrets"], other: Config["secrets"]): boolean {
  const text = (secrets: Config["secrets"]) => JSON.stringify([...secrets].sort());
  return text(one) === text(other);
}
