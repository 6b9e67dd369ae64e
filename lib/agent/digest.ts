import { MODEL_VARIABLES } from "../config/model/model_settings.ts";
import type { Agent, Assignment } from "./agent.ts";

/** The most of a person's own text that a digest quotes, in characters. */
const MOST_TEXT = 4_000;

/** A digest waits for nothing but the store: the more of them share a statement, the better. */
const TASKS_AT_ONCE = 64;

const NO_MODEL = "No model is configured, so this is a digest made without AI: nothing was " +
  `decided and nothing was done. For a model set ${MODEL_VARIABLES}.`;

const SWITCHED_OFF = "This is a digest made without AI: AGENT_MODE is off.";

/**
 * The agent for when no model may be asked: writes down what happened, who did
 * it, where, and what they said, and completes the task.
 *
 * @param note why no model was asked, as Markdown.
 */
export function createDigestAgent(note: string): Agent {
  return {
    name: "digest",
    tasksAtOnce: TASKS_AT_ONCE,
    run: (assignment) =>
      Promise.resolve({
        status: "completed",
        text: writeDigest(assignment, note),
        data: {
          agent: "digest",
          source: assignment.source,
          event: assignment.described.event ?? null,
          actor: assignment.described.actor ?? null,
          link: assignment.described.link ?? null,
          fields: assignment.described.fields ?? {},
          verified: assignment.verified,
        },
      }),
  };
}

/** For when no model is configured. */
export const digestAgent = createDigestAgent(NO_MODEL);

/** For when the operator has switched the agent off. */
export const switchedOffAgent = createDigestAgent(SWITCHED_OFF);

function writeDigest(
  { title, webhookType, described, verified, merged, receivedAt }: Assignment,
  note: string,
): string {
  const facts = [
    ["Source", described.event ? `${webhookType} (${described.event})` : webhookType],
    ["Who", described.actor],
    ["Received", receivedAt.toISOString()],
    ["Signature", verified ? "verified" : "not verified: anyone could have sent this"],
    ...Object.entries(described.fields ?? {}),
  ].filter((fact): fact is [string, string] => fact[1] !== undefined);
  return [
    `## ${escapeMarkdown(title)}`,
    facts.map(([name, value]) => `- **${escapeMarkdown(name)}:** ${escapeMarkdown(value)}`)
      .join("\n"),
    // Angle brackets make any URL a link that cannot be given another text.
    described.link && `Link: <${described.link}>`,
    described.text && quote(described.text),
    merged && listMerged(merged),
    note,
  ].filter(Boolean).join("\n\n");
}

function listMerged({ messages, titles }: NonNullable<Assignment["merged"]>): string {
  const more = messages - titles.length;
  return [
    `All ${messages} messages:`,
    titles.map((title, index) => `${index + 1}. ${escapeMarkdown(title)}`).join("\n"),
    more > 0 && `… and ${more} more`,
  ].filter(Boolean).join("\n\n");
}

/** What a sender wrote, as text: it must not become a heading, a link or an image. */
function escapeMarkdown(text: string): string {
  return text.replace(/[\\`*_[\]<>#|~!]/g, "\\$&");
}

/** A code block whose fence is longer than any in the text, so that it cannot be closed from inside. */
function quote(text: string): string {
  const cut = text.length > MOST_TEXT
    ? `${text.slice(0, MOST_TEXT).toWellFormed()}\n… (${text.length - MOST_TEXT} more characters)`
    : text;
  const longest = Math.max(2, ...(cut.match(/`+/g) ?? []).map((run) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}text\n${cut}\n${fence}`;
}
