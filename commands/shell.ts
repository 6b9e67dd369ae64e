import { readShellConfig } from "../lib/config/config.ts";
import { openRemote, type Remote } from "./remote.ts";
import { chooseTarget, type Target } from "./target.ts";
import { openTerminal, type Terminal } from "./terminal.ts";

/** What every command is done with. */
export interface Shell {
  readonly terminal: Terminal;
  /** Aborted by Ctrl-C, and by SIGTERM. */
  readonly signal: AbortSignal;
  /** The Otto that is meant. @throws {Refusal} when the options name none */
  target(): Target;
  /** The same, to be asked. @throws {Refusal} as above */
  remote(): Remote;
}

/** Options that every command has. */
export interface GlobalOptions {
  url?: string;
  tokenFile?: string;
  json?: boolean;
  quiet?: boolean;
  color: "auto" | "always" | "never";
}

/** @throws {ConfigError} when a setting that it needs is wrong. */
export function openShell(options: GlobalOptions, signal: AbortSignal): Shell {
  const config = readShellConfig();
  const colors = options.color === "auto" ? config.colors : options.color === "always";
  const target = () => chooseTarget(options, config);
  return {
    terminal: openTerminal({ ...options, colors }),
    signal,
    target,
    remote: () => openRemote(target(), signal),
  };
}
