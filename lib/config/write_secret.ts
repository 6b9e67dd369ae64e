import { applyEdits, modify } from "jsonc-parser";
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import type { Secrets } from "./secrets.ts";

/** How a file of ours is written anew. */
const FORMAT = { formattingOptions: { insertSpaces: true, tabSize: 2 } };

/**
 * Adds a secret to those of a variable in `SECRETS_FILE`, beside what stands there. The file is
 * replaced as a whole, with its mode, so that nobody reads half of it; that it is read again is for
 * whoever watches it.
 *
 * @throws {Error} when there is no such file, it cannot be written, or the variable is set in the
 *   environment: what the file says would take its place.
 */
export function addSecret(secrets: Secrets, variable: string, secret: string): void {
  const { file } = secrets;
  if (file === undefined) throw new Error("SECRETS_FILE is not set");
  if (secrets.origin(variable) === "environment") {
    throw new Error(`${variable} is set in the environment, and the file would take its place`);
  }
  const text = readFileSync(file, "utf8");
  const had = secrets.read().get(variable) ?? [];
  const value = had.length === 0 ? secret : [...had, secret];
  const edited = applyEdits(text, modify(text, [variable], value, FORMAT));
  const next = `${file}.${crypto.randomUUID()}.new`;
  try {
    writeFileSync(next, edited, { mode: statSync(file).mode & 0o777, flag: "wx" });
    renameSync(next, file);
  } catch (error) {
    rmSync(next, { force: true });
    throw error;
  }
}
