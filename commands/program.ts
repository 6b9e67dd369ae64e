import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { ConfigError } from "../lib/config/config.ts";
import { escapeControls } from "../lib/process/controls.ts";
import { Refusal } from "../lib/process/refusal.ts";
import { readVersion } from "../lib/process/version.ts";
import { PHASES } from "../lib/message/search/phase.ts";
import { EXIT } from "./exit.ts";
import { type GlobalOptions, openShell, type Shell } from "./shell.ts";

const HELP = `
Without --url it speaks to OTTO_URL, else to PUBLIC_URL, else to this machine's PORT.
A token is never an argument, which others could see: set OTTO_TOKEN, or name a --token-file.

Exit codes: 0 done, 1 tried and failed, 2 wrong use, 3 wrong settings, 4 not signed in or not
allowed, 5 not found, 6 conflict, 7 Otto is away, 130 Ctrl-C.`;

/**
 * Does what the arguments say.
 *
 * @throws {Refusal} with the exit code that is for it.
 */
export async function runProgram(args: readonly string[], signal: AbortSignal): Promise<void> {
  const program = createProgram(signal);
  if (args.length === 0) return program.outputHelp();
  try {
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    if (signal.aborted) throw new Refusal("", EXIT.interrupted);
    if (error instanceof CommanderError) {
      // It has said by itself what was wrong.
      if (error.exitCode !== 0) throw new Refusal("", EXIT.wrongUse);
    } else if (error instanceof ConfigError) {
      throw new Refusal(error.message, EXIT.settings);
    } else if (error instanceof Refusal) {
      // What Otto answers may repeat what a sender wrote.
      const lines = error.message.split("\n").map(escapeControls);
      throw new Refusal(lines.join("\n"), error.exitCode);
    } else throw error;
  }
  if (signal.aborted) throw new Refusal("", EXIT.interrupted);
}

function createProgram(signal: AbortSignal): Command {
  const { version, commit } = readVersion();
  const program = new Command("otto")
    .description("Asks a running Otto, and tries it out: one command for the shell.")
    .version(commit === undefined ? version : `${version} (${commit.slice(0, 12)})`, "--version")
    .option("--url <url>", "the Otto to speak to")
    .option("--token-file <path>", "a file that holds the token; - is stdin")
    .option("--json", "one JSON object a line on stdout, for programs")
    .option("-q, --quiet", "nothing on stderr but errors")
    .addOption(
      new Option("--color <when>", "colours").choices(["auto", "always", "never"]).default("auto"),
    )
    .configureHelp({ showGlobalOptions: true })
    .addHelpText("after", HELP)
    .exitOverride();
  addDoctor(program, signal);
  addSend(program, signal);
  addTail(program, signal);
  addActs(program, signal);
  addExplain(program, signal);
  addTry(program, signal);
  return program;
}

/** The options of a command's line, of which some stand anywhere. */
function shellOf(command: Command, signal: AbortSignal): Shell {
  return openShell(command.optsWithGlobals<GlobalOptions>(), signal);
}

function addDoctor(program: Command, signal: AbortSignal): void {
  program.command("doctor")
    .summary("say what is configured, what is missing, and whether Otto runs")
    .description(
      "Says what is configured, what is missing and where to paste which URL, whether the stores " +
        "answer, and whether Otto runs and where. Changes nothing. Ends with 1 when something that " +
        "is set cannot work.",
    )
    .option("--all", "all senders, not only those that are set or have sent something")
    .option("--remote", "only ask the running Otto: this machine's settings are not its own")
    .action(async (options, command: Command) => {
      const { doctor } = await import("./doctor/doctor.ts");
      const { url } = command.optsWithGlobals<GlobalOptions>();
      await doctor(shellOf(command, signal), { ...options, isNamed: url !== undefined });
    });
}

function addSend(program: Command, signal: AbortSignal): void {
  program.command("send")
    .summary("send a sample webhook, signed")
    .description(
      "Sends a sample webhook, bytes of your own, or what Otto keeps, signed with the secret that is " +
        "set here for its source, and says where its message is and what became of it. Without a " +
        "source it lists what there is.",
    )
    .argument("[source]", "a sender that Otto knows, or a name in SOURCES_FILE")
    .argument("[event]", "one of its events; else one of each is sent")
    .option("--to <url>", "another Otto, or any URL; without a path it gets /webhook/{source}")
    .addOption(
      new Option("--like <id>", "send a kept message again, with a delivery id of its own")
        .conflicts(["file", "header"]),
    )
    .option("--file <path>", "send this body instead of a sample, byte for byte; - is stdin")
    .option("--header <line>", 'a header more, as "X-Event: ping"', collect, [])
    .option("--count <n>", "send each so many times, and wait for none", wholeNumber(1, 1_000), 1)
    .option("--no-wait", "do not wait for what becomes of it")
    .addHelpText(
      "after",
      `
Examples:
  otto send                                 all sources and events that there are samples of
  otto send github push                     a push, as GitHub would send it
  otto send billing --file invoice.json     your own bytes, to /webhook/billing
  otto send --like "$ID"                    a message that Otto keeps, signed anew`,
    )
    .action(async (source, event, options, command: Command) => {
      const { send } = await import("./send/send.ts");
      await send(shellOf(command, signal), { source, event, ...options });
    });
}

function addTail(program: Command, signal: AbortSignal): void {
  program.command("tail")
    .summary("show what happens, as it happens")
    .description("Shows each change of messages, tasks or notifications in a line, until Ctrl-C.")
    .addArgument(
      program.createArgument("[what]", "what to show")
        .choices(["messages", "tasks", "notifications"]).default("messages"),
    )
    .option("--source <name>", "only of this source, or this name in the webhook's URL")
    .addOption(new Option("--phase <phase>", "only what is so").choices(PHASES))
    .option("--since <time>", "begin with what is there since then: 10m, 24h, or a time")
    .option("--grep <text>", "only lines with this text, whatever its case")
    .action(async (what, options, command: Command) => {
      const { tail } = await import("./tail/tail.ts");
      await tail(shellOf(command, signal), { what, ...options });
    });
}

/** What is done to kept messages. */
function addActs(program: Command, signal: AbortSignal): void {
  const acts = [
    ["replay", "work messages again: new ones with the same bytes"],
    ["release", "verify refused messages again, with today's secrets, and work them"],
  ] as const;
  for (const [act, summary] of acts) {
    const command = program.command(act)
      .summary(summary)
      .description(
        `${summary[0].toUpperCase()}${summary.slice(1)}. By their ids, or all that match (up to ` +
          "1,000), after asking.",
      )
      .argument("[ids...]", "messages, by their ids")
      .option("--source <name>", "all of this source, or this name in the webhook's URL")
      .option("--since <time>", "all since then: 10m, 24h, or a time")
      .option("--search <text>", "all with this text in title, event or sender")
      .option("--dry-run", "only say which")
      .option("-y, --yes", "do not ask")
      .action(async (ids, options, command: Command) => {
        const { actOnMessages } = await import("./act.ts");
        await actOnMessages(shellOf(command, signal), { act, ids, ...options });
      });
    if (act === "replay") {
      command.addOption(new Option("--phase <phase>", "all that are so").choices(PHASES));
    }
  }
}

function addExplain(program: Command, signal: AbortSignal): void {
  program.command("explain")
    .summary("say what would become of a message, or of bytes of your own")
    .description(
      "Says what would become of a kept message with today's settings, or of a file if its source " +
        "sent it: whether it is verified, and what task it makes. Nothing is done.",
    )
    .argument("[id]", "a message, by its id")
    .option("--file <path>", "a body instead of a message; - is stdin")
    .option("--source <name>", "the name in the webhook's URL, for a file")
    .option("--header <line>", 'a header of it, as "X-Event: ping"', collect, [])
    .action(async (id, options, command: Command) => {
      const { explain } = await import("./explain.ts");
      await explain(shellOf(command, signal), { id, ...options });
    });
}

function addTry(program: Command, signal: AbortSignal): void {
  program.command("try")
    .summary("give a kept message to the model once more, without any effect")
    .description(
      "Gives a kept message to the model once more, with another instruction or model, and says " +
        "what would have come of it. Nothing that the model does has an effect; it counts in the " +
        "budgets. Ctrl-C stops the waiting, not the trial.",
    )
    .argument("<id>", "a message, by its id")
    .option("--instruction <text>", "in the place of the source's own")
    .option("--instruction-file <path>", "the same from a file; - is stdin")
    .option("--model <name>", "one of AGENT_TRIAL_MODELS, instead of the one in use")
    .action(async (id, options, command: Command) => {
      const { tryMessage } = await import("./try.ts");
      await tryMessage(shellOf(command, signal), { id, ...options });
    });
}

function collect(value: string, before: string[]): string[] {
  return [...before, value];
}

function wholeNumber(least: number, most: number) {
  return (text: string): number => {
    const number = Number(text);
    if (/^\d{1,6}$/.test(text) && number >= least && number <= most) return number;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}
