import { checkAgentFiles, checkStores } from "./lib/monitor/checkup.ts";
import { type Config, readConfig, secretsOf } from "./lib/config/config.ts";
import type { Check } from "./lib/monitor/health.ts";
import { createLog } from "./lib/process/log.ts";
import { Refusal } from "./lib/process/refusal.ts";
import { run } from "./lib/process/run.ts";
import { channelsOf, readSources } from "./lib/config/source_file.ts";
import { refuseUnreadSecrets } from "./lib/config/start.ts";
import { checkUp } from "./sources/diagnosis/checkup.ts";
import { GENERIC, type Registry, variableOf } from "./sources/rules/registry.ts";

/** Says what is configured, what is missing and where to paste which URL. Ends with 1 when something configured cannot work. */
await run(async () => {
  const config = readConfig();
  const sources = readSources(config);
  const failed: string[] = [];
  const tell = (name: string, status: string, lines: (string | undefined)[]) => {
    if (status === "failed") failed.push(name);
    const [first, ...rest] = lines.filter((each) => each);
    console.log(
      `${(status === "failed" ? "FAILED" : status).padEnd(10)} ${name.padEnd(18)} ${first}`,
    );
    for (const line of rest) console.log(`${" ".repeat(30)}${line}`);
  };

  console.log("Stores and agent\n");
  const stores = await checkStores(config, createLog("silent"));
  for (
    const { name, status, detail, hint } of [...stores, await checkAgentFiles(config, sources)]
  ) {
    tell(name, status, [detail, hint]);
  }
  for (const { name, status, detail, hint } of settings(config, sources)) {
    tell(name, status, [detail, hint]);
  }

  console.log(`\nSenders: paste the URL at the sender, set the variable to its secret\n`);
  const origin = config.publicUrl ?? "https://YOUR-ADDRESS";
  for (const [name, source] of Object.entries(sources.all)) {
    if (name === GENERIC && !source.verify) continue;
    const variable = variableOf({ name, source });
    const secrets = secretsOf(config, name, source.secretVariable);
    const { publicUrl } = config;
    const rules = Object.keys(sources.settingsOf(name));
    const { status, detail, hint } = await checkUp(name, source, { secrets, variable, publicUrl });
    tell(name, status, [
      hint ? `${detail}. ${hint}` : detail,
      `${origin}/webhook/${name}${source.setup ? `  →  ${source.setup}` : ""}`,
      rules.length > 0 ? `SOURCES_FILE says its ${rules.join(", ")}` : undefined,
    ]);
  }
  console.log(`\nAny other name works too: ${origin}/webhook/{name}`);
  if (failed.length > 0) {
    throw new Refusal(`\nCannot work as it is configured: ${failed.join(", ")}`);
  }
}, () => undefined);

/** What contradicts itself among the settings. */
function settings(config: Config, sources: Registry): Check[] {
  const { all } = sources;
  const checks: Check[] = [];
  const contradictions: [name: string, look: () => unknown][] = [
    ["secrets", () => refuseUnreadSecrets(config, all)],
    ["Slack", () => channelsOf(config, sources)],
  ];
  for (const [name, look] of contradictions) {
    try {
      look();
    } catch (error) {
      checks.push({ name, status: "failed", detail: (error as Error).message });
    }
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
