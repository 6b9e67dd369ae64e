import process from "node:process";
import type { Redact } from "../redaction/redact.ts";
import { escapeControls } from "./controls.ts";

/** From the most that is said to nothing. */
export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = typeof LOG_LEVELS[number];
export type LogFields = Record<string, unknown>;

/** Says what happens, by event. */
export interface Log {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}

/**
 * A log of events: one JSON line each for machines, one readable line each on
 * a terminal. Values may hold what a sender wrote, so control, bidirectional
 * and line-separator characters are always escaped: an event is one line.
 *
 * @param options.redact takes secrets out: what a server says of a failure may repeat one.
 */
export function createLog(
  level: LogLevel,
  { readable = Boolean(process.stderr.isTTY), redact = (text) => text, write = writeLine }: {
    readable?: boolean;
    redact?: Redact;
    write?: (line: string) => void;
  } = {},
): Log {
  const threshold = LOG_LEVELS.indexOf(level);
  const at = (name: LogLevel) => (event: string, fields: LogFields = {}) => {
    if (LOG_LEVELS.indexOf(name) < threshold) return;
    const time = new Date().toISOString();
    const plain = Object.fromEntries(
      Object.entries(fields).map(([key, value]) => [key, printable(value, redact)]),
    );
    write(
      readable
        ? `${time.slice(11, 19)} ${name.padEnd(5)} ${escapeControls(event)}${pairs(plain)}`
        : escapeControls(JSON.stringify({ time, level: name, event, ...plain })),
    );
  };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

function writeLine(line: string): void {
  process.stderr.write(line + "\n");
}

/** The message of anything thrown, its cause included. Store errors carry their parameters elsewhere. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return wordsOf(error);
  // A refused connection to "localhost" is an AggregateError with an empty message.
  const own = error.message ||
    (error instanceof AggregateError ? error.errors.map(errorText).join("; ") : error.name);
  const cause = error.cause ? errorText(error.cause) : "";
  // A JSON-RPC error is its own cause.
  return cause === "" || own.includes(cause) ? own : `${own} (${cause})`;
}

/** What was thrown that is no error: its message, if it has one, else all of it. */
function wordsOf(thrown: unknown): string {
  if (typeof thrown !== "object" || thrown === null) return String(thrown);
  const { message } = thrown as { message?: unknown };
  if (typeof message === "string" && message !== "") return message;
  try {
    return JSON.stringify(thrown) ?? String(thrown);
  } catch {
    return String(thrown);
  }
}

function printable(value: unknown, redact: Redact): unknown {
  const text = value instanceof Error ? errorText(value) : value;
  return typeof text === "string" ? redact(text) : text;
}

function pairs(fields: LogFields): string {
  return Object.entries(fields)
    .map(([key, value]) =>
      ` ${key}=${escapeControls(typeof value === "string" ? value : JSON.stringify(value) ?? "")}`
    )
    .join("");
}
