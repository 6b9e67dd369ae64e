import { type Config, secretsOf } from "../../lib/config/config.ts";
import { checkUp } from "../../sources/diagnosis/checkup.ts";
import { GENERIC, type Registry, variableOf } from "../../sources/rules/registry.ts";

/** A sender as it is set here. */
export interface SenderCheck {
  name: string;
  status: "verified" | "unverified" | "refused" | "failed";
  /** What is configured or missing, where to paste which URL, what the operator's file says. */
  lines: string[];
  /** Something is set for it. */
  isSet: boolean;
}

/** All senders as they are set here; each of its secrets is tried on a sample. */
export async function checkSenders(config: Config, sources: Registry): Promise<SenderCheck[]> {
  const names = Object.keys(sources.all)
    .filter((name) => name !== GENERIC || sources.all[name].verify);
  return await Promise.all(names.map((name) => checkSender(config, sources, name)));
}

async function checkSender(
  config: Config,
  sources: Registry,
  name: string,
): Promise<SenderCheck> {
  const source = sources.all[name];
  const secrets = secretsOf(config, name, source.secretVariable);
  const { status, detail, hint } = await checkUp(name, source, {
    secrets,
    variable: variableOf({ name, source }),
    publicUrl: config.publicUrl,
  });
  const rules = Object.keys(sources.settingsOf(name));
  const url = `${config.publicUrl ?? "https://YOUR-ADDRESS"}/webhook/${name}`;
  return {
    name,
    status,
    lines: [
      hint ? `${detail}. ${hint}` : detail,
      source.setup ? `${url}  →  ${source.setup}` : url,
      ...rules.length > 0 ? [`SOURCES_FILE says its ${rules.join(", ")}`] : [],
    ],
    isSet: secrets.length > 0 || sources.ruled.includes(name) || status === "failed",
  };
}
