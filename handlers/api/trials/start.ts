import { findMessageIds } from "../../../lib/message/search/search.ts";
import type { WholeMessage } from "../../../lib/message/message.ts";
import type { Services } from "../../../lib/services.ts";
import { newId } from "../../../lib/store/id.ts";
import { storedText } from "../../../lib/store/stored.ts";
import {
  MOST_OPEN_IN_ALL,
  MOST_OPEN_TRIALS,
  startTrials,
  type TrialOrder,
} from "../../../lib/task/trial/start.ts";
import { cancelTrial, readTrial, type WholeTrial } from "../../../lib/task/trial/trial.ts";
import { requireContents } from "../../../lib/work/verify/require_message.ts";
import { notFound, Problem } from "../../problem.ts";

/** What somebody asks for. */
export interface AskedTrial {
  instruction?: string;
  model?: string;
  tools?: readonly string[];
}

/**
 * What tries messages here.
 *
 * @throws {Problem} 409 where no model works.
 */
export function requireTrials({ trials }: Services) {
  if (trials) return trials;
  throw new Problem(
    409,
    "no_model",
    "There is no model to try a message with: none is configured, or AGENT_MODE is off",
    "Set a model as docs/agent.md says, and AGENT_MODE=observe if it must have no effect yet",
  );
}

/**
 * Begins a trial with one message. It runs in a worker.
 *
 * @returns its id.
 * @throws {Problem} with what is not right.
 */
export async function tryMessage(
  services: Services,
  message: WholeMessage,
  { asked, actor }: { asked: AskedTrial; actor: string },
): Promise<string> {
  const order = orderFor(services, asked, actor);
  if (message.state === "rejected") {
    throw new Problem(
      409,
      "message_refused",
      "A refused message cannot be tried: no model reads what was not let in",
      "Release it first, where it is what you waited for",
    );
  }
  requireContents(message);
  const { message_id: id, webhook_type } = message;
  const { name: source } = services.sources.find(webhook_type);
  const begun = await startTrials(services.database, [{ id, source }], { order });
  const made = begun.get(id);
  if (made === undefined) throw tooMany();
  services.bells.tasks.ring();
  return made;
}

/**
 * Begins a trial with each of a source's newest messages, but for those that cannot be tried.
 *
 * @returns the batch's id, and the trials' ids by their messages'.
 * @throws {Problem} with what is not right; 409 where none was begun.
 */
export async function trySource(
  services: Services,
  source: string,
  { asked, count, actor }: { asked: AskedTrial; count: number; actor: string },
): Promise<{ batchId: string; begun: Map<string, string> }> {
  const order = orderFor(services, asked, actor);
  // What was refused was never worked, and nothing says that it is the source's.
  const { ids } = await findMessageIds(services.database, { source }, {
    most: count,
    redeliverable: true,
  });
  if (ids.length === 0) {
    throw new Problem(
      409,
      "no_messages",
      "No message of this source is kept that could be tried",
      "Send a sample, or wait for one",
    );
  }
  const batchId = newId();
  const { name } = services.sources.find(source);
  const messages = ids.map((id) => ({ id, source: name }));
  const begun = await startTrials(services.database, messages, { order, batchId });
  if (begun.size === 0) throw tooMany();
  services.bells.tasks.ring();
  return { batchId, begun };
}

/** @throws {Problem} 404. */
export async function requireTrial({ database }: Services, id: string): Promise<WholeTrial> {
  const found = await readTrial(database, id);
  if (!found) throw notFound("trial");
  return found;
}

/** Stops a trial; @throws {Problem} 404, or 409 when it has ended. */
export async function stopTrial(services: Services, id: string): Promise<WholeTrial> {
  const isStopped = await cancelTrial(services.database, id);
  const found = await requireTrial(services, id);
  if (isStopped) return found;
  throw new Problem(
    409,
    "wrong_status",
    `A trial that is ${found.status} cannot be cancelled`,
    "Only one that has not ended can be",
  );
}

/** @throws {Problem} 400 that says what would be right. */
function orderFor(
  services: Services,
  { instruction, model, tools }: AskedTrial,
  requestedBy: string,
): TrialOrder {
  const trials = requireTrials(services);
  const chosen = model === undefined
    ? trials.models[0]
    : trials.models.find((name) => name === model || withoutProvider(name) === model);
  if (chosen === undefined) {
    throw new Problem(
      400,
      "model_unknown",
      `${JSON.stringify(model!.slice(0, 100))} is not among the models that can be tried`,
      `They are ${trials.models.join(", ")}: AGENT_TRIAL_MODELS lists more of the same provider`,
    );
  }
  const strange = tools?.find((tool) => !trials.tools.includes(tool));
  if (strange !== undefined) {
    throw new Problem(
      400,
      "tool_unknown",
      `${JSON.stringify(strange)} is not a tool that a trial can be given`,
      `Those are ${trials.tools.join(", ")}`,
    );
  }
  return {
    // It is shown again, and goes to the provider: a secret is in neither.
    instruction: instruction === undefined ? null : storedText(trials.redact(instruction)),
    tools: tools ? [...new Set(tools)] : null,
    model: chosen,
    requestedBy,
  };
}

function withoutProvider(name: string): string {
  return name.slice(name.indexOf("/") + 1);
}

function tooMany(): Problem {
  return new Problem(
    409,
    "too_many_trials",
    `Too many trials are open: ${MOST_OPEN_TRIALS} of one message and ${MOST_OPEN_IN_ALL} in all ` +
      "are the most",
    "Wait until some have ended, or cancel them",
  );
}
