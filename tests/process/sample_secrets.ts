import { sources } from "../../sources/mod.ts";
import type { Source } from "../../sources/source.ts";

/** Only these schemes want their key in a form of its own. */
const SECRETS: Record<string, string> = {
  airtable: btoa("a secret key"),
  teams: btoa("a secret key"),
  telegram: "tök en",
  okta: "two wörds",
};

/** The variable that a sender's secret belongs in. */
export const variableOf = (name: string, source: Source) =>
  source.secretVariable ?? `WEBHOOK_SECRET_${name.toUpperCase()}`;

/** Whether we can sign as this sender does: of some, only the vendor has the key. */
export const canProve = ({ sign, prove }: Source) => (sign ?? prove) !== undefined;

/** A secret such as this sender's may be. */
export const secretOf = (name: string) => SECRETS[name] ?? "any-text";

/** A secret for each sender that we can sign for, as variables. */
export function sampleSecrets(): Record<string, string> {
  return Object.fromEntries(
    Object.entries<Source>(sources).filter(([, source]) => canProve(source))
      .map(([name, source]) => [variableOf(name, source), secretOf(name)]),
  );
}
