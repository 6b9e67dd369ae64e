import { heldBackBy } from "./filter.ts";
import { matchesGlob } from "./glob.ts";
import type { SourceSettings } from "./settings.ts";
import { fillTemplate } from "./template.ts";
import type { Description } from "../description.ts";

/** A message as the operator's rules see it. */
export interface RuledMessage {
  headers: Headers;
  payload: unknown;
  /** The body was neither JSON nor a form. */
  isRaw: boolean;
  description: Description;
}

/** The operator's rules for one source. */
export interface SourceRuleSet {
  settings: SourceSettings;
  /** Names that our own agent has in other systems. */
  agentAccounts: readonly string[];
}

/** Why a message makes no task, in one line; undefined when it makes one. */
export function reasonToFilter(
  { settings, agentAccounts }: SourceRuleSet,
  { headers, payload, isRaw, description }: RuledMessage,
): string | undefined {
  const { actor } = description;
  // What our agent does must not give it more to do.
  if (isNamed(actor, agentAccounts)) {
    return `Done by ${actor}, which AGENT_ACCOUNTS says is Otto's own agent`;
  }
  if (isNamed(actor, settings.ignore_actors)) {
    return `Done by ${actor}, whom ignore_actors in SOURCES_FILE leaves out`;
  }
  return heldBack(settings, { headers, payload, isRaw });
}

/** The same by the filter alone, whoever did it. */
export function heldBack(
  { filter }: SourceSettings,
  { headers, payload, isRaw }: Pick<RuledMessage, "headers" | "payload" | "isRaw">,
): string | undefined {
  const unmet = filter && heldBackBy(filter, { headers, payload, isRaw });
  return unmet === undefined ? undefined : `Held back by the filter in SOURCES_FILE: ${unmet}`;
}

function isNamed(actor: string | undefined, patterns: readonly string[] = []): boolean {
  const name = actor?.toLowerCase();
  return name !== undefined &&
    patterns.some((pattern) => matchesGlob(pattern.toLowerCase(), name));
}

/**
 * What a message is to be merged by, and for how long; undefined when it is a task of its own.
 * Without a `key` it is what the message is about, if anything.
 */
export function mergeOf(
  { merge }: SourceSettings,
  { headers, payload }: Pick<RuledMessage, "headers" | "payload">,
): { key?: string; seconds: number } | undefined {
  if (merge?.key === undefined) return merge;
  const key = fillTemplate(merge.key, { headers, payload })?.trim();
  return key ? { key, seconds: merge.seconds } : undefined;
}
