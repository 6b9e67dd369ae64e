import type { Tone } from "../terminal.ts";

/** As much of a row of the API as a line needs; all of it may be missing in one of another version. */
export interface Row {
  kind: "message" | "task" | "notification";
  message_id?: string;
  id?: string;
  task_id?: string | null;
  source?: string;
  webhook_type?: string;
  phase?: string;
  status?: string;
  state?: string;
  channel?: string;
  title?: string | null;
  text?: string;
  reason?: string | null;
  error?: unknown;
  received_at?: string;
  created_at?: string;
  deleted?: boolean;
}

const TONES: Record<string, Tone> = {
  done: "good",
  completed: "good",
  sent: "good",
  failed: "bad",
  dead: "bad",
  refused: "bad",
  needs_you: "warn",
  waiting_input: "warn",
};

/** How such a word is coloured. */
export function toneOf(word: string): Tone {
  return TONES[word] ?? "dim";
}

/** What a row is now, in one word. */
export function wordOf(row: Row): string {
  return row.deleted ? "deleted" : row.phase ?? row.status ?? row.state ?? "";
}

export function idOf(row: Row): string {
  return (row.kind === "message" ? row.message_id : undefined) ?? row.id ?? "";
}

/** A row as a line for people: when, what, whose, words, and where to read more. */
export function lineOf(row: Row, origin: string): (string | [text: string, tone: Tone])[] {
  const word = wordOf(row);
  const at = new Date(row.received_at ?? row.created_at ?? Date.now());
  const clock = Number.isNaN(at.getTime()) ? "" : at.toISOString().slice(11, 19);
  const name = row.kind === "notification"
    ? row.channel
    : row.source === "generic"
    ? row.webhook_type ?? row.source
    : row.source;
  const why = row.reason ?? errorOf(row.error);
  const place = row.kind === "message"
    ? `/messages/${idOf(row)}`
    : `/tasks/${row.kind === "task" ? idOf(row) : row.task_id ?? ""}`;
  return [
    [`${clock} `, "dim"],
    [word.padEnd(10), toneOf(word)],
    ` ${(name ?? "").slice(0, 64).padEnd(12)} `,
    row.title ?? row.text ?? "",
    ...(why ? [[` (${why})`, "dim"] as [string, Tone]] : []),
    [`  ${origin}${place}`, "dim"],
  ];
}

function errorOf(error: unknown): string | undefined {
  if (typeof error === "string") return error;
  const { message } = (error ?? {}) as { message?: unknown };
  return typeof message === "string" ? message : undefined;
}
