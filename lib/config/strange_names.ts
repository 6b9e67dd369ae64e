import { sources as known } from "../../sources/mod.ts";
import { secretVariable } from "../../sources/kit/secret_variable.ts";
import { labelOf, type Registry } from "../../sources/rules/registry.ts";
import type { Source } from "../../sources/source.ts";
import type { Config } from "./config.ts";
import { SETTING_NAMES } from "./settings.ts";

/** So many characters wrong are a slip of the fingers. */
const MOST_SLIPS = 2;
/** A shorter name is close to too many others. */
const SHORTEST = 10;

/**
 * Variables that look as if they were meant to verify a sender and that nobody reads, each with
 * what would be right: whoever set one believes that messages are verified.
 */
export function findStrangeNames(
  { variableNames, secrets }: Pick<Config, "variableNames" | "secrets">,
  { all }: Pick<Registry, "all">,
): string[] {
  const read = new Map<string, string>();
  for (const [name, source] of Object.entries<Source>(all)) {
    const variables = [source.secretVariable, secretVariable(name), source.verifyTokenVariable];
    for (const variable of variables) if (variable) read.set(variable, name);
  }
  return variableNames.filter((name) => !read.has(name) && !SETTING_NAMES.includes(name))
    .flatMap((name) => {
      const meant = closest(name, [...read.keys()]);
      if (meant !== undefined) return [`${name} is read by nobody: did you mean ${meant}?`];
      const sender = senderIn(name);
      const right = sender && (all[sender].secretVariable ?? secretVariable(sender));
      return right === undefined || secrets.has(right) || secrets.has(secretVariable(sender!))
        ? []
        : [
          `${name} is read by nobody: if it is to verify webhooks of ` +
          `${labelOf({ name: sender!, source: all[sender!] })}, set ${right}`,
        ];
    });
}

/** The variable that a name is a slip of. One that is shorter than `shortest` is none. */
export function closest(
  name: string,
  variables: readonly string[],
  shortest = SHORTEST,
): string | undefined {
  if (name.length < shortest) return undefined;
  return variables.find((variable) =>
    Math.abs(variable.length - name.length) <= MOST_SLIPS &&
    slipsBetween(name, variable) <= MOST_SLIPS
  );
}

/** How many letters are wrong, missing, too many or in the wrong order. */
function slipsBetween(one: string, other: string): number {
  let before: number[] = [];
  let last = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let i = 1; i <= one.length; i++) {
    const row = [i];
    for (let j = 1; j <= other.length; j++) {
      const same = one[i - 1] === other[j - 1] ? 0 : 1;
      row[j] = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + same);
      const turned = i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1];
      if (turned) row[j] = Math.min(row[j], before[j - 2] + 1);
    }
    [before, last] = [last, row];
  }
  return last[other.length];
}

/** The known sender whose name a variable for a secret begins with. */
function senderIn(name: string): string | undefined {
  if (!/(SECRET|KEY|TOKEN)$/.test(name)) return undefined;
  return Object.keys(known).find((sender) => name.startsWith(`${sender.toUpperCase()}_`));
}
