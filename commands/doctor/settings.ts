import { readAgentSettings } from "../../lib/agent/settings.ts";
import { checkAgentFiles, checkStores } from "../../lib/monitor/checkup.ts";
import { type Config, secretsOf } from "../../lib/config/config.ts";
import type { Check } from "../../lib/monitor/check.ts";
import { tryModelProvider } from "../../lib/monitor/model_provider.ts";
import { checkReplies, type ReplyingAgent } from "../../lib/monitor/reply_checks.ts";
import { createLog } from "../../lib/process/log.ts";
import { checkRules, instructionsOf } from "../../lib/config/source_file.ts";
import { findStrangeNames } from "../../lib/config/strange_names.ts";
import type { Registry } from "../../sources/rules/registry.ts";

/** What this machine's settings come to: the stores, the agent, and what contradicts itself. */
export async function checkSettings(config: Config, sources: Registry): Promise<Check[]> {
  return [
    ...await checkStores(config, createLog("silent")),
    await checkAgentFiles(config, sources),
    ...await tryModelProvider(config),
    ...await checkReplies(config, agentOf(config, sources)),
    ...contradictions(config, sources),
    ...remarks(config, sources),
  ];
}

/** What is wrong with its file is said by its own check. */
function agentOf(config: Config, sources: Registry): ReplyingAgent | undefined {
  try {
    return readAgentSettings(config.agent.configFile, instructionsOf(sources));
  } catch {
    return undefined;
  }
}

function contradictions(config: Config, sources: Registry): Check[] {
  try {
    checkRules(config, sources);
    return [];
  } catch (error) {
    return [{ name: "settings", status: "failed", detail: (error as Error).message }];
  }
}

/** What may be meant, and seldom is. */
function remarks(config: Config, sources: Registry): Check[] {
  const checks: Check[] = [];
  for (const detail of findStrangeNames(config, sources)) {
    checks.push({ name: "variables", status: "degraded", detail });
  }
  const hears = secretsOf(config, "slack", sources.all.slack.secretVariable).length > 0;
  if (config.slack.botToken !== undefined && !hears) {
    checks.push({
      name: "Slack",
      status: "degraded",
      detail: "tells people, but hears no answer",
      hint: "Set SLACK_SIGNING_SECRET",
    });
  }
  if (config.publicUrl === undefined) {
    checks.push({
      name: "PUBLIC_URL",
      status: "degraded",
      detail: "not set: links lead to this machine, and senders cannot know the address",
      hint: "Set PUBLIC_URL as soon as there is one",
    });
  }
  return checks;
}
