import { Refusal } from "../../lib/process/refusal.ts";
import { EXIT } from "../exit.ts";
import type { Remote } from "../remote.ts";

/** A line about a sender of a running Otto, or about what needs somebody there. */
export interface ToldState {
  name: string;
  status: string;
  detail: string;
}

/** What a running Otto knows of its senders, and what needs somebody. */
export interface RunningState {
  senders: ToldState[];
  needs: ToldState[];
}

/** More would hide the verdict. */
const MOST_NEEDS = 20;
const MOST_REASON = 200;

/** As much of `/api/sources` as is told. */
interface Sender {
  name: string;
  state: string;
  secrets: number;
  variable: string | null;
  refusing: { why: string } | null;
  paused_since: string | null;
  last_24_hours: { taken: number; refused: number; failed: number };
  last_received_at: string | null;
}

/** As much of `/api/needs`. */
interface Needs {
  questions: { webhook_type: string; title: string }[];
  silences: { sources: string[]; text: string; seen: boolean }[];
  troubles: {
    kind: string;
    source: string;
    reason: string;
    count: number;
    is_more: boolean;
    seen: boolean;
  }[];
}

/** Asks a running Otto for it; undefined where it says nothing of that, as a release before. */
export async function readState(remote: Remote): Promise<RunningState | undefined> {
  try {
    const [{ items }, needs] = await Promise.all([
      remote.read<{ items: Sender[] }>("/api/sources"),
      remote.read<Needs>("/api/needs"),
    ]);
    return { senders: items.filter(isTold).map(toldSender), needs: toldNeeds(needs) };
  } catch (error) {
    if (error instanceof Refusal && error.exitCode !== EXIT.interrupted) return undefined;
    throw error;
  }
}

/** What is set, or has been heard of. */
function isTold({ secrets, refusing, paused_since, last_received_at }: Sender): boolean {
  return secrets > 0 || refusing !== null || paused_since !== null || last_received_at !== null;
}

function toldSender(sender: Sender): ToldState {
  const { name, state, secrets, variable, refusing, paused_since, last_24_hours } = sender;
  const { taken, refused, failed } = last_24_hours;
  return {
    name,
    status: paused_since === null ? state : "paused",
    detail: [
      ...paused_since === null ? [] : [`since ${paused_since}`],
      ...refusing === null ? [] : [`nothing is let in: ${refusing.why.slice(0, MOST_REASON)}`],
      `${taken} taken, ${refused} refused, ${failed} failed in 24 hours`,
      ...variable === null ? [] : [secrets > 0 ? `${variable} is set` : `${variable} is not set`],
    ].join("; "),
  };
}

function toldNeeds({ questions, silences, troubles }: Needs): ToldState[] {
  return [
    ...troubles.filter(({ seen }) => !seen).map(({ kind, source, reason, ...group }) => ({
      name: source,
      status: kind,
      detail: `${group.count}${group.is_more ? "+" : ""}: ${reason.slice(0, MOST_REASON)}`,
    })),
    ...silences.filter(({ seen }) => !seen).map(({ sources, text }) => ({
      name: sources[0] ?? "everything",
      status: "silent",
      detail: text,
    })),
    ...questions.map(({ webhook_type, title }) => ({
      name: webhook_type,
      status: "needs you",
      detail: title.slice(0, MOST_REASON),
    })),
  ].slice(0, MOST_NEEDS);
}
