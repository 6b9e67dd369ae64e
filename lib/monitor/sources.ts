import { cached } from "../async/cached.ts";
import { type Config, secretsOf } from "../config/config.ts";
import { type SetSecrets, setSecretsOf } from "../config/secrets.ts";
import type { Pauses } from "../ingress/pauses.ts";
import { listRefusals, type SourceRefusal } from "../ingress/refusal_log.ts";
import { readTurnedAway } from "../ingress/turned_away.ts";
import type { Database } from "../store/database.ts";
import { sources as builtIn } from "../../sources/mod.ts";
import { labelFor } from "../../sources/rules/names.ts";
import {
  GENERIC,
  type Registry,
  type Trust,
  trustOf,
  variableOf,
} from "../../sources/rules/registry.ts";
import { refusedWords } from "../../sources/diagnosis/refused_words.ts";
import type { Source } from "../../sources/source.ts";
import { listSeenNames } from "./source_names.ts";
import { readSourceStats, type SourceStats } from "./stats/source_stats.ts";

/** How things are with a source: how it is let in, or that all of it is refused for now. */
export type SourceState = Trust | "refusing";

/** A source by its one name, how it is set up, and what has come from it. */
export interface SourceInfo {
  name: string;
  source: Source;
  label: string;
  /** Where its webhooks go, without the origin. */
  path: string;
  /** The variable that a secret belongs in; undefined where nothing can be verified. */
  variable: string | undefined;
  /** What is set for it, never what to. */
  set: SetSecrets[];
  /** How many secrets are set. */
  secrets: number;
  requiresVerified: boolean;
  pausedSince: Date | undefined;
  /** How many webhooks were answered with 503 since it was paused. */
  turnedAway: number;
  /** Whether Otto, or the operator's file, knows this sender. */
  isKnown: boolean;
  /** One of the operator's own. */
  isOwn: boolean;
  /** Whether anything is set for it, has come or was refused. */
  isUsed: boolean;
  stats: SourceStats | undefined;
  /** The last refusal by the gate, of a source that is known. */
  refusal: SourceRefusal | undefined;
  state: SourceState;
  /** Since when nothing but refused ones have come, and why; only in that state. */
  refusing: { since: Date; code: string; why: string } | undefined;
}

/** All sources, read once for all who ask within two seconds. */
export interface SourceInfos {
  /** Those that are known, and the names that came besides. */
  all(): Promise<SourceInfo[]>;
  /** One of them, or of whatever has not come yet. */
  of(name: string): Promise<SourceInfo>;
  /** The names that came of what nobody knows. */
  seen(): Promise<string[]>;
}

/** However many look, the store is asked at most this often. */
const FRESH_MS = 2_000;
/** What was refused longer ago says nothing of today. */
const LATELY_MS = 7 * 24 * 60 * 60 * 1_000;

export function openSourceInfos(
  { config, database, sources, pauses }: {
    config: Config;
    database: Database;
    sources: Registry;
    pauses: Pauses;
  },
): SourceInfos {
  const seen = cached(() => listSeenNames(database, sources), { freshMs: FRESH_MS });
  const read = cached(async () => {
    const names = new Set([...Object.keys(sources.all), ...pauses.names(), ...await seen()]);
    return await readAbout([...names]);
  }, { freshMs: FRESH_MS });

  async function readAbout(names: readonly string[]) {
    const [stats, refusals, away] = await Promise.all([
      readSourceStats(database, names),
      listRefusals(database),
      readTurnedAway(database),
    ]);
    return { names, stats, refusals, away };
  }

  /** What is set and paused is known at once; what has come, as it was read. */
  function infoOf(name: string, about: Awaited<ReturnType<typeof readAbout>>): SourceInfo {
    const isKnown = Object.hasOwn(sources.all, name) && name !== GENERIC;
    const source = sources.all[isKnown ? name : GENERIC];
    const secrets = secretsOf(config, name, source.secretVariable).length;
    const found = about.stats.find((each) => each.name === name);
    // Of all that nobody knows together the newest message is one of those names'.
    const stats = name === GENERIC && found ? { ...found, last: undefined } : found;
    const refusal = isKnown ? about.refusals.find((each) => each.source === name) : undefined;
    const pausedSince = pauses.since(name);
    const isOwn = isKnown && !Object.hasOwn(builtIn, name);
    const refusing = refusingOf(stats, refusal);
    const requiresVerified = config.requireVerified;
    return {
      name,
      source,
      label: labelFor(sources, name),
      path: `/webhook/${name === GENERIC ? "any-name" : name}`,
      variable: source.verify ? variableOf({ name, source }) : undefined,
      set: setSecretsOf(config, name, source.secretVariable),
      secrets: isKnown ? secrets : 0,
      requiresVerified,
      pausedSince,
      turnedAway: pausedSince ? about.away.get(name) ?? 0 : 0,
      isKnown,
      isOwn,
      isUsed: isOwn || secrets > 0 || pausedSince !== undefined || refusal !== undefined ||
        hasCome(stats),
      stats,
      refusal,
      state: refusing
        ? "refusing"
        : trustOf(source, { secrets, requireVerified: requiresVerified }),
      refusing,
    };
  }

  return {
    seen,
    async all() {
      const about = await read();
      const names = new Set([...about.names, ...pauses.names()]);
      return [...names].map((name) => infoOf(name, about));
    },
    async of(name) {
      const about = await read();
      return infoOf(name, about.names.includes(name) ? about : await readAbout([name]));
    },
  };
}

function hasCome(stats: SourceStats | undefined): boolean {
  if (!stats) return false;
  const { taken, refused, last, kept } = stats;
  return taken + refused > 0 || (last ?? kept) !== undefined;
}

function refusingOf(
  stats: SourceStats | undefined,
  refusal: SourceRefusal | undefined,
): SourceInfo["refusing"] {
  const kept = stats?.kept;
  const lastAt = Math.max(refusal?.refused_at.getTime() ?? 0, kept?.last_at.getTime() ?? 0);
  const isRefusing = lastAt > (stats?.last?.at.getTime() ?? 0) && lastAt > Date.now() - LATELY_MS;
  if (!isRefusing) return undefined;
  const code = refusal?.code ?? "unverified";
  const since = kept?.since ?? refusal?.refused_at ?? new Date(lastAt);
  return { since, code, why: refusedWords(code) };
}
