import { GENERIC, labelOf, type Registry } from "./registry.ts";

/** What people call a system: its name, or for those that nobody knows the one in the URL. */
export type NameOf = (message: { source: string; webhook_type: string }) => string;

/** The sources to choose from, in the order of their names. */
export function listChoices({ all }: Registry): { value: string; label: string }[] {
  return Object.entries(all)
    .map(([value, source]) => ({
      value,
      label: value === GENERIC ? "Anything else" : labelOf({ name: value, source }),
    }))
    .sort((one, other) => one.label.localeCompare(other.label));
}

export function createNames(sources: Registry): NameOf {
  return ({ source: name, webhook_type }) =>
    name === GENERIC
      ? webhook_type
      : Object.hasOwn(sources.all, name)
      ? labelOf({ name, source: sources.all[name] })
      // The source was in the file when the message came, and is no more.
      : name;
}
