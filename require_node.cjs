// Loaded before an entrypoint (`node -r`), in words that every Node understands: a Node that
// cannot read TypeScript, or has no packages, would say so with a stack instead of a sentence.
const { existsSync } = require("node:fs");
const { join } = require("node:path");
const { dependencies, engines } = require("./package.json");

const oldest = engines.node.replace(">=", "");
const packages = Object.keys(dependencies);
const missing = packages
  .filter((name) => !module.paths.some((folder) => existsSync(join(folder, name))));

if (isOlder(process.version, oldest)) {
  end(
    `Cannot start on Node ${process.version}: Otto needs ${oldest} or newer, or Deno (deno task start).`,
  );
} else if (missing.length > 0) {
  end(
    `Cannot start: ${missing.length} of ${packages.length} packages are not installed. Run: npm ci`,
  );
}

function isOlder(version, than) {
  const [major, minor = 0] = version.replace("v", "").split(".").map(Number);
  const [oldestMajor, oldestMinor = 0] = than.split(".").map(Number);
  return major < oldestMajor || (major === oldestMajor && minor < oldestMinor);
}

function end(sentence) {
  console.error(sentence);
  process.exit(1);
}
