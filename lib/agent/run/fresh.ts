import { beginningOf } from "../../../sources/kit/beginning.ts";
import { redactAll } from "../../redaction/redact.ts";
import { fenced, unfenced, withoutFences } from "../fence.ts";
import { opening } from "../prompt.ts";
import type { RunState } from "./run.ts";
import type { RunContext } from "./run_context.ts";

/** What a run did before is told in so many entries; each in so many characters. */
const MOST_ENTRIES = 40;
const MOST_TEXT = 1_000;
const MOST_ARGUMENTS = 300;
/** What it said last is the best account of it. */
const MOST_WORDS = 4_000;

/** An entry of the timeline that is told again. */
interface ToldEvent {
  kind: "note" | "answered" | "said_so_far" | "tool_call";
  data: { text?: string; tool?: string; arguments?: unknown };
}

/**
 * Begins a long transcript anew where a round begins: with the opening, the run's own notes, what it
 * has done and said last, and what people have answered. It was made from others' words, so all but
 * the answers is fenced.
 *
 * @param words what the model has said at its end, where it ended in words.
 */
export async function startAfresh(
  run: RunContext,
  state: RunState,
  words?: string,
): Promise<void> {
  if (!state.isLong) return;
  const { assignment: { source, verified }, redact } = run;
  const { boundary } = state;
  const events = await readTold(run);
  const of = (kind: ToldEvent["kind"]) => events.filter((event) => event.kind === kind);
  const answers = of("answered").map(({ data: { text = "" } }) =>
    `A person of the team answered: ${beginningOf(redact(withoutFences(text)), MOST_TEXT)}`
  );
  const before = {
    notes: of("note").map(({ data: { text = "" } }) => beginningOf(text, MOST_TEXT)),
    calls: of("tool_call").map(({ data: { tool, arguments: args } }) =>
      `${tool} ${beginningOf(JSON.stringify(args) ?? "", MOST_ARGUMENTS)}`
    ),
    last_words: beginningOf(words ?? of("said_so_far").at(-1)?.data.text ?? "", MOST_WORDS),
    newest_results: state.results.map(({ tool, text }) =>
      `${tool}: ${beginningOf(unfenced(text, boundary), MOST_TEXT)}`
    ),
  };
  const [first] = opening(run.assignment, boundary, redact);
  state.turns = [{
    role: "user",
    content: [
      first.content,
      "You have worked on this task before, and begin anew with what came of it. Do nothing again " +
      "that is done. Your own notes, the calls that you have made, your last words and the newest " +
      "results, oldest first:",
      fenced(redactAll(before, redact), { boundary, source, verified, what: "your work before" }),
      ...answers,
    ].join("\n\n"),
  }];
  state.results = [];
  delete state.known;
  delete state.newestInput;
  delete state.isLong;
}

/** The newest of what this run has done and heard, oldest first. */
async function readTold({ database, assignment: { taskId } }: RunContext): Promise<ToldEvent[]> {
  const rows = await database.query("read what a run has done", (sql) =>
    sql<ToldEvent[]>`
      select e.kind, e.data from task_events e join tasks t on t.id = e.task_id
      where e.task_id = ${taskId} and e.at >= t.started_at
        and e.kind in ('note', 'answered', 'said_so_far', 'tool_call')
      order by e.at desc, e.id desc limit ${MOST_ENTRIES}`);
  return rows.toReversed();
}
