import { html } from "hono/html";
import { icon, type IconName } from "../parts/icon.ts";
import { layOutJson, showUnseen } from "../../../sources/kit/json_layout.ts";
import { markdown } from "../parts/markdown.ts";
import type { Html } from "../page.ts";
import { exact, since, took } from "../parts/time.ts";
import { type Axis, createAxis } from "./axis.ts";
import type { Span } from "./spans.ts";

/** Longer words of a model are folded: about five lines. */
const MOST_WORDS = 400;
/** Longer JSON is shown as it came. */
const MOST_LAID_OUT = 100_000;

const VERDICTS: Record<string, string> = {
  allow: "allowed",
  approved: "approved",
  ask: "asks",
  deny: "refused",
};

/** The waterfall: what was said and done when, how long it took, and what the policy said. */
export function waterfall(spans: readonly Span[]) {
  if (spans.length === 0) return html`<p class="hint">Nothing has happened yet.</p>`;
  const axis = axisOf(spans);
  return html`
    <ol class="waterfall">
      ${spans.map((span) =>
        html`<li class="${span.kind} ${span.tone}">${
          hasMore(span)
            ? html`<details><summary>${line(span, axis)}</summary>${more(span)}</details>`
            : html`<div class="line">${line(span, axis)}</div>`
        }${span.words && words(span.words)}${span.messageId && itsMessage(span)}</li>`
      )}
    </ol>
    ${axis.cut > 0 && html`
      <p
        class="hint">The bars show ${took(axis.worked)} of work. Where nobody worked, ${took(
          axis.cut,
        )} in all, the time is cut out.</p>
    `}
  `;
}

/** Waits are no work, whoever is waited for. */
function axisOf(spans: readonly Span[]): Axis {
  const from = spans.reduce((least, span) => Math.min(least, span.from), Infinity);
  const to = spans.reduce((most, span) => Math.max(most, span.to), from);
  return createAxis(spans.filter(({ kind }) => kind !== "wait" && kind !== "person"), { from, to });
}

function line(span: Span, axis: Axis) {
  const length = span.to - span.from;
  const start = axis.at(span.from) * 100;
  const width = Math.max(axis.at(span.to) * 100 - start, 0.6);
  const isCut = (span.kind === "wait" || span.kind === "person") &&
    axis.isCut(span.from, span.to);
  return html`
    <span class="what">${icon(iconOf(span))}
      <span dir="auto">${span.what}</span>${span.verdict &&
        html`
          <span class="badge verdict-${span.verdict}">${VERDICTS[span.verdict] ??
            span.verdict}</span>
        `}</span>
    <span class="tokens" title="${span.tokens && "Tokens"}">${span.tokens}</span>
    <svg class="bar ${isCut &&
      "cut"}" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
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

function iconOf({ kind, tone, open }: Span): IconName {
  if (tone === "failed") return "failed";
  if (kind === "person") return "ask";
  if (kind === "wait") return "waiting";
  return open ? "active" : "done";
}

/** The message that has come, by its title. */
function itsMessage({ messageId, detail }: Span) {
  return html`<div class="words-said"><a href="/messages/${messageId}" dir="auto">${detail}</a></div>`;
}

/** What a model said, its first line where it said much. */
function words(text: string) {
  if (text.length <= MOST_WORDS) return html`<div class="words-said">${markdown(text)}</div>`;
  return html`
    <details class="words-said">
      <summary>What it said, ${text.length.toLocaleString("en")} characters</summary>
      ${markdown(text)}
    </details>
  `;
}

function hasMore(
  { detail, messageId, arguments: given, rule, answer, lostCharacters }: Span,
): boolean {
  return Boolean(detail && !messageId || given !== undefined || rule || answer || lostCharacters);
}

function more(span: Span) {
  const { detail, arguments: given, rule, actor, from, answer, lostCharacters } = span;
  return html`
    <div class="more">
      ${detail && markdown(detail)}
      ${given !== undefined && block("Arguments", showUnseen(layOutJson(given)))}
      ${answer && block("Result", laidOut(answer))}
      ${lostCharacters &&
        html`
          <p class="hint">It answered ${lostCharacters.toLocaleString("en")} ${lostCharacters === 1
            ? "character"
            : "characters"}, which are not kept any more.</p>
        `}
      <p class="hint">${rule && html`
        Rule <code>${rule}</code> ·
      `}${actor} · ${exact(new Date(from))}</p>
    </div>
  `;
}

function block(label: string, text: string): Html {
  return html`
    <p class="label">${label}</p>
    <pre tabindex="0" role="group" aria-label="${label}" dir="auto">${text}</pre>
  `;
}

/** A tool's answer: over several lines where it is JSON, the text itself where it is a text in JSON. */
function laidOut(text: string): string {
  if (!/^\s*["[{]/.test(text) || text.length > MOST_LAID_OUT) return text;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "string" ? value : layOutJson(value);
  } catch {
    // It was cut, or is only alike.
    return text;
  }
}
