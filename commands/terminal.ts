import process from "node:process";
import { createInterface } from "node:readline/promises";
import { escapeControls } from "../lib/process/controls.ts";
import { Refusal } from "../lib/process/refusal.ts";
import { EXIT } from "./exit.ts";

const TONES = { good: 32, bad: 31, warn: 33, dim: 2 } as const;
/** What a piece of a line means: how it is coloured, where there are colours. */
export type Tone = keyof typeof TONES;

/** What somebody sees: data on stdout, all else on stderr. Whatever is shown cannot own the terminal. */
export interface Terminal {
  /** One JSON object a line is wanted, for programs. */
  readonly json: boolean;
  /** A line of data for people, of which each part is shown as text. */
  line(...parts: (string | [text: string, tone: Tone])[]): void;
  /** A line of data for programs. */
  object(value: unknown): void;
  /** Something beside the data; not with `--quiet`. */
  say(text: string): void;
  /**
   * Returns when somebody at the terminal agrees, or `yes` says that they did before.
   *
   * @throws {Refusal} when they do not, or nobody can be asked.
   */
  confirm(question: string, yes: boolean | undefined, signal: AbortSignal): Promise<void>;
}

/** @param options.colors undefined lets the terminal decide. */
export function openTerminal(
  { json = false, quiet = false, colors }: { json?: boolean; quiet?: boolean; colors?: boolean },
): Terminal {
  // Whoever reads has had enough, as `head` does.
  process.stdout.on("error", () => process.exit(0));
  const isColored = colors ?? Boolean(process.stdout.isTTY);
  const write = (text: string) => void process.stdout.write(`${text}\n`);
  return {
    json,
    line(...parts) {
      write(
        parts.map((part) => {
          if (typeof part === "string") return escapeControls(part);
          const [text, tone] = part;
          const shown = escapeControls(text);
          return isColored ? `\u001b[${TONES[tone]}m${shown}\u001b[0m` : shown;
        }).join("").trimEnd(),
      );
    },
    // Its own escapes are JSON's; those of bidirectional text are not, and mean the same.
    object: (value) => write(escapeControls(JSON.stringify(value))),
    say(text) {
      if (!quiet) process.stderr.write(`${text.split("\n").map(escapeControls).join("\n")}\n`);
    },
    async confirm(question, yes, signal) {
      if (yes) return;
      if (!process.stdin.isTTY || !process.stderr.isTTY) {
        throw new Refusal(`${question} Nobody can be asked here: add --yes`, EXIT.wrongUse);
      }
      const asked = createInterface({ input: process.stdin, output: process.stderr });
      try {
        const said = await asked.question(`${escapeControls(question)} [y/N] `, { signal });
        if (!/^y(es)?$/i.test(said.trim())) throw new Refusal("Nothing was done");
      } finally {
        asked.close();
      }
    },
  };
}
