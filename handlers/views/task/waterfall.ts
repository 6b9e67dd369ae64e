import { html } from "hono/html";
import type { Task, TaskEvent } from "../../../lib/task/task.ts";
import { dataOf, said, textIn } from "./event_words.ts";
import { icon, type IconName } from "../parts/icon.ts";
import { layOutJson } from "../../../sources/kit/json_layout.ts";
import type { StageView } from "../parts/stages.ts";
import { exact, since, took } from "../parts/time.ts";

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
  arguments?: unknown;
  actor: string;
}

/** What ends a wait for a person. */
const DECIDED = ["approved", "denied", "approval_expired", "answered", "cancelled", "retried"];
const ENDED = ["tool_result", "tool_denied"];
/** What ends a wait for a worker. */
const BEGUN = ["started", "taken_over", "cancelled"];

/** What an agent did on a task, as spans of time, in order. `now` ends what has not ended. */
export function spansOf(task: Task, events: readonly TaskEvent[], now: number): Span[] {
  const last = task.finished_at?.getTime() ?? now;
  const spans: Span[] = [];
  const used = new Set<TaskEvent>();
  const nextOf = createFinder(events);
  let isOpen = false;
  let latest = -Infinity;
  const add = (span: Span) => {
    isOpen ||= span.open ?? false;
    latest = Math.max(latest, span.to);
    spans.push(span);
  };
  events.forEach((event, index) => {
    if (used.has(event)) return;
    const data = dataOf(event);
    const at = event.at.getTime();
    const base = { ...said(event), actor: event.actor, from: at, to: at };
    const until = (kinds: readonly string[], tool?: string) => {
      const end = nextOf(index, kinds, tool);
      return { end, to: end?.at.getTime() ?? last, open: !end && task.finished_at === null };
    };
    const ms = Number(textIn(data, "ms"));
    if (["created", "retried", "put_off", "answered"].includes(event.kind)) {
      const { to, open } = until(BEGUN);
      add({
        ...base,
        what: event.kind === "created" ? "Waiting for a worker" : base.what,
        kind: "wait",
        tone: open ? "active" : "waiting",
        to,
        open,
      });
    } else if (event.kind === "step") {
      add({ ...base, kind: "step", from: at - (ms || 0), tokens: tokensOf(data) });
    } else if (event.kind === "tool_call") {
      const tool = textIn(data, "tool");
      const waits = tool === "ask_human";
      const { end, to, open } = until(waits ? DECIDED : ENDED, waits ? undefined : tool);
      if (end && !waits) used.add(end);
      const failure = end && said(end);
      add({
        ...base,
        what: tool ?? base.what,
        kind: waits ? "person" : "tool",
        tone: open ? "active" : failure?.tone === "failed" ? "failed" : "done",
        to,
        open,
        verdict: textIn(data, "verdict"),
        rule: textIn(data, "rule"),
        detail: failure?.tone === "failed" ? failure.detail : undefined,
        arguments: data.arguments,
      });
    } else if (event.kind === "tool_denied") {
      add({
        ...base,
        what: textIn(data, "tool") ?? base.what,
        kind: "tool",
        verdict: "deny",
        rule: textIn(data, "rule"),
        arguments: data.arguments,
      });
    } else if (event.kind === "waiting_input" && (isOpen || latest > at)) {
      // The question is that of the call before it, which lasts until somebody answers.
    } else if (event.kind === "approval_requested" || event.kind === "waiting_input") {
      const { to, open } = until(DECIDED);
      add({
        ...base,
        kind: "person",
        tone: open ? "active" : "done",
        to,
        open,
        verdict: event.kind === "approval_requested" ? "ask" : undefined,
        rule: textIn(data, "rule"),
        arguments: data.arguments,
      });
    } else {
      add({ ...base, kind: "mark" });
    }
  });
  if (task.status === "running" && !isOpen) {
    // What goes on now is written down when it has ended; somebody who looks wants to see it.
    const from = Math.max(latest, task.started_at?.getTime() ?? 0);
    spans.push({
      what: "At work",
      kind: "step",
      tone: "active",
      from,
      to: Math.max(now, from),
      open: true,
      actor: "agent",
    });
  }
  return spans;
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

function tokensOf(data: Record<string, unknown>): string | undefined {
  const [input, output] = [data.input_tokens, data.output_tokens].map(Number);
  if (!Number.isFinite(input + output)) return undefined;
  return `${input.toLocaleString("en")} in, ${output.toLocaleString("en")} out`;
}

function iconOf({ kind, tone, open }: Span): IconName {
  if (tone === "failed") return "failed";
  if (kind === "person") return "ask";
  if (kind === "wait") return "waiting";
  return open ? "active" : "done";
}

const VERDICTS: Record<string, string> = {
  allow: "allowed",
  approved: "approved",
  ask: "asks",
  deny: "refused",
};

/** The waterfall: what happened when, how long it took, and what the policy said. */
export function waterfall(spans: readonly Span[]) {
  if (spans.length === 0) return html`<p class="hint">Nothing has happened yet.</p>`;
  const from = spans.reduce((least, span) => Math.min(least, span.from), Infinity);
  const whole = spans.reduce((most, span) => Math.max(most, span.to - from), 1);
  return html`
    <ol class="waterfall">
      ${spans.map((span) =>
        html`<li class="${span.kind} ${span.tone}">${
          hasMore(span)
            ? html`<details><summary>${line(span, from, whole)}</summary>${more(span)}</details>`
            : html`<div class="line">${line(span, from, whole)}</div>`
        }</li>`
      )}
    </ol>
  `;
}

function line(span: Span, from: number, whole: number) {
  const length = span.to - span.from;
  const start = (span.from - from) / whole * 100;
  const width = Math.max(length / whole * 100, 0.6);
  return html`
    <span class="what">${icon(iconOf(span))}
      <span dir="auto">${span.what}</span>${span.verdict &&
        html`
          <span class="badge verdict-${span.verdict}">${VERDICTS[span.verdict] ??
            span.verdict}</span>
        `}</span>
    <span class="tokens" title="${span.tokens && "Tokens"}">${span.tokens}</span>
    <svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
      <rect x="${Math.min(start, 99.4).toFixed(2)}" y="1" width="${width.toFixed(
        2,
      )}" height="6" rx="0.4" />
    </svg>
    <span class="took" title="${exact(new Date(span.from))}">${span.kind === "mark"
      ? ""
      : span.open
      ? html`${since(new Date(span.from))} so far`
      : took(length)}</span>
  `;
}

function hasMore({ detail, arguments: given, rule }: Span): boolean {
  return Boolean(detail || given !== undefined || rule);
}

function more({ detail, arguments: given, rule, actor, from }: Span) {
  return html`
    <div class="more">
      ${detail && html`<p dir="auto">${detail}</p>`}
      ${given !== undefined &&
        html`<pre tabindex="0" role="group" aria-label="Arguments">${layOutJson(given)}</pre>`}
      <p class="hint">${rule && html`
        Rule <code>${rule}</code> ·
      `}${actor} · ${exact(new Date(from))}</p>
    </div>
  `;
}
