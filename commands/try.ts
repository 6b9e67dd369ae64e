import { pause } from "../lib/async/deadline.ts";
import { Refusal } from "../lib/process/refusal.ts";
import { isId } from "../lib/store/id.ts";
import type { ShownTrial } from "../handlers/schemas/trial.ts";
import { EXIT } from "./exit.ts";
import type { Remote } from "./remote.ts";
import type { Shell } from "./shell.ts";
import { readGiven } from "./target.ts";

/** Which message is tried, and with what. */
interface TryOptions {
  id: string;
  instruction?: string;
  instructionFile?: string;
  model?: string;
}

/** Whoever waits sees the end within so long. */
const LOOK_MS = 1_000;

/**
 * Gives a kept message to the model once more, waits, and says what would have come of it.
 *
 * @throws {Refusal} when Otto says no, or the trial does not complete.
 */
export async function tryMessage(shell: Shell, options: TryOptions): Promise<void> {
  const { terminal } = shell;
  const { id, model } = options;
  if (!isId(id)) {
    throw new Refusal(
      `"${id.slice(0, 80)}" is no message's id. Its page shows it, and otto tail does`,
      EXIT.wrongUse,
    );
  }
  const remote = shell.remote();
  const begun = await remote.post<ShownTrial>(`/api/messages/${encodeURIComponent(id)}/try`, {
    instruction: instructionIn(options),
    model,
  });
  terminal.say(`${remote.origin}/trials/${begun.id} shows it beside what really came of it`);
  const done = await waitFor(shell, remote, begun);
  if (terminal.json) terminal.object(done);
  else tell(shell, done);
  if (done.status !== "completed") throw new Refusal("", EXIT.failed);
}

/** @throws {Refusal} when it is given twice, or its file cannot be read. */
function instructionIn({ instruction, instructionFile }: TryOptions): string | undefined {
  if (instructionFile === undefined) return instruction;
  if (instruction !== undefined) {
    throw new Refusal("Give an --instruction or an --instruction-file, not both", EXIT.wrongUse);
  }
  return readGiven(instructionFile, "--instruction-file").toString("utf8");
}

/** Says what the trial itself waits for: that may take half an hour. */
async function waitFor(
  { terminal, signal }: Shell,
  remote: Remote,
  begun: ShownTrial,
): Promise<ShownTrial> {
  let now = begun;
  while (now.finished_at === null) {
    const { waits_for } = now;
    await pause(LOOK_MS, signal);
    signal.throwIfAborted();
    now = await remote.read(`/api/trials/${begun.id}`);
    if (now.waits_for !== null && now.waits_for !== waits_for) {
      terminal.say(`It waits: ${now.waits_for}`);
    }
  }
  return now;
}

function tell({ terminal }: Shell, { status, model, result, error, events }: ShownTrial): void {
  terminal.line([`${status} `, status === "completed" ? "good" : "bad"], [model, "dim"]);
  for (const { kind, data } of events) {
    const { tool, arguments: args, rule } = (data ?? {}) as Record<string, unknown>;
    const word = kind === "tool_call"
      ? "called"
      : kind === "tool_denied"
      ? rule === "observe" ? "would have" : "refused"
      : undefined;
    if (word === undefined || tool === "finish") continue;
    terminal.line(
      [word.padEnd(11), "dim"],
      `${tool} ${args === undefined ? "" : JSON.stringify(args)}`,
    );
  }
  const said = error?.message ?? result?.text ?? "";
  for (const line of said.split("\n")) terminal.line(line);
}
