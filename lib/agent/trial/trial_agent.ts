import { unlessAborted } from "../../async/deadline.ts";
import { ConfigError } from "../../config/config.ts";
import type { TrialModel } from "../../config/model/trial_models.ts";
import type { ClaimedTrial } from "../../task/trial/claim.ts";
import type { Assignment, Outcome } from "../agent.ts";
import { scopesOf } from "../budget/scope.ts";
import { createModel } from "../model.ts";
import { type AgentHost, mayWork, type ModelEquipment, openContext } from "../model_agent.ts";
import type { SourceRules } from "../policy.ts";
import { TaskLostError } from "../run/lease.ts";
import { runLoop } from "../run/loop.ts";
import { waitOrFail } from "../run/wait_or_fail.ts";
import { ALWAYS, BUILT_IN } from "../tools/names.ts";
import type { Tool } from "../tools/tool.ts";
import { trialRecord } from "./trial_record.ts";

const UNVERIFIED =
  "no signature vouches for the message, and it was not sent by the person at this machine alone: " +
  "a model reads only what is signed, or of a type that AGENT_TRUST_UNVERIFIED lists";

/** Gives kept messages to a model once more, and lets it have no effect. */
export interface TrialAgent {
  /** The models that may be tried, such as `openai/gpt-5-mini`; the one in use first. */
  readonly models: readonly string[];
  /** The tools that may be listed for a trial, besides those that every message may use. */
  readonly tools: readonly string[];
  /** What the rules of a source say at present. */
  rulesOf(source: string): SourceRules;
  /** Takes secrets out of a text. */
  redact(text: string): string;
  /**
   * Works a trial as far as it comes.
   *
   * @returns undefined when somebody else has it now, or nobody any more.
   * @throws when it has failed, with the reason.
   */
  run(
    trial: ClaimedTrial,
    assignment: Assignment,
    signal: AbortSignal,
  ): Promise<Exclude<Outcome, { status: "waiting_input" | "waiting_event" }> | undefined>;
}

/**
 * @param models the configured ones, the one in use first.
 * @throws {ConfigError} when there is a budget in money and one of them has no price.
 */
export function createTrialAgent(
  host: AgentHost,
  equipment: Omit<ModelEquipment, "model">,
  models: readonly TrialModel[],
): TrialAgent {
  const { settings, redact } = equipment;
  const priceless = settings.limitsMoney ? models.find(({ price }) => !price) : undefined;
  if (priceless) {
    throw new ConfigError(
      `Cannot start with ${priceless.name} in AGENT_TRIAL_MODELS and a money_per_day in ` +
        `AGENT_CONFIG: AGENT_PRICES has no price of "${priceless.name}". Set it, or leave the ` +
        "model out.",
    );
  }
  const known: readonly string[] = [...BUILT_IN, ...settings.mcpTools.keys()];
  return {
    models: models.map(({ name }) => name),
    tools: known.filter((tool) => !(ALWAYS as readonly string[]).includes(tool)),
    rulesOf: settings.rulesOf,
    redact,
    async run(trial, assignment, signal) {
      try {
        const outcome = await work(host, equipment, { models, trial, assignment, signal });
        if (outcome.status === "later") return { ...outcome, reason: redact(outcome.reason) };
        if (outcome.status === "completed") return outcome;
        throw new Error("the model asked for a person, and a trial asks nobody");
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof TaskLostError) return undefined;
        return waitOrFail(error, redact);
      }
    },
  };
}

async function work(
  host: AgentHost,
  equipment: Omit<ModelEquipment, "model">,
  { models, trial, assignment, signal }: {
    models: readonly TrialModel[];
    trial: ClaimedTrial;
    assignment: Assignment;
    signal: AbortSignal;
  },
): Promise<Outcome> {
  const { config, database } = host;
  const { settings, toolshed } = equipment;
  const chosen = models.find(({ name }) => name === trial.model);
  if (!chosen) throw new Error(`${trial.model} is not among the models of this worker any more`);
  if (!mayWork(config, assignment)) throw new Error(UNVERIFIED);
  const { source, verified } = assignment;
  const rules = triedRules(settings.rulesOf(source), trial);
  const listed = verified ? rules.tools : rules.unverifiedTools;
  const others = await unlessAborted(signal, toolshed.tools(listed));
  if (!others) throw signal.reason;
  const context = await openContext(host, { ...equipment, model: createModel(chosen.settings) }, {
    assignment,
    rules,
    scopes: scopesOf(assignment, rules.budgets, settings.sharedBudgets),
    listed,
    others,
  });
  return await runLoop({
    ...context,
    record: trialRecord(database, trial, {
      source,
      instruction: equipment.redact(rules.instruction ?? ""),
      currency: chosen.price?.currency,
    }),
    mode: "observe",
    isUnattended: true,
    price: chosen.price,
    tools: new Map([...context.tools].map(([name, tool]) => [name, withoutEffect(tool)])),
  }, signal);
}

/** A source's rules with what is tried in their place. */
function triedRules(
  rules: SourceRules,
  { instruction, tools }: Pick<ClaimedTrial, "instruction" | "tools">,
): SourceRules {
  const listed = tools && [...ALWAYS, ...tools];
  return {
    ...rules,
    instruction: instruction ?? rules.instruction,
    tools: listed ?? rules.tools,
    unverifiedTools: listed ?? rules.unverifiedTools,
  };
}

/** The policy refuses it in a trial; what it would do is not there either. */
function withoutEffect(tool: Tool): Tool {
  if (tool.capability.effect === "none") return tool;
  return { ...tool, run: () => Promise.reject(new Error("a trial has no effect")) };
}
