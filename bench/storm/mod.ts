/**
 * `deno task storm`: whether Otto loses or doubles anything while all it stands on is killed,
 * frozen, failed over, filled up and restarted.
 *
 * @module
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import process from "node:process";
import { parseArgs } from "node:util";
import { FAULT_NAMES, type FaultName } from "./faults.ts";
import { describeStorm, foundSomething } from "./report.ts";
import { runStorm, type StormSettings } from "./storm.ts";

const HELP = `Sends webhooks to two main.ts and two worker.ts on a PostgreSQL and a durable Redis of
their own, while these are killed, frozen, failed over, filled up and restarted. Then it holds what
the senders remember against what is kept, and ends with 1 when anything is wrong.

  deno task storm [options]

  --deliveries N    webhooks to deliver, beside their repeats (5000)
  --faults N        faults to make meanwhile (12)
  --seed TEXT       the same seed makes the same deliveries and faults (a new one)
  --kinds LIST      kinds of faults, separated by commas (all of them)
  --runtime NAME    what runs Otto: deno or node (deno)
  --resume FOLDER   go on with a storm that was stopped
  --help

Kinds of faults:
${FAULT_NAMES.map((name) => `  ${name}`).join("\n")}
`;

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stop.abort());

const { values: options } = parseArgs({
  options: {
    deliveries: { type: "string", default: "5000" },
    faults: { type: "string", default: "12" },
    seed: { type: "string" },
    kinds: { type: "string" },
    runtime: { type: "string", default: "deno" },
    resume: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

function readSettings(): StormSettings {
  const { runtime, seed = Math.random().toString(36).slice(2, 8) } = options;
  if (runtime !== "deno" && runtime !== "node") {
    throw new Error(`Cannot run Otto on "${runtime}": --runtime is deno or node`);
  }
  return {
    deliveries: wholeNumber("deliveries", 1),
    faults: wholeNumber("faults", 0),
    seed,
    runtime,
    kinds: readKinds(options.kinds),
  };
}

function wholeNumber(name: "deliveries" | "faults", least: number): number {
  const value = Number(options[name]);
  if (Number.isInteger(value) && value >= least) return value;
  throw new Error(`Cannot make "${options[name]}" ${name}: give a whole number from ${least} on`);
}

function readKinds(list: string | undefined): readonly FaultName[] {
  if (list === undefined) return FAULT_NAMES;
  return list.split(",").map((text) => {
    const name = FAULT_NAMES.find((name) => name === text.trim());
    if (name === undefined) throw new Error(`There is no fault "${text}"; --help lists them`);
    return name;
  });
}

async function main(): Promise<number> {
  if (options.help) {
    console.log(HELP);
    return 0;
  }
  if (options.resume && !existsSync(`${options.resume}/storm.json`)) {
    throw new Error(`Cannot resume ${options.resume}: there is no storm.json of a storm in it`);
  }
  const folder = options.resume ?? mkdtempSync(`${tmpdir()}/otto-storm-`);
  const settings = options.resume
    ? JSON.parse(readFileSync(`${folder}/storm.json`, "utf8")) as StormSettings
    : readSettings();
  writeFileSync(`${folder}/storm.json`, JSON.stringify(settings));
  const began = performance.now();
  const say = (line: string) => {
    console.log(`${((performance.now() - began) / 1_000).toFixed(0).padStart(5)} s  ${line}`);
  };
  say(`seed ${settings.seed}: ${settings.deliveries} deliveries, ${settings.faults} faults`);
  say(`if it is stopped: deno task storm --resume ${folder}`);
  const result = await runStorm(settings, { folder, say, signal: stop.signal });
  if (result === undefined) {
    console.log(`Stopped. To go on: deno task storm --resume ${folder}`);
    return 130;
  }
  console.log(`\n${describeStorm(result).join("\n")}`);
  if (!foundSomething(result)) {
    rmSync(folder, { recursive: true, force: true });
    return 0;
  }
  console.log(`\nWhat the processes said, the ledger and the stores' data are in ${folder}`);
  return 1;
}

process.exit(await main());
