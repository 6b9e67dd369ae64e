import type { Silence } from "./silence.ts";
import { clockTime, lasted } from "./zone.ts";

/** How sources and times are said. */
export interface SilenceWords {
  labelOf(source: string): string;
  timeZone: string;
  now: Date;
}

/** Names beyond these are a number. */
const MOST_NAMES = 4;

/** Who is silent, in one sentence, since when and for how long. */
export function describeSilence(
  { kind, sources, since }: Pick<Silence, "kind" | "sources" | "since">,
  words: SilenceWords,
): string {
  const { timeZone, now } = words;
  const when = `since ${clockTime(timeZone, since, now)} (${
    lasted(now.getTime() - since.getTime())
  })`;
  if (kind === "everything") return `Nothing has arrived from anybody ${when}.`;
  const who = namesOf(sources, words);
  const verb = sources.length === 1 ? "has" : "have";
  return kind === "holiday"
    ? `${who} ${verb} sent nothing ${when}: it may be a holiday.`
    : `${who} ${verb} sent nothing ${when}.`;
}

/** The names of sources as a list of words. */
export function namesOf(
  sources: readonly string[],
  { labelOf }: Pick<SilenceWords, "labelOf">,
): string {
  const names = sources.slice(0, MOST_NAMES).map(labelOf);
  const more = sources.length - names.length;
  const all = more > 0 ? [...names, `${more} more`] : names;
  return all.length < 2 ? all[0] ?? "A source" : `${all.slice(0, -1).join(", ")} and ${all.at(-1)}`;
}
