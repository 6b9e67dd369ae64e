import type { NeedKind } from "../../config/settings.ts";
import { firstLine } from "../../markdown/plain.ts";
import { cut, oneLine } from "../../../sources/kit/line.ts";
import { describeSilence, type SilenceWords } from "../silence/words.ts";
import { clockTime } from "../silence/zone.ts";
import type { Needs } from "./needs.ts";
import type { Untold } from "./untold.ts";

/** Something that people are told of as one, however many it is about. */
export interface Group {
  key: string;
  kind: NeedKind;
  /** Its one name; empty for what is about all of them. */
  source: string;
  count: number;
  latest: Date;
  words: string;
  /** Said once, with the first telling. */
  because?: string;
  /** Whether somebody has seen it on the page. */
  seen: boolean;
}

/** Of a reason as much as a phone shows. */
const MOST_REASON = 300;

/** What needs somebody, as it is told. */
export function groupsOf(
  { silences, troubles }: Pick<Needs, "silences" | "troubles">,
  untold: readonly Untold[],
  words: SilenceWords,
): Group[] {
  const { labelOf, timeZone, now } = words;
  const since = (time: Date) => `since ${clockTime(timeZone, time, now)}`;
  return [
    ...silences.filter(({ kind }) => kind !== "holiday").map((silence): Group => ({
      key: silence.key,
      kind: "silent",
      source: silence.kind === "everything" ? "" : silence.sources[0] ?? "",
      count: Math.max(1, silence.sources.length),
      // As long as it stands it is none of the past.
      latest: now,
      words: describeSilence(silence, words),
      because: silence.because,
      seen: silence.seen,
    })),
    ...untold.map(({ source, count, title, since: from }): Group => ({
      key: `needs_you:${source}`,
      kind: "needs_you",
      source,
      count,
      latest: now,
      words: count === 1
        ? `${labelOf(source)}: a task waits for your word ${since(from)}: ${shown(title)}`
        : `${labelOf(source)}: ${count.toLocaleString("en")} tasks wait for your word ${
          since(from)
        }`,
      seen: false,
    })),
    ...troubles.map((trouble): Group => ({
      key: trouble.key,
      kind: trouble.kind,
      source: trouble.source,
      count: trouble.count,
      latest: trouble.latest_at,
      words: `${labelOf(trouble.source)}: ${trouble.is_more ? "at least " : ""}${
        trouble.count.toLocaleString("en")
      } ${trouble.kind} ${since(trouble.since)}${
        trouble.reason && `: ${shown(firstLine(trouble.reason))}`
      }`,
      seen: trouble.seen,
    })),
  ];
}

const shown = (text: string) => cut(oneLine(text), MOST_REASON);
