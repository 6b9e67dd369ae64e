import { fingerprint } from "./canonical.ts";
import type { Config } from "../config/config.ts";
import type { Database } from "../store/database.ts";
import { unlessAborted } from "../async/deadline.ts";
import { errorText, type Log } from "../process/log.ts";
import { isAlone } from "../config/loopback.ts";
import { type Redact, redactAll } from "../redaction/redact.ts";
import { isStoreAway } from "../store/store_away.ts";
import type { Agent, Assignment, Outcome } from "./agent.ts";
import { createDigestAgent } from "./digest.ts";
import { runLoop } from "./run/loop.ts";
import type { Toolshed } from "./mcp/mcp.ts";
import type { Model } from "./model.ts";
import { POLICY_REVISION } from "./policy.ts";
import { instructionsFor } from "./prompt.ts";
import type { AgentSettings } from "./settings.ts";
import { createConcurrencyLimit } from "./run/concurrency.ts";
import { builtInTools } from "./tools/tools.ts";
import { admit, hasBegun } from "./run/usage.ts";

/** So many tasks are worked with the model at once, in this process. */
const AT_ONCE = 4;
/** So many model calls in a row without an answer, whosever, and all wait a minute. */
const FAILURES_TO_PAUSE = 5;
const PAUSE_SECONDS = 60;

const UNVERIFIED =
  "This is a digest made without AI: no signature vouches for the message, Otto can be reached " +
  "from the network, and then a model works only what is signed, or of a type that " +
  "AGENT_TRUST_UNVERIFIED lists.";

/**
 * The agent that asks a model, under the operator's rules. What it must not show
 * to a model becomes a digest.
 */
export function createModelAgent(
  { config, database, log, model, settings, toolshed, redact }: {
    config: Pick<Config, "agent"> & Parameters<typeof isAlone>[0];
    database: Database;
    log: Log;
    model: Model;
    settings: AgentSettings;
    toolshed: Toolshed;
    redact: Redact;
  },
): Agent {
  const { mode, specialization, instructions, trustUnverified } = config.agent;
  const slots = createConcurrencyLimit(AT_ONCE);
  const digest = createDigestAgent(UNVERIFIED);
  const alone = isAlone(config);
  let failures = 0;
  let pausedUntil = 0;

  function mayWork({ verified, webhookType, source }: Assignment): boolean {
    return verified || alone || trustUnverified.includes(webhookType.toLowerCase()) ||
      trustUnverified.includes(source);
  }

  return {
    name: model.name,
    async run(assignment, signal) {
      try {
        return await turn(assignment, signal);
      } catch (error) {
        signal.throwIfAborted();
        // The store failed, not the task: what is saved is still there.
        if (isStoreAway(error)) {
          return { status: "later", afterSeconds: 2, reason: "the database did not answer" };
        }
        throw new Error(redact(errorText(error)));
      }
    },
  };
  async function turn(assignment: Assignment, signal: AbortSignal): Promise<Outcome> {
    if (!mayWork(assignment)) return await digest.run(assignment, signal);
    const pause = (pausedUntil - Date.now()) / 1_000;
    if (pause > 0) {
      const reason = "the model's provider has failed too often and is left alone for a while";
      return { status: "later", afterSeconds: pause + Math.random() * 5, reason };
    }
    const { source, taskId, verified } = assignment;
    const rules = settings.rulesOf(source);
    if (!await hasBegun(database, taskId)) {
      const admission = await admit(database, source, rules.budgets);
      if (!admission.ok) {
        const { afterSeconds, reason } = admission;
        return { status: "later", afterSeconds, reason };
      }
    }
    const outcome = await slots.within(signal, async () => {
      const listed = verified ? rules.tools : rules.unverifiedTools;
      const others = await unlessAborted(signal, toolshed.tools(listed));
      if (!others) throw signal.reason;
      const tools = [...builtInTools(rules.notify), ...others.tools]
        .filter((tool) => listed.includes(tool.name));
      return await runLoop({
        database,
        model,
        assignment: {
          ...assignment,
          // Once and for all: who finds a text in it no longer sees the name of its field.
          payload: redactAll(assignment.payload, redact),
        },
        mode,
        instructions: instructionsFor({
          specialization,
          instructions,
          sourceInstruction: rules.instruction,
          verified,
        }),
        rules,
        tools: new Map(tools.map((tool) => [tool.name, tool])),
        off: others.off,
        policyVersion: `${POLICY_REVISION}-${fingerprint({ mode, verified, rules }).slice(0, 12)}`,
        redact,
      }, signal);
    });
    const away = outcome.status === "later";
    failures = away ? failures + 1 : 0;
    if (failures >= FAILURES_TO_PAUSE) {
      failures = 0;
      pausedUntil = Date.now() + PAUSE_SECONDS * 1_000;
      log.warn("agent.paused", { model: model.name, seconds: PAUSE_SECONDS });
    }
    return away ? { ...outcome, reason: redact(outcome.reason) } : outcome;
  }
}
