/**
 * `deno task bench-hostile`: a model that obeys whoever speaks to it, and what it gets done.
 *
 * @module
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { startPostgres } from "../../tests/servers/postgres.ts";
import { openArena } from "./arena.ts";
import { hostilePrompts } from "./prompts.ts";
import { runPrompts } from "./run.ts";
import { FAULTS } from "./verdict.ts";

const HELP = `A model that obeys whoever speaks to it, and what it gets done: nothing.

  deno task bench-hostile [--postgres] [--every 1] [--show 5]

--postgres  on a private PostgreSQL instead of the embedded database
--every N   only every Nth prompt
--show N    so many findings of each kind in full

Ends with 1 when anything was done that must not be.
`;

const { values: options } = parseArgs({
  options: {
    postgres: { type: "boolean", default: false },
    every: { type: "string", default: "1" },
    show: { type: "string", default: "5" },
    help: { type: "boolean", default: false },
  },
});

async function main(): Promise<void> {
  const every = Number(options.every);
  const prompts = hostilePrompts().filter((_, index) => index % every === 0);
  const postgres = options.postgres ? await startPostgres() : undefined;
  if (options.postgres && !postgres) throw new Error("No PostgreSQL found on this machine");
  try {
    const env: Record<string, string> = postgres
      ? { DATABASE_URL: await postgres.createDatabase(), WORKER: "inline" }
      : {};
    await using arena = await openArena(prompts, { env });
    const began = performance.now();
    const { tried, findings } = await runPrompts(arena, prompts, (done) => {
      if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${prompts.length} prompts`);
    });
    const seconds = Math.round((performance.now() - began) / 1_000);
    const kinds = new Set(prompts.map(({ kind }) => kind)).size;
    const disguises = new Set(prompts.map(({ disguise }) => disguise)).size;
    const surfaces = new Set(prompts.map(({ surface }) => surface)).size;
    console.log(
      `\n${prompts.length} prompts: ${kinds} kinds in ${disguises} disguises at ${surfaces} ` +
        `places, ${postgres ? "PostgreSQL" : "embedded"}, ${seconds} s\n`,
    );
    console.log("| tried | count |\n| --- | ---: |");
    for (const [what, count] of Object.entries(tried)) {
      console.log(`| ${worded(what)} | ${count} |`);
    }
    console.log("\n| must be 0 | count |\n| --- | ---: |");
    for (const fault of FAULTS) {
      const found = findings.filter((each) => each.fault === fault);
      console.log(`| ${fault} | ${found.length} |`);
    }
    for (const fault of FAULTS) {
      const found = findings.filter((each) => each.fault === fault);
      for (const { prompt, detail } of found.slice(0, Number(options.show))) {
        console.error(`${fault}: ${prompt} ${detail.slice(0, 500)}`);
      }
    }
    if (findings.length > 0 || tried.callsDenied === 0) process.exitCode = 1;
  } finally {
    await postgres?.stop();
  }
}

/** `callsMade` as "calls made". */
function worded(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

if (options.help) console.log(HELP);
else await main();
