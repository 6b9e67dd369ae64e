import type { Task, TaskEvent } from "../../../lib/task/task.ts";
import { dataOf, said, textIn } from "./event_words.ts";
import type { StageView } from "../parts/stages.ts";

/** One bar of the waterfall. */
export interface Span {
  what: string;
  kind: "wait" | "step" | "tool" | "person" | "mark";
  tone: StageView["state"];
  from: number;
  to: number;
  /** Whether it has not ended. */
  open?: boolean;
  verdict?: string;
  rule?: string;
  tokens?: string;
  detail?: string;
  /** The message that it is about, whose title is the detail. */
  messageId?: string;
  arguments?: unknown;
  /** What the model said in a step. */
  words?: string;
  /** What the tool answered, and how long that was where it is not kept any more. */
  answer?: string;
  lostCharacters?: number;
  actor: string;
}

/** What begins a wait for a worker, and what ends it. */
const QUEUED = ["created", "retried", "put_off", "answered"];
const BEGUN = ["started", "taken_over", "cancelled"];
/** What ends a wait for a person. */
const DECIDED = ["approved", "denied", "approval_expired", "answered", "cancelled", "retried"];
/** What ends a tool call. */
const ENDED = ["tool_result", "tool_denied"];

/** What an agent did on a task, as spans of time, in order. `now` ends what has not ended. */
export function spansOf(task: Task, events: readonly TaskEvent[], now: number): Span[] {
  const spans: Span[] = [];
  // A call and its result are two entries, and one bar.
  const results = new Set<TaskEvent>();
  const nextOf = createFinder(events);
  let isOpen = false;
  let latest = -Infinity;
  events.forEach((event, index) => {
    if (results.has(event)) return;
    const isOfCallBefore = event.kind === "waiting_input" &&
      (isOpen || latest > event.at.getTime());
    if (isOfCallBefore) return;
    const after: Finder = (kinds, tool) => nextOf(index, kinds, tool);
    const { result, ...span } = spanOf(event, followUp(task, after, now));
    if (result) results.add(result);
    isOpen ||= span.open ?? false;
    latest = Math.max(latest, span.to);
    spans.push(span);
  });
  if (task.status === "running" && !isOpen) {
    spans.push(atWork(task, latest, now));
  }
  return spans;
}

/** Finds when something has ended, among the entries after it. */
type FollowUp = (
  kinds: readonly string[],
  tool?: string,
) => { end?: TaskEvent; to: number; open: boolean };

/** The next entry of some kinds, and of one tool where that is named. */
type Finder = (kinds: readonly string[], tool?: string) => TaskEvent | undefined;

function followUp(task: Task, after: Finder, now: number): FollowUp {
  return (kinds, tool) => {
    const end = after(kinds, tool);
    const to = end?.at.getTime() ?? task.finished_at?.getTime() ?? now;
    return { end, to, open: !end && task.finished_at === null };
  };
}

/**
 * Finds the next event of some kinds, and of one tool where that is named, after a
 * place; places are asked for in order. Each list is walked once: an agent may have
 * written any number of events.
 */
function createFinder(events: readonly TaskEvent[]) {
  const lists = new Map<string, { at: number; places: number[] }>();
  const name = (kind: string, tool?: string) => JSON.stringify([kind, tool]);
  const note = (key: string, place: number) => {
    const list = lists.get(key);
    if (list) list.places.push(place);
    else lists.set(key, { at: 0, places: [place] });
  };
  events.forEach((event, place) => {
    const tool = textIn(dataOf(event), "tool");
    note(name(event.kind), place);
    if (tool !== undefined) note(name(event.kind, tool), place);
  });
  return (after: number, kinds: readonly string[], tool?: string): TaskEvent | undefined => {
    const next = kinds.map((kind) => {
      const list = lists.get(name(kind, tool));
      while (list && list.places[list.at] <= after) list.at++;
      return list?.places[list.at] ?? Infinity;
    });
    return events[Math.min(...next)];
  };
}

/** The bar of one entry; `result` is a later entry that it tells of, too. */
function spanOf(event: TaskEvent, until: FollowUp): Span & { result?: TaskEvent } {
  const { kind } = event;
  if (QUEUED.includes(kind)) return waitSpan(event, until);
  if (kind === "tool_call") return callSpan(event, until);
  if (kind === "approval_requested" || kind === "waiting_input") return personSpan(event, until);
  const data = dataOf(event);
  const base = baseOf(event);
  if (kind === "step") {
    const ms = Number(textIn(data, "ms")) || 0;
    return {
      ...base,
      kind: "step",
      from: base.to - ms,
      tokens: tokensOf(data),
      words: event.content ?? undefined,
    };
  }
  if (kind === "tool_denied") {
    return {
      ...base,
      ...policyIn(data),
      what: textIn(data, "tool") ?? base.what,
      kind: "tool",
      verdict: "deny",
    };
  }
  return { ...base, kind: "mark" };
}

function baseOf(event: TaskEvent) {
  const at = event.at.getTime();
  return { ...said(event), actor: event.actor, from: at, to: at };
}

/** Which rule of the policy spoke, and the call that it spoke of. */
function policyIn(data: Record<string, unknown>) {
  return { rule: textIn(data, "rule"), arguments: data.arguments };
}

function waitSpan(event: TaskEvent, until: FollowUp): Span {
  const base = baseOf(event);
  const { to, open } = until(BEGUN);
  return {
    ...base,
    what: event.kind === "created" ? "Waiting for a worker" : base.what,
    kind: "wait",
    tone: open ? "active" : "waiting",
    to,
    open,
  };
}

function callSpan(event: TaskEvent, until: FollowUp): Span & { result?: TaskEvent } {
  const data = dataOf(event);
  const base = baseOf(event);
  const tool = textIn(data, "tool");
  const asksPerson = tool === "ask_human";
  const { end, to, open } = asksPerson ? until(DECIDED) : until(ENDED, tool);
  const outcome = end && said(end);
  const hasFailed = outcome?.tone === "failed";
  return {
    ...base,
    ...policyIn(data),
    // What it finishes with is the task's result, or its failure, and stands above.
    ...(tool === "finish" ? { arguments: undefined } : {}),
    what: tool ?? base.what,
    kind: asksPerson ? "person" : "tool",
    tone: open ? "active" : hasFailed ? "failed" : "done",
    to,
    open,
    verdict: textIn(data, "verdict"),
    detail: hasFailed ? outcome.detail : undefined,
    ...(asksPerson ? {} : answerIn(end)),
    // What a person says is an entry of its own.
    result: asksPerson ? undefined : end,
  };
}

/** What a tool answered, if that is kept. */
function answerIn(end: TaskEvent | undefined): Pick<Span, "answer" | "lostCharacters"> {
  if (end?.kind !== "tool_result") return {};
  if (end.content !== null) return { answer: end.content };
  return { lostCharacters: Number(dataOf(end).characters) || undefined };
}

function personSpan(event: TaskEvent, until: FollowUp): Span {
  const { to, open } = until(DECIDED);
  return {
    ...baseOf(event),
    ...policyIn(dataOf(event)),
    kind: "person",
    tone: open ? "active" : "done",
    to,
    open,
    verdict: event.kind === "approval_requested" ? "ask" : undefined,
  };
}

/** What goes on now is written down when it has ended; somebody who looks wants to see it. */
function atWork(task: Task, latest: number, now: number): Span {
  const from = Math.max(latest, task.started_at?.getTime() ?? 0);
  return {
    what: "At work",
    kind: "step",
    tone: "active",
    from,
    to: Math.max(now, from),
    open: true,
    actor: "agent",
  };
}

function tokensOf(data: Record<string, unknown>): string | undefined {
  const [input, output] = [data.input_tokens, data.output_tokens].map(Number);
  if (!Number.isFinite(input + output)) return undefined;
  return `${input.toLocaleString("en")} in, ${output.toLocaleString("en")} out`;
}
