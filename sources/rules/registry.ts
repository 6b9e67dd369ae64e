import { createAddressList } from "./address_list.ts";
import { digest } from "../signature/signature.ts";
import { secretVariable } from "../kit/secret_variable.ts";
import { customSource } from "./custom.ts";
import * as generic from "../generic.ts";
import { sources } from "../mod.ts";
import type { SourceSettings } from "./settings.ts";
import type { Source } from "../source.ts";

/** The name of the source for every system that nobody knows. */
export const GENERIC = "generic";

/** A source and the one name it has in tables, metrics and policies. */
export interface Named {
  name: string;
  source: Source;
}

/** All sources of this installation: the known ones with the operator's settings, and the operator's own. */
export interface Registry {
  /** By the name in the webhook's URL; `generic` is for all other names. */
  readonly all: Readonly<Record<string, Source>>;
  /** The source for a `webhook_type` as a sender wrote it, also by an alias; for every unknown one the generic source. */
  find(type: string): Named;
  /** The names of the sources that the operator's file has settings for. */
  readonly ruled: readonly string[];
  /** A short digest of the operator's file, to tell one version from the next; null where it has no settings. */
  readonly rules: string | null;
  /** The operator's settings of a source; empty where there are none. */
  settingsOf(name: string): SourceSettings;
  /** Whether somebody at an address may send to a source. */
  allows(name: string, address: string): boolean;
}

/** The sources with the operator's settings, which are checked by `sourcesFile` in `settings.ts`. */
export function createRegistry(settings: Readonly<Record<string, SourceSettings>> = {}): Registry {
  const all: Record<string, Source> = { ...sources, [GENERIC]: generic };
  const lists = new Map<string, (address: string) => boolean>();
  for (const [name, its] of Object.entries(settings)) {
    if (its.allowed_ips) lists.set(name, createAddressList(its.allowed_ips));
    all[name] = customSource(name, its, Object.hasOwn(all, name) ? all[name] : undefined);
  }
  const aliases = aliasesIn(all);
  return {
    all,
    find(type) {
      const lower = type.toLowerCase();
      const name = Object.hasOwn(all, lower) ? lower : aliases.get(lower) ?? GENERIC;
      return { name, source: all[name] };
    },
    ruled: Object.keys(settings),
    rules: Object.keys(settings).length > 0 ? digest(JSON.stringify(settings)).slice(0, 12) : null,
    settingsOf: (name) => Object.hasOwn(settings, name) ? settings[name] : {},
    allows: (name, address) => lists.get(name)?.(address) ?? true,
  };
}

/** The other names of sources. One that a source has as its own is no alias any more. */
export function aliasesIn(all: Readonly<Record<string, Source>>): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(all).flatMap(([name, { aliases = [] }]) =>
      aliases.filter((alias) => !Object.hasOwn(all, alias)).map((alias) => [alias, name] as const)
    ),
  );
}

/** The variable to set for a source's secret: the vendor's own, else ours. */
export function variableOf({ name, source }: Named): string {
  return source.secretVariable ?? secretVariable(name);
}

/** The name that people read. */
export function labelOf({ name, source }: Named): string {
  return source.label ?? name;
}

/** How a source's messages are let in: only with a right signature, unchecked, or not at all. */
export type Trust = "verified" | "unverified" | "refused";

export function trustOf(
  source: Source,
  { secrets, requireVerified }: { secrets: number; requireVerified: boolean },
): Trust {
  if (source.verify && secrets > 0) return "verified";
  return source.secretRequired || requireVerified ? "refused" : "unverified";
}
