import { sources } from "../mod.ts";
import type { Source } from "../source.ts";

/** A source and the one name it has in tables, metrics and policies. */
export interface Named {
  name: string;
  source: Source;
}

/** The source that Otto has under a name, whatever the operator says of it. */
export function knownSource(name: string): Source | undefined {
  return Object.hasOwn(sources, name) ? sources[name as keyof typeof sources] : undefined;
}

/** The other names of sources. One that a source has as its own is no alias any more. */
export function aliasesIn(all: Readonly<Record<string, Source>>): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(all).flatMap(([name, { aliases = [] }]) =>
      aliases.filter((alias) => !Object.hasOwn(all, alias)).map((alias) => [alias, name] as const)
    ),
  );
}

/** The source that a scheme of the file is like, also by one of its other names. */
export function modelOf(scheme: { type: string; source?: string } | undefined): Named | undefined {
  if (scheme?.type !== "like" || scheme.source === undefined) return undefined;
  const name = aliasesIn(sources).get(scheme.source) ?? scheme.source;
  const source = knownSource(name);
  return source?.verify && { name, source };
}
