import { readFileSync } from "node:fs";
import type { ShellConfig } from "../lib/config/config.ts";
import { errorText } from "../lib/process/log.ts";
import { Refusal } from "../lib/process/refusal.ts";
import { EXIT } from "./exit.ts";

/** The Otto that is spoken to. */
export interface Target {
  /** Scheme, host and port. */
  readonly origin: string;
  /** What says so, for people. */
  readonly by: string;
  readonly token?: string;
}

/**
 * The Otto of `--url`, else of OTTO_URL, else the one with this machine's settings; with the token
 * of `--token-file`, else OTTO_TOKEN. The tokens of this machine's settings go to its own Otto alone.
 *
 * @throws {Refusal} when the URL is none, or the file cannot be read.
 */
export function chooseTarget(
  { url, tokenFile }: { url?: string; tokenFile?: string },
  config: ShellConfig,
): Target {
  const [given, by] = url !== undefined
    ? [url, "--url"]
    : config.url !== undefined
    ? [config.url, "OTTO_URL"]
    : config.publicUrl !== undefined
    ? [config.publicUrl, "PUBLIC_URL"]
    : [localOrigin(config), "PORT"];
  const isOwn = by === "PUBLIC_URL" || by === "PORT";
  const token = tokenFile !== undefined ? readToken(tokenFile) : config.token;
  return {
    origin: requireOrigin(given, by),
    by,
    token: token ?? (isOwn ? config.ownToken : undefined),
  };
}

/** Where an Otto with these settings listens on this machine. */
export function localOrigin({ port }: Pick<ShellConfig, "port">): string {
  return `http://localhost:${port}`;
}

/** @throws {Refusal} when it is no address of an Otto. */
export function requireOrigin(text: string, name: string): string {
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new Refusal(
      `${name} needs a URL that starts with http:// or https://, not "${text.slice(0, 200)}"`,
      EXIT.wrongUse,
    );
  }
  if (url.username || url.password) {
    throw new Refusal(
      `${name} may hold no user and password: set OTTO_TOKEN, or name a --token-file`,
      EXIT.wrongUse,
    );
  }
  return url.origin;
}

function readToken(path: string): string {
  const token = readGiven(path, "--token-file").toString("utf8").trim();
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new Refusal(
    `Cannot use the token in ${path}: ${
      token === "" ? "it is empty" : "it is not one word of ASCII"
    }`,
    EXIT.wrongUse,
  );
}

/**
 * The bytes of a file that was named at the command line; `-` is what comes by stdin.
 *
 * @throws {Refusal} that says why it cannot be read.
 */
export function readGiven(path: string, option: string) {
  try {
    return readFileSync(path === "-" ? 0 : path);
  } catch (error) {
    const text = errorText(error);
    throw new Refusal(
      /requires read access/i.test(text)
        ? `Cannot read ${path}: this task may read Otto's own folder only. ` +
          `Give it by stdin: ${option} - < ${path}`
        : `Cannot read ${path} of ${option}: ${text}`,
      EXIT.wrongUse,
    );
  }
}
