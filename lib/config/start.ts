import { type Config, ConfigError, secretsOf } from "./config.ts";
import { isAlone } from "./loopback.ts";
import { closest, findStrangeNames } from "./strange_names.ts";
import { checkUp } from "../../sources/diagnosis/checkup.ts";
import type { Source } from "../../sources/source.ts";
import { secretVariable } from "../../sources/kit/secret_variable.ts";

/** What the first lines say of a source. */
interface StartSource {
  verify?: unknown;
  secretVariable?: string;
  secretRequired?: boolean;
  aliases?: readonly string[];
}

/**
 * Refuses a secret in a variable that no source reads: whoever set it believes
 * that messages are verified.
 *
 * @throws {ConfigError} naming the variables and what would be right.
 */
export function refuseUnreadSecrets(
  config: Pick<Config, "secrets">,
  sources: Record<string, StartSource>,
): void {
  const verifying = Object.entries(sources).filter(([, { verify }]) => verify);
  const read = new Set(
    verifying.flatMap(([name, source]) => [
      source.secretVariable,
      secretVariable(name),
    ]),
  );
  // The vendor's own variable of a source that verifies nothing any more is as bad.
  const vendors = new Set(Object.values(sources).map(({ secretVariable }) => secretVariable));
  const unread = [...config.secrets.keys()].filter((name) =>
    (name.startsWith("WEBHOOK_SECRET_") || vendors.has(name)) && !read.has(name)
  );
  if (unread.length === 0) return;
  throw new ConfigError(
    `Cannot verify anything with ${unread.join(", ")}: no source of this name verifies. ` +
      aliasHint(unread, sources) +
      slipHint(unread, read) +
      "Unset it, or correct its name: docs/sources.md has those of all senders.",
  );
}

/** The names that were meant, where they differ by a letter or two. */
function slipHint(unread: readonly string[], read: ReadonlySet<string | undefined>): string {
  const variables = [...read].filter((name) => name !== undefined);
  return unread.map((name) => closest(name, variables)).filter((name) => name !== undefined)
    .map((name) => `Did you mean ${name}? `).join("");
}

/** What to set for another name of a source, which has no secret of its own. */
function aliasHint(unread: readonly string[], sources: Record<string, StartSource>): string {
  return Object.entries(sources).flatMap(([name, { aliases = [], secretVariable: variable }]) =>
    aliases.filter((alias) => unread.includes(secretVariable(alias))).map((alias) =>
      `${alias} is another name of ${name}: set ${variable ?? secretVariable(name)}. `
    )
  ).join("");
}

/** What a person wants to know when Otto has started: where it is, what to try, what is set. */
export async function describeStart(
  { config, port, sources, ruled }: {
    config: Config;
    port: number;
    sources: Record<string, Source>;
    /** Those that the operator's file says something of. */
    ruled: readonly string[];
  },
): Promise<string> {
  const origin = `http://${
    config.host === "0.0.0.0" || config.host === "::" ? "localhost" : shown(config.host)
  }:${port}`;
  // A first start says ten lines at the most, with two of the log and the one that signs in.
  const lines = [
    `Otto is ready on ${origin}`,
    `  try it     curl -X POST ${origin}/webhook/demo -H 'content-type: application/json' -d '{"title":"Hello Otto"}'`,
    `  messages   ${storage(config)}`,
    `  work       ${
      config.worksInline
        ? "in this process"
        : "by worker.ts (start at least one), or set WORKER=inline"
    }`,
    `  agent      ${agent(config)}`,
    `  signatures ${await signatures(config, sources)}${rules(config, ruled)}`,
  ];
  if (!isAlone(config)) lines.push(`  sign in    ${signIn(config)}`);
  for (const strange of findStrangeNames(config, { all: sources })) {
    lines.push(`  look at    ${strange}`);
  }
  return lines.join("\n");
}

function rules({ sourcesFile }: Config, ruled: readonly string[]): string {
  if (sourcesFile === undefined) return "";
  return `; rules for ${ruled.join(", ") || "no source"} (${sourcesFile})`;
}

/** Whoever opens a page that others can reach meets the sign-in, and has to know where to get in. */
function signIn({ adminToken, databaseUrl }: Config): string {
  const needed = "needed for the pages and the API, as others can reach them";
  if (adminToken !== undefined) return `${needed}: with ADMIN_TOKEN`;
  const stopped = databaseUrl === undefined ? " (stop this one before)" : "";
  return `${needed}: start with --new-link for a link${stopped}, or set ADMIN_TOKEN`;
}

function shown(host: string): string {
  return host === "127.0.0.1" ? "localhost" : host.includes(":") ? `[${host}]` : host;
}

function storage({ databaseUrl, redisUrl, dataDir }: Config): string {
  if (databaseUrl === undefined) {
    return `embedded, in ${dataDir} (survives a crash, not a power failure; DATABASE_URL changes that)`;
  }
  return redisUrl
    ? "PostgreSQL, news by Redis; spilled into Redis while PostgreSQL is away, if Redis is durable"
    : "PostgreSQL";
}

function agent({ model, agent: { mode } }: Config): string {
  if (model === undefined) return "digest, without AI (no model is configured)";
  const named = `${model.model} (${model.label})`;
  if (mode === "off") return `digest, without AI (AGENT_MODE=off; the model is ${named})`;
  return mode === "observe" ? `${named}, which only observes (AGENT_MODE=observe)` : named;
}

/** The sources that have a secret, as the doctor finds them, and those that would be refused; the others are too many to list. */
async function signatures(config: Config, sources: Record<string, Source>): Promise<string> {
  const parts: string[] = [];
  let others = 0;
  for (const [name, source] of Object.entries(sources)) {
    const variable = source.secretVariable ?? secretVariable(name);
    const secrets = secretsOf(config, name, source.secretVariable);
    if (secrets.length > 0) {
      const { status, detail } = await checkUp(name, source, { secrets, variable });
      parts.push(status === "verified" ? `${name} verified` : `${name} FAILED: ${detail}`);
    } else if (name === "generic") continue;
    else if (source.secretRequired) parts.push(`${name} refused until ${variable} is set`);
    else others++;
  }
  if (others > 0) {
    parts.push(`${others} more accepted unverified (docs/sources.md has their variables)`);
  }
  return parts.join("; ");
}
