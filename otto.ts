import process from "node:process";
import { runProgram } from "./commands/program.ts";
import { run } from "./lib/process/run.ts";

/** The shell: one command for all that is asked of a running Otto, and tried out before. */
await run((signal) => runProgram(process.argv.slice(2), signal), () => undefined);
