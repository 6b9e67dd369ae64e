import { checkAgentFiles, checkStores } from "./lib/monitor/checkup.ts";
import { type Config, readConfig, secretsOf } from "./lib/config/config.ts";
import type { Check } from "./lib/monitor/check.ts";
import { createLog } from "./lib/process/log.ts";
import { Refusal } from "./lib/process/refusal.ts";
import { run } from "./lib/process/run.ts";
import { checkRules, readSources } from "./lib/config/source_file.ts";
import { findStrangeNames } from "./lib/config/strange_names.ts";
import { checkUp } from "./sources/diagnosis/checkup.ts";
import { GENERIC, type Registry, variableOf } from "./sources/rules/registry.ts";

/** Says what is configured, what is missing and where to paste which URL. Ends with 1 when something configured cannot work. */
await run(async () => {
  const config = readConfig();
  const sources = readSources(config);
  const failed: string[] = [];

  console.log("Stores and agent\n");
  const stores = await checkStores(config, createLog("silent"));
  const agent = await checkAgentFiles(config, sources);
  for (const check of [...stores, agent, ...settings(config, sources)]) {
    if (check.status === "failed") failed.push(check.name);
    tell(check, [check.detail, check.hint]);
  }

  console.log(`\nSenders: paste the URL at the sender, set the variable to its secret\n`);
  for (const [name, source] of Object.entries(sources.all)) {
    if (name === GENERIC && !source.verify) continue;
    const { status, lines } = await checkSender(config, sources, name);
    if (status === "failed") failed.push(name);
    tell({ name, status }, lines);
  }
  console.log(`\nAny other name works too: ${originOf(config)}/webhook/{name}`);
  if (failed.length > 0) {
    throw new Refusal(`\nCannot work as it is configured: ${failed.join(", ")}`);
  }
}, () => undefined);

function tell(
  { name, status }: { name: string; status: string },
  lines: (string | undefined)[],
): void {
  const [first, ...rest] = lines.filter((each) => each);
  console.log(
    `${(status === "failed" ? "FAILED" : status).padEnd(10)} ${name.padEnd(18)} ${first}`,
  );
  for (const line of rest) console.log(`${" ".repeat(30)}${line}`);
}

function originOf({ publicUrl }: Config): string {
  return publicUrl ?? "https://YOUR-ADDRESS";
}

async function checkSender(
  config: Config,
  sources: Registry,
  name: string,
): Promise<{ status: string; lines: (string | undefined)[] }> {
  const source = sources.all[name];
  const { publicUrl } = config;
  const { status, detail, hint } = await checkUp(name, source, {
    secrets: secretsOf(config, name, source.secretVariable),
    variable: variableOf({ name, source }),
    publicUrl,
  });
  const rules = Object.keys(sources.settingsOf(name));
  return {
    status,
    lines: [
      hint ? `${detail}. ${hint}` : detail,
      `${originOf(config)}/webhook/${name}${source.setup ? `  →  ${source.setup}` : ""}`,
      rules.length > 0 ? `SOURCES_FILE says its ${rules.join(", ")}` : undefined,
    ],
  };
}

/** What contradicts itself among the settings. */
function settings(config: Config, sources: Registry): Check[] {
  const { all } = sources;
  const checks: Check[] = [];
  const contradictions: [name: string, look: () => unknown][] = [
    ["settings", () => checkRules(config, sources)],
  ];
  for (const [name, look] of contradictions) {
    try {
      look();
    } catch (error) {
      checks.push({ name, status: "failed", detail: (error as Error).message });
    }
  }
  for (const detail of findStrangeNames(config, sources)) {
    checks.push({ name: "variables", status: "degraded", detail });
  }
  const hears = secretsOf(config, "slack", all.slack.secretVariable).length > 0;
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
