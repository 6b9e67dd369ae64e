import type { MessageSearch } from "../lib/message/search/criteria.ts";
import type { Registry } from "../sources/rules/registry.ts";

/** What no search may look into, since nobody may see it: whoever asks for its parts would find it. */
export function maskedIn(sources: Registry): Pick<MessageSearch, "hidden" | "secretNames"> {
  const names = Object.values(sources.all).flatMap(({ secretNames = [] }) => secretNames);
  return { hidden: sources.redacted, secretNames: [...new Set(names)] };
}
