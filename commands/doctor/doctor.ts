import { readConfig, readShellConfig } from "../../lib/config/config.ts";
import { readSources } from "../../lib/config/source_file.ts";
import type { Check } from "../../lib/monitor/check.ts";
import { Refusal } from "../../lib/process/refusal.ts";
import { EXIT } from "../exit.ts";
import type { Shell } from "../shell.ts";
import { localOrigin } from "../target.ts";
import type { Terminal, Tone } from "../terminal.ts";
import { askRunning, type Running } from "./running.ts";
import { checkSenders, type SenderCheck } from "./senders.ts";
import { checkSettings } from "./settings.ts";

const TONES: Record<string, Tone> = {
  ok: "good",
  verified: "good",
  degraded: "warn",
  unverified: "warn",
  refused: "warn",
  refusing: "bad",
  paused: "warn",
  silent: "warn",
  "needs you": "warn",
  failed: "bad",
};

/**
 * Says what is configured, what is missing, where to paste which URL, and whether Otto runs and
 * where; the verdict comes last.
 *
 * @throws {Refusal} when something that is set cannot work, or an Otto that was named is not there.
 */
export async function doctor(
  shell: Shell,
  { all = false, remote = false, isNamed }: { all?: boolean; remote?: boolean; isNamed: boolean },
): Promise<void> {
  const { terminal } = shell;
  const running = await lookForOtto(shell);
  const here = remote ? undefined : await checkHere();
  if (here) {
    tellChecks(
      terminal,
      "Settings and stores, as they are set in this shell",
      "setting",
      here.checks,
    );
  }
  for (const each of running) {
    tellChecks(terminal, `Otto at ${each.origin}`, each.origin, each.checks);
    tellState(terminal, each);
  }
  if (here) tellSenders(terminal, here.senders, { all, seen: seenAt(running) });

  const failed = [
    ...here?.checks.filter(({ status }) => status === "failed") ?? [],
    ...here?.senders.filter(({ status }) => status === "failed") ?? [],
  ].map(({ name }) => name);
  const alive = running.filter(({ version }) => version !== undefined);
  const isUnhealthy = alive.some(({ checks }) => checks.some(({ status }) => status === "failed"));
  const where = alive.length > 0
    ? `Otto runs at ${alive.map(({ origin }) => origin).join(" and ")}${
      isUnhealthy ? ", and is not well" : ""
    }${troubleOf(alive)}`
    : `Otto does not run at ${running.map(({ origin }) => origin).join(" or ")}`;
  const verdict = failed.length > 0
    ? `Cannot work as it is configured: ${failed.join(", ")}. ${where}.`
    : here
    ? `Nothing that is set is wrong. ${where}.`
    : `${where}.`;
  const exitCode = failed.length > 0 || isUnhealthy
    ? EXIT.failed
    : alive.length === 0 && (isNamed || remote)
    ? EXIT.away
    : 0;
  if (terminal.json) terminal.object({ verdict, exit_code: exitCode, failed });
  else {
    terminal.line();
    terminal.line([verdict, exitCode !== 0 ? "bad" : alive.length > 0 ? "good" : "warn"]);
  }
  if (exitCode !== 0) throw new Refusal("", exitCode);
}

/** The Otto that is meant; where its public address says so, also the one on this machine. */
async function lookForOtto({ target, signal }: Shell): Promise<Running[]> {
  const meant = target();
  const local = localOrigin(readShellConfig());
  const targets = meant.by === "PUBLIC_URL" && local !== meant.origin
    ? [{ ...meant, origin: local, by: "PORT" }, meant]
    : [meant];
  return await Promise.all(targets.map((each) => askRunning(each, signal)));
}

async function checkHere(): Promise<{ checks: Check[]; senders: SenderCheck[] }> {
  const config = readConfig();
  const sources = readSources(config);
  return {
    checks: await checkSettings(config, sources),
    senders: await checkSenders(config, sources),
  };
}

/** What it knows itself: this shell's settings may be others than those it was started with. */
function tellState(terminal: Terminal, { origin, state }: Running): void {
  if (state === undefined) return;
  for (
    const [kind, title, told] of [
      ["sender there", `Its senders, as Otto at ${origin} knows them`, state.senders],
      ["need", "What needs somebody there", state.needs],
    ] as const
  ) {
    if (told.length === 0) continue;
    if (!terminal.json) head(terminal, title);
    for (const each of told) {
      if (terminal.json) terminal.object({ kind, at: origin, ...each });
      else tell(terminal, each, [each.detail]);
    }
  }
}

/** `. It refuses github. 2 groups need somebody`: what the verdict must not hide. */
function troubleOf(alive: readonly Running[]): string {
  const senders = alive.flatMap(({ state }) => state?.senders ?? []);
  const refusing = senders.filter(({ status }) => status === "refusing").map(({ name }) => name);
  const needs = alive.reduce((all, { state }) => all + (state?.needs.length ?? 0), 0);
  return [
    refusing.length > 0 ? `. It refuses all of ${refusing.join(", ")}` : "",
    needs > 0 ? `. ${needs === 1 ? "One thing needs" : `${needs} things need`} somebody` : "",
  ].join("");
}

function seenAt(running: readonly Running[]): ReadonlySet<string> {
  return new Set(running.flatMap(({ seen }) => [...seen ?? []]));
}

function tellSenders(
  terminal: Terminal,
  senders: readonly SenderCheck[],
  { all, seen }: { all: boolean; seen: ReadonlySet<string> },
): void {
  const told = senders.filter(({ name, isSet }) => all || isSet || seen.has(name));
  if (!terminal.json) {
    head(
      terminal,
      "Senders, as they are set in this shell: paste the URL at the sender, set the variable to " +
        "its secret",
    );
  }
  for (const { name, status, lines } of told) {
    if (terminal.json) {
      terminal.object({ kind: "sender", name, status, detail: lines[0], url: lines[1] });
    } else tell(terminal, { name, status }, lines);
  }
  if (terminal.json) return;
  const left = senders.length - told.length;
  if (left > 0) {
    terminal.line([
      `${
        told.length === 0 ? "None is set or has sent something; " : ""
      }${left} more are known: --all`,
      "dim",
    ]);
  }
  terminal.line(["Any other name works too: /webhook/{name}", "dim"]);
}

function tellChecks(
  terminal: Terminal,
  title: string,
  at: string,
  checks: readonly Check[],
): void {
  if (!terminal.json) head(terminal, title);
  for (const check of checks) {
    if (terminal.json) terminal.object({ kind: "check", at, ...check });
    else tell(terminal, check, [check.detail, check.hint]);
  }
}

function head(terminal: Terminal, title: string): void {
  terminal.line();
  terminal.line(title);
  terminal.line();
}

function tell(
  terminal: Terminal,
  { name, status }: { name: string; status: string },
  lines: readonly (string | undefined)[],
): void {
  // What is wrong with a file may be several things, each in a line.
  const [first = "", ...rest] = lines.flatMap((each) => each ? each.split("\n") : []);
  const word = status === "failed" ? "FAILED" : status;
  terminal.line([word.padEnd(10), TONES[status]], ` ${name.padEnd(18)} `, first);
  for (const line of rest) terminal.line(`${" ".repeat(30)}${line}`);
}
