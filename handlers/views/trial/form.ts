import { html } from "hono/html";
import { MOST_BATCH } from "../../../lib/task/trial/start.ts";

/** What a trial can be made of, and what the form begins with. */
export interface TrialChoices {
  /** The source's own instruction at present. */
  instruction?: string;
  /** The one in use first. */
  models: readonly string[];
  /** All that can be listed. */
  tools: readonly string[];
  /** Those that are listed for such a message at present. */
  listed: readonly string[];
}

/** As many as AGENT_CONFIG takes. */
const MOST_INSTRUCTION = 8_000;
const FEWEST_ROWS = 6;
const MOST_ROWS = 16;

/**
 * The form that begins trials.
 *
 * @param count how many messages it begins with, where it is about several.
 */
export function trialForm(
  { action, choices, count }: { action: string; choices: TrialChoices; count?: number },
) {
  const { instruction = "", models, tools, listed } = choices;
  const rows = Math.min(MOST_ROWS, Math.max(FEWEST_ROWS, instruction.split("\n").length + 1));
  return html`
    <form method="post" action="${action}" class="card edit trial-form" aria-label="What is tried">
      <label>Instruction
        <textarea name="instruction" rows="${rows}" maxlength="${MOST_INSTRUCTION}" dir="auto"
          aria-describedby="trial-hint">${"\n"}${instruction}</textarea></label>
      <p class="hint" id="trial-hint">${instruction === ""
        ? "The source has none at present."
        : "It begins as the source's present one."} What you write here counts for this alone.</p>
      <label>Model
        <select name="model">${models.map((model, at) =>
          html`<option value="${model}">${model}${at === 0 && " (in use)"}</option>`
        )}</select></label>
      ${count !== undefined && html`
        <label>How many of its newest messages
          <input type="number" name="count" min="1" max="${MOST_BATCH}" value="${count}"
            required></label>
      `}
      <details>
        <summary>Tools that it may see</summary>
        <input type="hidden" name="tools_shown" value="yes">
        <ul class="plain-list tools">${tools.map((tool) =>
          html`
            <li><label><input type="checkbox" name="tool" value="${tool}"${listed.includes(tool)
              ? html`
                checked
              `
              : ""}> <code>${tool}</code></label></li>
          `
        )}</ul>
      </details>
      <p class="actions"><button>${count === undefined ? "Try it" : "Try them"}</button></p>
    </form>
  `;
}

/** What a trial is, for whoever begins one. */
export const TRIAL_SAYS =
  "The model reads the kept message once more. What it does has no effect: no tool that acts is " +
  "run, nobody is told, and the task stays as it is. It counts in the source's budgets, as any run.";
