import { GENERIC, labelOf, type Registry } from "./registry.ts";

/** Stands for all systems together that nobody knows; each of them goes by its own name. */
const OTHERS = "Any other name";

/**
 * The one name that a system goes by: its source's, or for one that nobody knows what the URL calls
 * it, in lower case.
 */
export function sourceNameOf(sources: Pick<Registry, "find">, type: string): string {
  const { name } = sources.find(type);
  return name === GENERIC ? type.toLowerCase() : name;
}

/** What people call a source, by its one name. */
export function labelFor(sources: Pick<Registry, "all">, name: string): string {
  if (name === GENERIC) return OTHERS;
  return Object.hasOwn(sources.all, name) ? labelOf({ name, source: sources.all[name] }) : name;
}

/** What people call the source that a type belongs to. */
export function createLabels(sources: Pick<Registry, "all" | "find">): (type: string) => string {
  return (type) => labelFor(sources, sourceNameOf(sources, type));
}

/** What people call a system: its name, or for those that nobody knows the one in the URL. */
export type NameOf = (message: { source: string; webhook_type: string }) => string;

/** The sources to choose from, in the order of their names; `seen` are those that nobody knows. */
export function listChoices(
  sources: Registry,
  seen: readonly string[] = [],
): { value: string; label: string }[] {
  return [...new Set([...Object.keys(sources.all), ...seen])]
    .map((value) => ({ value, label: labelFor(sources, value) }))
    .sort((one, other) => one.label.localeCompare(other.label));
}

export function createNames(sources: Registry): NameOf {
  return ({ source: name, webhook_type }) =>
    // One that is in the file no more is called as it was then.
    name === GENERIC ? sourceNameOf(sources, webhook_type) : labelFor(sources, name);
}
