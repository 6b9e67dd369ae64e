import { html } from "hono/html";
import { type EditableBody, MOST_EDITED_BYTES } from "../../../lib/message/edit.ts";
import type { JsonFault } from "../../../lib/config/json_fault.ts";
import { maskHeaders } from "../../../lib/redaction/mask.ts";
import type { WholeMessage } from "../../../lib/message/message.ts";
import { editedHeaders } from "../../../lib/message/redeliver.ts";
import { icon } from "../parts/icon.ts";
import { type Frame, page } from "../page.ts";
import { signature } from "../parts/status.ts";

/** What the page is made of: a text to edit, or the problem that stands in the way. */
export interface EditPage {
  frame: Frame;
  message: WholeMessage;
  /** What people call the system that sent it. */
  sourceName: string;
  /** Headers that hold its secret. */
  secretNames?: readonly string[];
  editable?: EditableBody;
  text?: string;
  isIndented?: boolean;
  /** Why what was typed is not JSON, though it was. */
  fault?: JsonFault;
  problem?: { message: string; hint: string };
}

/** `/messages/{id}/edit`: the body in a text area, and what will go with it. */
export function editPage(
  { frame, message, sourceName, secretNames = [], text, problem, ...rest }: EditPage,
) {
  const { message_id: id, title, size, content_type } = message;
  const { kept, left } = editedHeaders(message.headers, secretNames);
  return page({
    title: "Edit & replay",
    frame,
    body: html`
      <nav class="crumbs" aria-label="Where this is"><a href="/messages/${id}">Message</a></nav>
      <div class="head">
        <div>
          <h1>Edit &amp; replay</h1>
          <p class="meta"><span dir="auto">${title ?? `${sourceName} webhook`}</span></p>
        </div>
      </div>
      ${problem && html`
        <p class="note failed" role="alert"><strong>${problem.message}.</strong> ${problem
          .hint}.</p>
        ${text === undefined && html`
          <p class="actions">
            <a class="button quiet" href="/messages/${id}">Back to the message</a>
          </p>
        `}
      `}
      ${text !== undefined && html`
        <div class="two">
          ${form({ message, text, ...rest })}
          <div>
            <section class="card" aria-labelledby="becomes">
              <h2 id="becomes">What becomes of it</h2>
              <p class="said">A new message with an id of its own, worked from the beginning: an
                agent may act, and people may be told once more. It is marked as edited, and
                ${signature("unverified")}, because nobody has signed these bytes.</p>
              <p class="said">With nothing changed it is an ordinary replay.</p>
            </section>
            <section class="card" aria-labelledby="goes-along">
              <h2 id="goes-along">What goes with it</h2>
              <dl>
                <dt>Content type</dt><dd>${content_type ?? "none"}</dd>
                <dt>As received</dt><dd>${size.toLocaleString("en")} bytes</dd>
              </dl>
              <details class="raw">
                <summary>${kept.length} headers</summary>
                <dl class="headers">${Object.entries(maskHeaders(new Headers(kept))).map((
                  [name, value],
                ) =>
                  html`
                    <dt>${name}</dt>
                    <dd dir="auto">${value}</dd>
                  `
                )}</dl>
              </details>
              ${left.length > 0 && html`
                <p class="hint">Left out, because they vouch for the bytes that were received:
                  ${left.map((name, index) =>
                    html`${index > 0 ? ", " : ""}<code>${name}</code>`
                  )}</p>
              `}
            </section>
          </div>
        </div>
      `}
    `,
  });
}

function form(
  { message, text = "", isIndented, editable, fault }: Omit<
    EditPage,
    "frame" | "problem" | "sourceName"
  >,
) {
  const id = message.message_id;
  return html`
    <form method="post" action="/messages/${id}/edit" enctype="multipart/form-data"
      class="card edit" aria-labelledby="body-label">
      <header>
        <h2><label for="edited" id="body-label">Body</label></h2>
        ${editable?.indented && !fault && html`
          <nav class="tabs" aria-label="Layout">
            <a href="/messages/${id}/edit" aria-current="${isIndented
              ? "true"
              : "false"}">Indented</a>
            <a href="/messages/${id}/edit?as=received" aria-current="${isIndented
              ? "false"
              : "true"}">As received</a>
          </nav>
        `}
      </header>
      ${fault && faultNote(fault, text)}
      <textarea id="edited" name="body" rows="${rowsFor(
        text,
      )}" spellcheck="false" autocomplete="off"
        autocapitalize="off" dir="ltr" aria-describedby="edit-hint${fault && " fault"}"
        ${fault ? html`aria-invalid="true"` : ""}>${"\n" + text}</textarea>
      <p class="hint" id="edit-hint">Text, at most ${MOST_EDITED_BYTES / 1024} KiB.${isIndented
        ? " Indented for reading: no value was changed."
        : ""}</p>
      <p class="actions">
        <button>${icon("again")}Replay</button>
        ${fault && html`<button name="as_is" value="yes" class="quiet">Send it as it is</button>`}
        <a class="button quiet" href="/messages/${id}">Not now</a>
      </p>
    </form>
  `;
}

/** A short body still looks like a place to write in; a long one still fits on a screen. */
const FEWEST_ROWS = 8;
const MOST_ROWS = 28;

/** As high as the text, within what a screen has. */
function rowsFor(text: string): number {
  return Math.min(Math.max(text.split("\n").length + 1, FEWEST_ROWS), MOST_ROWS);
}

/** Characters of the line on each side of the fault: the whole fits on a phone. */
const AROUND = 40;

/** What is wrong, with its place and the line around it. */
function faultNote({ line, column, says }: JsonFault, text: string) {
  const whole = text.split(/\r\n|\r|\n/)[line - 1] ?? "";
  const from = Math.max(0, column - 1 - AROUND);
  const part = whole.slice(from, column - 1 + AROUND).toWellFormed();
  return html`
    <div class="note failed" id="fault" role="alert">
      <p><strong>This is not JSON.</strong> Line ${line}, column ${column}: ${says}. A webhook need
        not be JSON, so you may send it as it is.</p>
      ${part.trim() && html`
        <pre aria-hidden="true">${part}${"\n"}${" ".repeat(column - 1 - from)}^</pre>
      `}
    </div>
  `;
}
