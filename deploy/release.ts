// Makes a release in one commit and one tag: the version, CHANGELOG.md's section and the image's tag
// in deploy/kubernetes.yaml. docs/release.md says how, and how to undo it.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";

const HELP = "deno task release 1.2.3 [--dry-run]";

/** Files of the repository by their names. */
export type ReleaseFiles = Record<
  "package.json" | "package-lock.json" | "CHANGELOG.md" | "deploy/kubernetes.yaml",
  string
>;

/**
 * What the files are after a release of this version on this day (YYYY-MM-DD).
 *
 * @throws {Error} saying what stands in the way: an older version, nothing to tell.
 */
export function makeRelease(files: ReleaseFiles, version: string, day: string): ReleaseFiles {
  if (!/^\d+\.\d+\.\d+$/.test(version)) {
    throw new Error(`Cannot release "${version}": a version is three numbers, such as 1.2.3`);
  }
  const before: string = JSON.parse(files["package.json"]).version;
  if (isLater(before, version)) {
    throw new Error(`Cannot release ${version}: package.json has ${before}, which is later`);
  }
  const heading = "## Unreleased\n";
  const [start, rest] = files["CHANGELOG.md"].split(heading);
  if (!/^- /m.test(rest?.split(/^## /m, 1)[0] ?? "")) {
    throw new Error(`Cannot release ${version}: CHANGELOG.md says nothing under "Unreleased"`);
  }
  return {
    "package.json": replaceFirst(files["package.json"], before, version),
    // Its own version stands there twice, before those of the packages.
    "package-lock.json": replaceFirst(
      replaceFirst(files["package-lock.json"], before, version),
      before,
      version,
    ),
    "CHANGELOG.md": `${start}${heading}\n## ${version} (${day})\n${rest}`,
    "deploy/kubernetes.yaml": files["deploy/kubernetes.yaml"]
      .replace(/(image: otto:)\S+/g, `$1${version}`),
  };
}

function isLater(version: string, before: string): boolean {
  const [a, b] = [version, before].map((each) => each.split(".").map(Number));
  const at = a.findIndex((number, i) => number !== b[i]);
  return at >= 0 && a[at] > b[at];
}

function replaceFirst(text: string, before: string, version: string): string {
  return text.replace(`"version": "${before}"`, `"version": "${version}"`);
}

function git(...args: string[]): string {
  return execFileSync("git", args, { encoding: "utf8" }).trim();
}

function release(version: string, dryRun: boolean): void {
  const names = [
    "package.json",
    "package-lock.json",
    "CHANGELOG.md",
    "deploy/kubernetes.yaml",
  ] as const;
  const files = Object.fromEntries(
    names.map((name) => [name, readFileSync(name, "utf8")]),
  ) as ReleaseFiles;
  const after = makeRelease(files, version, new Date().toISOString().slice(0, 10));
  if (git("tag", "--list", `v${version}`) !== "") {
    throw new Error(`Cannot release ${version}: the tag v${version} is there`);
  }
  if (!dryRun && git("status", "--porcelain") !== "") {
    throw new Error(`Cannot release ${version}: commit what is changed before, or put it away`);
  }
  for (const name of names) console.log(`${dryRun ? "would change" : "changed"} ${name}`);
  if (dryRun) return console.log(`would commit, and tag v${version}; nothing was done`);
  for (const name of names) writeFileSync(name, after[name]);
  git("commit", "--quiet", "--message", `Version ${version}`, "--", ...names);
  git("tag", "--annotate", "--message", `Version ${version}`, `v${version}`);
  console.log(
    [
      `Committed, and tagged v${version}. Nothing has left this machine; next:`,
      `  docker build -t otto:${version} -t otto .`,
      "  git push --follow-tags",
      `Or undo it: git tag -d v${version} && git reset --keep HEAD~1`,
    ].join("\n"),
  );
}

if (process.argv[1]?.endsWith("release.ts")) {
  const args = process.argv.slice(2);
  const [version] = args.filter((arg) => !arg.startsWith("--"));
  try {
    const unknown = args.find((arg) => arg.startsWith("--") && arg !== "--dry-run");
    if (version === undefined || unknown) throw new Error(HELP);
    release(version, args.includes("--dry-run"));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  }
}
