import type { Check } from "../../lib/monitor/check.ts";
import type { Health } from "../../lib/monitor/health.ts";
import { Refusal } from "../../lib/process/refusal.ts";
import { EXIT } from "../exit.ts";
import { openRemote, problemIn, reach } from "../remote.ts";
import type { Target } from "../target.ts";
import { readState, type RunningState } from "./state.ts";

/** What a running Otto says of itself. */
export interface Running {
  readonly origin: string;
  readonly checks: Check[];
  /** As it calls itself; undefined where nobody answers, or something else does. */
  readonly version?: string;
  /** The names in webhooks' URLs that it has heard lately; undefined where it says so to nobody like us. */
  readonly seen?: ReadonlySet<string>;
  /** What it knows of its senders, and how much needs somebody there; undefined as above. */
  readonly state?: RunningState;
}

const ANSWER_MS = 5_000;
/** The Date header has whole seconds, and the answer takes its time. */
const MOST_SKEW_SECONDS = 5;
/** A message that there never was: what is said of it depends on who asks, and nothing is changed. */
const NOBODY = "/api/messages/00000000-0000-7000-8000-000000000000/explain";

/** Asks an Otto whether it runs and takes messages, how late its clock is, and whose the token is. */
export async function askRunning(target: Target, signal: AbortSignal): Promise<Running> {
  const { origin } = target;
  const ask = async (path: string, headers: Record<string, string> = {}) =>
    await reach(origin + path, {
      headers,
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
    });
  const askedAt = Date.now();
  let alive: Response;
  try {
    alive = await ask("/health");
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { origin, checks: [notThere(error.message)] };
  }
  const lives = await alive.json().catch(() => undefined) as
    | { status?: unknown; version?: unknown; commit?: unknown }
    | undefined;
  if (!alive.ok || lives?.status !== "ok") {
    return {
      origin,
      checks: [notThere(`${origin}/health answers with ${alive.status}: not Otto?`)],
    };
  }
  const version = [lives.version, lives.commit].filter((each) => typeof each === "string")
    .map((each) => String(each).slice(0, 12)).join(" ") || "unknown";
  const checks: Check[] = [{ name: "Otto", status: "ok", detail: `runs, version ${version}` }];
  const skew = clockSkew(alive.headers.get("date"), askedAt);
  if (skew !== undefined) checks.push(skew);
  checks.push(...await healthOf(await ask("/webhook/health")));
  const bearer = target.token === undefined
    ? undefined
    : { authorization: `Bearer ${target.token}` };
  const role = await roleOf(await ask(NOBODY, bearer), target);
  checks.push(role);
  return {
    origin,
    checks,
    version,
    seen: role.status === "ok" ? await seenBy(target, signal) : undefined,
    state: role.status === "ok" ? await readState(openRemote(target, signal)) : undefined,
  };
}

function notThere(detail: string): Check {
  return { name: "Otto", status: "degraded", detail };
}

function clockSkew(date: string | null, askedAt: number): Check | undefined {
  const at = Date.parse(date ?? "");
  if (Number.isNaN(at)) return undefined;
  const seconds = Math.round((at - (askedAt + Date.now()) / 2) / 1_000);
  const detail = `${Math.abs(seconds)} s ${seconds < 0 ? "behind" : "ahead of"} this machine's`;
  return Math.abs(seconds) <= MOST_SKEW_SECONDS
    ? { name: "clock", status: "ok", detail: "the same as this machine's" }
    : {
      name: "clock",
      status: "degraded",
      detail,
      hint: "Signatures have a time in them: set both by NTP",
    };
}

async function healthOf(answer: Response): Promise<Check[]> {
  const health = await answer.json().catch(() => undefined) as Partial<Health> | undefined;
  if (!Array.isArray(health?.checks)) {
    return [{
      name: "health",
      status: "failed",
      detail: `/webhook/health answers with ${answer.status}`,
    }];
  }
  const status = health.status === "healthy"
    ? "ok"
    : health.status === "unhealthy"
    ? "failed"
    : "degraded";
  const waiting = health.queue ? `, ${health.queue.depth} waiting` : "";
  return [
    { name: "health", status, detail: `${health.status}${waiting}` },
    ...health.checks.filter((check) => check.status !== "ok"),
  ];
}

async function roleOf(answer: Response, { token }: Target): Promise<Check> {
  const name = "token";
  const code = problemIn(await answer.text())?.code;
  if (answer.status === 404) {
    const detail = token === undefined
      ? "not needed from here: whoever asks is the admin"
      : "the admin's";
    return { name, status: "ok", detail };
  }
  if (answer.status === 403) {
    return code === "drain_only"
      ? { name, status: "degraded", detail: "DRAIN_TOKEN: good for POST /api/drain alone" }
      : { name, status: "ok", detail: "a reader's: it may look, and change nothing" };
  }
  if (answer.status === 401) {
    return {
      name,
      status: "degraded",
      detail: token === undefined ? "none, and Otto wants one" : "nobody's: Otto refuses it",
      hint: "Set OTTO_TOKEN, or name a --token-file",
    };
  }
  return {
    name,
    status: "degraded",
    detail: `cannot be tried: Otto answers with ${answer.status}`,
  };
}

async function seenBy(
  target: Target,
  signal: AbortSignal,
): Promise<ReadonlySet<string> | undefined> {
  try {
    const { by_type } = await openRemote(target, signal).read<{ by_type: Record<string, number> }>(
      "/webhook/stats",
    );
    return new Set(Object.keys(by_type));
  } catch (error) {
    if (error instanceof Refusal && error.exitCode !== EXIT.interrupted) return undefined;
    throw error;
  }
}
