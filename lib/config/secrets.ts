import { statSync } from "node:fs";
import { platform } from "node:process";
import { z } from "zod";
import { secretVariable } from "../../sources/kit/secret_variable.ts";
import { ConfigError } from "./config_error.ts";
import { readJsonFile } from "./json_file.ts";
import { list } from "./settings.ts";

/** The secrets of senders, by variable. */
type SecretMap = ReadonlyMap<string, readonly string[]>;

export type SecretOrigin = "environment" | "SECRETS_FILE";

/** The secrets of senders: those of the environment, and before them those of `SECRETS_FILE`. */
export interface Secrets {
  all(): SecretMap;
  /** The file's name; undefined where there is none. */
  readonly file: string | undefined;
  /** Where a variable's secrets come from; undefined where it has none. */
  origin(variable: string): SecretOrigin | undefined;
  /**
   * The secrets with what the file says now; they count when they are adopted.
   *
   * @throws {ConfigError} when it cannot be read or understood.
   */
  read(): SecretMap;
  adopt(secrets: SecretMap): void;
}

/** How vendors end the names of their secrets; a source that calls its own otherwise would not be heard. */
const SECRET_NAME = new RegExp(
  "^WEBHOOK_SECRET_|_(WEBHOOK_SECRET|WEBHOOK_SECRET_TOKEN|WEBHOOK_SIGNING_KEY|" +
    "WEBHOOK_SIGNING_SECRET|WEBHOOK_SIGNATURE_KEY|WEBHOOK_PUBLIC_KEY|WEBHOOK_ID|SIGNING_SECRET|" +
    "CLIENT_SECRET|APP_SECRET|API_SECRET|CONSUMER_SECRET|AUTH_TOKEN|PUBLIC_KEY|VERIFY_TOKEN|WEBHOOK_KEY|CHANNEL_SECRET|HMAC_KEY)$",
);

const secretsFile = z.record(
  z.string().regex(SECRET_NAME, {
    error: "is no variable of a sender's secret: docs/sources.md has their names",
  }),
  z.union([z.string(), z.array(z.string().trim().min(1)).min(1)], {
    error: "must be a text, or a list of texts during a rotation",
  }),
);

/**
 * @param set the variables of the environment that are set.
 * @throws {ConfigError} when the file is wrong, or a variable has no secret in it.
 */
export function openSecrets(set: Record<string, string>, file: string | undefined): Secrets {
  const named = Object.keys(set).filter((name) => SECRET_NAME.test(name));
  const environment = new Map(named.map((name) => [name, split(set[name])]));
  refuseBlank(environment);
  const read = () =>
    file === undefined ? environment : new Map([...environment, ...readSecretsFile(file)]);
  let now = read();
  return {
    file,
    read,
    all: () => now,
    adopt: (secrets) => void (now = new Map(secrets)),
    origin: (variable) =>
      !now.has(variable)
        ? undefined
        : now.get(variable) === environment.get(variable)
        ? "environment"
        : "SECRETS_FILE",
  };
}

function readSecretsFile(file: string): Map<string, readonly string[]> {
  const given = readJsonFile("SECRETS_FILE", file, secretsFile);
  refuseOpenFile(file);
  const secrets = new Map(
    // As in the environment, an empty value is unset.
    Object.entries(given).filter(([, value]) => value.length > 0 && String(value).trim() !== "")
      .map(([name, value]) => [name, typeof value === "string" ? split(value) : value] as const),
  );
  refuseBlank(secrets);
  return secrets;
}

/** Windows has no such modes. */
function refuseOpenFile(file: string): void {
  const { mode } = statSync(file);
  if (platform === "win32" || (mode & 0o007) === 0) return;
  throw new ConfigError(
    `Cannot take secrets from ${file} (SECRETS_FILE): everybody on this machine may read or change ` +
      `it (its mode is ${(mode & 0o777).toString(8)}). Let nobody but its owner: chmod 600 ${file}`,
  );
}

/** Several are separated by commas; one that has a comma in it is tried as a whole, too. */
function split(value: string): readonly string[] {
  return list.parse(value);
}

function refuseBlank(secrets: SecretMap): void {
  const blank = [...secrets.keys()].filter((name) => secrets.get(name)!.length === 0);
  if (blank.length === 0) return;
  // As if it were unset would be to let everybody in.
  throw new ConfigError(
    `Cannot start with ${blank.join(", ")}: there are commas and no secret. Set it, or unset it.`,
  );
}

/** What is set for a source: each variable that has values, how many, and where they come from. */
export interface SetSecrets {
  variable: string;
  values: number;
  from: SecretOrigin;
}

/** Which of a source's variables are set: never what to. */
export function setSecretsOf(
  { secretsFrom }: { readonly secretsFrom: Secrets },
  name: string,
  vendorVariable?: string,
): SetSecrets[] {
  return [...new Set([vendorVariable, secretVariable(name)])].flatMap((variable) => {
    const from = variable && secretsFrom.origin(variable);
    if (!from) return [];
    return [{ variable, values: secretsFrom.all().get(variable)!.length, from }];
  });
}

/** The secrets of a source: from the vendor's own variable and from `WEBHOOK_SECRET_{SOURCE}`. */
export function secretsOf(
  config: { readonly secrets: SecretMap },
  name: string,
  vendorVariable?: string,
): readonly string[] {
  return [vendorVariable, secretVariable(name)]
    .flatMap((variable) => (variable && config.secrets.get(variable)) || []);
}

/**
 * The same, and each variable's secrets joined by a comma again: a single one may have a comma in
 * it, and what counts as two would never fit.
 */
export function triedSecretsOf(
  config: { readonly secrets: SecretMap },
  name: string,
  vendorVariable?: string,
): readonly string[] {
  const joined = [vendorVariable, secretVariable(name)].flatMap((variable) => {
    const secrets = (variable && config.secrets.get(variable)) || [];
    return secrets.length > 1 ? [secrets.join(",")] : [];
  });
  return [...secretsOf(config, name, vendorVariable), ...joined];
}
