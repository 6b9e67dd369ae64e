import { readFileSync, statSync } from "node:fs";
import packageJson from "../../package.json" with { type: "json" };

/** Which Otto this is. */
export interface Version {
  /** As the release has it: `1.2.3`. */
  readonly version: string;
  /** What it was built from, where that is known: a commit's id in hexadecimal digits. */
  readonly commit?: string;
}

const ROOT = new URL("../../", import.meta.url);
const COMMIT = /^[0-9a-f]{40,64}$/;
/** A file of git's that names one commit is 41 bytes long; the list of many is not read whole. */
const MOST_BYTES = 4 * 1024 * 1024;

/**
 * Which Otto this is. The commit is the one that is given (an image has no repository beside it),
 * else the one that is checked out; git itself is not run.
 */
export function readVersion(given?: string, root = ROOT): Version {
  const commit = given ?? checkedOut(root);
  return { version: packageJson.version, ...(commit !== undefined && { commit }) };
}

/** What `.git` says; undefined where there is none, or it may not be read. */
function checkedOut(root: URL): string | undefined {
  try {
    const head = read(root, ".git/HEAD");
    if (COMMIT.test(head)) return head;
    const [, ref] = /^ref: (refs\/[\w./-]+)$/.exec(head) ?? [];
    if (ref === undefined || ref.includes("..")) return undefined;
    return loose(root, ref) ?? packed(root, ref);
  } catch {
    return undefined;
  }
}

function loose(root: URL, ref: string): string | undefined {
  try {
    const commit = read(root, `.git/${ref}`);
    return COMMIT.test(commit) ? commit : undefined;
  } catch {
    return undefined;
  }
}

function packed(root: URL, ref: string): string | undefined {
  const line = read(root, ".git/packed-refs").split("\n").find((each) => each.endsWith(` ${ref}`));
  const commit = line?.split(" ", 1)[0] ?? "";
  return COMMIT.test(commit) ? commit : undefined;
}

/** @throws {Error} when it is not there, or too large. */
function read(root: URL, path: string): string {
  const url = new URL(path, root);
  if (statSync(url).size > MOST_BYTES) throw new RangeError(`${path} is too large`);
  return readFileSync(url, "utf8").trim();
}
