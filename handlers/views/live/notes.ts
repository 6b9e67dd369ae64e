import { html } from "hono/html";
import { counted } from "../parts/count.ts";
import { clock } from "../parts/time.ts";

/** What a person should know before they look at the list. */
export interface LiveNotes {
  /** Whether any worker has been seen within the last seconds. */
  isWorked: boolean;
  /** Whether the work is done by this process. */
  worksInline: boolean;
  hasModel: boolean;
  /** Messages kept in Redis until Postgres is back. */
  spilled: number;
  /** Since when tasks wait for the model's provider. */
  unansweredSince?: Date;
  /** The sources that a person has paused. */
  paused: readonly { name: string; label: string; turnedAway: number }[];
}

/** What a pause keeps out, in a sentence: the senders have it, and send it again. */
export function waiting(turnedAway: number): string {
  return turnedAway === 0
    ? "Its webhooks are answered with 503, to be sent again later. None has come since."
    : `${counted(turnedAway, "webhook")} ${turnedAway === 1 ? "was" : "were"} answered with 503 ` +
      `since, and ${turnedAway === 1 ? "waits" : "wait"} at the sender to be sent again.`;
}

/** Notes on what is wrong, or not set up; nothing when all is well. */
export function notes(
  { isWorked, worksInline, hasModel, spilled, unansweredSince, paused }: LiveNotes,
) {
  return html`
    <div id="notes" class="notes">
      ${!isWorked && html`<p class="note failed"><strong>No worker is running.</strong>
        Webhooks are kept safely and wait. ${
        worksInline
          ? "Otto works in this process, which is silent: its log says why."
          : html`Start <code>worker.ts</code>, or set <code>WORKER=inline</code> and start Otto again.`
      }</p>`}
      ${spilled > 0 && html`<p class="note failed"><strong>PostgreSQL is away.</strong>
        ${spilled} messages are kept in Redis until it is back.</p>`}
      ${unansweredSince &&
        html`<p class="note failed"><strong>The model's provider gives no answer</strong>
        since ${clock(unansweredSince)}. Tasks wait for it and go on by themselves;
        <a href="/tasks?phase=waiting">the page of each</a> says why.</p>`}
      ${paused.map(({ name, label, turnedAway }) =>
        html`
          <p
            class="note"><strong>${label} is paused.</strong> ${waiting(
              turnedAway,
            )} <a class="write" href="/sources/${name}">Resume it</a></p>
        `
      )}
      ${!hasModel &&
        html`<p class="note">No model is configured, so each task ends with a digest made
        without AI: what happened, who did it, and where. Nothing is decided, nothing is done.
        <a href="/system#checks">How to set one</a></p>`}
    </div>
  `;
}
