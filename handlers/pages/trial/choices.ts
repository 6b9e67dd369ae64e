import type { Services } from "../../../lib/services.ts";
import { ALWAYS } from "../../../lib/agent/tools/names.ts";
import type { Trial } from "../../../lib/task/trial/trial.ts";
import type { AskedTrial } from "../../api/trials/start.ts";
import type { KeptSetting } from "../../views/trial/compare.ts";
import type { TrialChoices } from "../../views/trial/form.ts";

/** What the messages of a source can be tried with; undefined where no model works. */
export function choicesFor(
  { trials }: Services,
  source: string,
  { verified }: { verified: boolean },
): TrialChoices | undefined {
  if (!trials) return undefined;
  const { instruction, tools, unverifiedTools } = trials.rulesOf(source);
  return {
    // Readers see it, too. Browsers know one kind of line break in a form's texts.
    instruction: instruction && trials.redact(unixLines(instruction)),
    models: trials.models,
    tools: trials.tools,
    listed: verified ? tools : unverifiedTools,
  };
}

/** What a form asks for: what it leaves as the source has it is not asked for. */
export function askedIn(form: URLSearchParams, choices: TrialChoices): AskedTrial {
  const asked = form.get("instruction");
  const instruction = asked === null ? undefined : unixLines(asked);
  const tools = form.has("tools_shown") ? form.getAll("tool") : undefined;
  const listed = choices.listed.filter((tool) => !(ALWAYS as readonly string[]).includes(tool));
  const isAsListed = tools?.length === listed.length &&
    tools.every((tool) => listed.includes(tool));
  return {
    instruction: instruction === (choices.instruction ?? "") ? undefined : instruction,
    model: form.get("model") || undefined,
    tools: isAsListed ? undefined : tools,
  };
}

const unixLines = (text: string) => text.replace(/\r\n?/g, "\n");

/** Which variable names the model of a provider. */
const MODEL_VARIABLE: Record<string, string> = {
  gemini: "GEMINI_MODEL",
  ollama: "OLLAMA_MODEL",
  openai: "OPENAI_MODEL",
  anthropic: "ANTHROPIC_MODEL",
};

/** What to write where, to work all messages of the source as this one was tried. */
export function keptSettings(
  { sources, trials }: Services,
  { source, instruction, tools, model }: Trial,
  { verified }: { verified: boolean },
): KeptSetting[] {
  // AGENT_CONFIG takes no second one beside it.
  const inFile = sources.settingsOf(source).instruction !== undefined;
  const rules = {
    ...(instruction !== null && !inFile ? { instruction } : {}),
    ...(tools === null ? {} : { [verified ? "tools" : "unverified_tools"]: tools }),
  };
  const own = (settings: object) => JSON.stringify(settings, null, 2);
  const [provider, name] = splitOnce(model, "/");
  return [
    ...Object.keys(rules).length > 0
      ? [{ where: "AGENT_CONFIG", text: own({ sources: { [source]: rules } }) }]
      : [],
    ...instruction !== null && inFile
      ? [{ where: "SOURCES_FILE", text: own({ [source]: { instruction } }) }]
      : [],
    ...trials && model !== trials.models[0]
      ? [{
        where: "the environment",
        text: `${MODEL_VARIABLE[provider] ?? "OPENAI_MODEL"}=${name}`,
      }]
      : [],
  ];
}

function splitOnce(text: string, at: string): [string, string] {
  const index = text.indexOf(at);
  return [text.slice(0, index), text.slice(index + at.length)];
}
