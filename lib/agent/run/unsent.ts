import { redactAll } from "../../redaction/redact.ts";
import { readUnsentReplies } from "../../task/reply.ts";
import { fenced } from "../fence.ts";
import { addNews } from "./inbox.ts";
import type { RunState } from "./run.ts";
import type { RunContext } from "./run_context.ts";

/**
 * Tells the model which of its replies nobody gets: each once, also where it was told before that
 * they were put off or sent. It is part of the state that the next step saves.
 *
 * @param prefix what the keys of the run's calls begin with.
 */
export async function tellUnsent(run: RunContext, state: RunState, prefix: string): Promise<void> {
  if (!state.external || !run.tools.has("reply")) return;
  const { database, assignment: { taskId, source, verified }, redact } = run;
  const known = state.unsent ?? [];
  const unsent = (await readUnsentReplies(database, { taskId, run: prefix }))
    .filter(({ id }) => !known.includes(id));
  if (unsent.length === 0) return;
  const told = unsent.map(({ to, text, error }) => ({ to, text, error }));
  const fence = { boundary: state.boundary, source, verified, what: "replies that were not sent" };
  addNews(
    state,
    "Nobody gets these replies of yours, and they are not tried again. People were told so.\n\n" +
      fenced(redactAll(told, redact), fence),
  );
  state.unsent = [...known, ...unsent.map(({ id }) => id)];
}
