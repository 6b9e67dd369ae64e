import type { Phase } from "../../../lib/message/search/phase.ts";
import type { Choice } from "./filters.ts";
import type { IconName } from "./icon.ts";
import { status } from "./status.ts";
import type { StageView } from "./stages.ts";

/** How a phase looks: the colour, and an icon where that is not the colour's own. */
export const PHASE_TONES: Record<Phase, StageView["state"]> = {
  queued: "active",
  held: "waiting",
  working: "active",
  waiting: "waiting",
  needs_you: "active",
  done: "done",
  failed: "failed",
  cancelled: "none",
  filtered: "none",
  refused: "failed",
};

/** The word that people read: in a row, a filter and a count. */
export const phaseWord = (phase: Phase): string => phase.replace("_", " ");

/** A phase as a word with its colour and icon. */
export function phaseStatus(phase: Phase) {
  const tone = PHASE_TONES[phase];
  const name: IconName = phase === "needs_you" ? "ask" : tone;
  return status(phaseWord(phase), tone, name);
}

/** Phases as the choices of a filter. */
export const phaseChoices = (phases: readonly Phase[]): Choice[] =>
  phases.map((value) => ({ value, label: phaseWord(value) }));
