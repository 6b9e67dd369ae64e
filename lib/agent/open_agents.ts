import { type Config, ConfigError } from "../config/config.ts";
import type { Agent } from "./agent.ts";
import { digestAgent, switchedOffAgent } from "./digest.ts";
import { createModel } from "./model.ts";
import { type AgentHost, createModelAgent, type ModelEquipment } from "./model_agent.ts";
import { createTrialAgent, type TrialAgent } from "./trial/trial_agent.ts";

/** What works on tasks, and what tries kept messages, where a model may. */
export interface OpenAgents {
  agent: Agent;
  trials?: TrialAgent;
}

/**
 * Opens the agent that the configuration asks for: a model's, else the digest.
 *
 * @throws {ConfigError} where money is limited and a model has no price.
 */
export function openAgents(
  host: AgentHost & { config: Config },
  equipment: Omit<ModelEquipment, "model">,
): OpenAgents {
  const { model, agent } = host.config;
  if (model === undefined) return { agent: digestAgent };
  if (equipment.settings.limitsMoney && agent.price === undefined) {
    throw new ConfigError(
      `Cannot start with a money_per_day in AGENT_CONFIG: AGENT_PRICES has no price of ` +
        `"${model.provider}/${model.model}". Set it, or limit tokens_per_day instead.`,
    );
  }
  if (agent.mode === "off") return { agent: switchedOffAgent };
  return {
    agent: createModelAgent(host, { model: createModel(model), ...equipment }),
    trials: createTrialAgent(host, equipment, agent.trialModels),
  };
}
