import type { Description } from "../../sources/description.ts";
import { unlessAborted } from "../async/deadline.ts";
import type { Config } from "../config/config.ts";
import type { Log } from "../process/log.ts";
import { type Redact, redactAll } from "../redaction/redact.ts";
import type { Database } from "../store/database.ts";
import type { Agent, Assignment, InboxReader, Outcome } from "./agent.ts";
import { BudgetWait } from "./budget/budget_wait.ts";
import { hasBegun } from "./budget/reservation.ts";
import { type BudgetScope, microsFor, scopesOf } from "./budget/scope.ts";
import { findShortage } from "./budget/shortage.ts";
import { fingerprint } from "./canonical.ts";
import { createDigestAgent } from "./digest.ts";
import type { Toolshed } from "./mcp/mcp.ts";
import type { Model } from "./model.ts";
import { POLICY_REVISION, type SourceRules } from "./policy.ts";
import { instructionsFor } from "./prompt.ts";
import { createBreaker } from "./run/breaker.ts";
import { createConcurrencyLimit } from "./run/concurrency.ts";
import { runLoop } from "./run/loop.ts";
import { waitOrFail } from "./run/wait_or_fail.ts";
import { taskRecord } from "./run/task_record.ts";
import type { RunContext } from "./run/run_context.ts";
import type { AgentSettings } from "./settings.ts";
import { createReply, type ReplyDesk } from "./tools/reply.ts";
import { builtInTools } from "./tools/tools.ts";

/** So many tasks are worked with the model at once, in this process: providers limit how many may be. */
const CONCURRENCY = 4;
/** As many tasks as can fail at once by chance, and one more. */
const FAILED_TO_PAUSE = CONCURRENCY + 1;
/** Providers count their limits by the minute. */
const PAUSE_SECONDS = 60;
/** Tasks that were put off together come back one by one. */
const SPREAD_SECONDS = 5;

const UNVERIFIED =
  "This is a digest made without AI: no signature vouches for the message, and it was not sent by " +
  "the person at this machine alone. A model works only what is signed, or of a type that " +
  "AGENT_TRUST_UNVERIFIED lists.";

/** What this process has for all agents. */
export interface AgentHost {
  config: Pick<Config, "agent">;
  database: Database;
  log: Log;
}

/** What a model works with. */
export interface ModelEquipment {
  model: Model;
  settings: AgentSettings;
  toolshed: Toolshed;
  desk: ReplyDesk;
  redact: Redact;
}

/**
 * The agent that asks a model, under the operator's rules. What it must not show
 * to a model becomes a digest.
 */
export function createModelAgent(host: AgentHost, equipment: ModelEquipment): Agent {
  const { config, database, log } = host;
  const { model, settings, toolshed, redact } = equipment;
  const concurrency = createConcurrencyLimit(CONCURRENCY);
  const breaker = createBreaker({ tasks: FAILED_TO_PAUSE, seconds: PAUSE_SECONDS });
  const digest = createDigestAgent(UNVERIFIED);

  async function work(assignment: Assignment, signal: AbortSignal): Promise<Outcome> {
    if (!mayWork(config, assignment)) return await digest.run(assignment, signal);
    const seconds = breaker.secondsLeft();
    if (seconds > 0) {
      const reason = "the model's provider has failed too often and is left alone for a while";
      const afterSeconds = seconds + Math.random() * SPREAD_SECONDS;
      return { status: "later", afterSeconds, reason };
    }
    const { source, taskId } = assignment;
    const rules = settings.rulesOf(source);
    const scopes = scopesOf(assignment, rules.budgets, settings.sharedBudgets);
    const begins = !await hasBegun(database, taskId);
    // What is used up needs no place among those at work; what there is, each call reserves.
    const { currency } = config.agent.price ?? {};
    const need = { tokens: 1, micros: 1, begins, currency };
    const shortage = await findShortage(database, scopes, need);
    if (shortage?.until === "later" && hasRoomForAny(scopes, rules.budgets, config.agent.price)) {
      throw new BudgetWait(shortage.reason, shortage.afterSeconds);
    }
    const listed = assignment.verified ? rules.tools : rules.unverifiedTools;
    // Before the slot: a server that hangs must not hold up those who do not need it.
    const others = await unlessAborted(signal, toolshed.tools(listed));
    if (!others) throw signal.reason;
    const outcome = await concurrency.within(signal, async (place) => {
      const context = await openContext(host, equipment, {
        assignment,
        rules,
        scopes,
        listed,
        others,
      });
      return await runLoop({ ...context, place, breaker }, signal);
    });
    const away = outcome.status === "later";
    if (breaker.count(taskId, away)) {
      log.warn("agent.paused", { model: model.name, seconds: PAUSE_SECONDS });
    }
    return away ? { ...outcome, reason: redact(outcome.reason) } : outcome;
  }

  const terms = termsOf(settings, model.name, config.agent.price);
  return {
    name: model.name,
    terms,
    async run(assignment, signal) {
      try {
        return await work(assignment, signal);
      } catch (error) {
        signal.throwIfAborted();
        const outcome = waitOrFail(error, redact);
        return error instanceof BudgetWait ? { ...outcome, under: terms } : outcome;
      }
    },
  };
}

/** Whether untouched budgets have room for whatever call a task makes; else the call itself must tell. */
function hasRoomForAny(
  scopes: readonly BudgetScope[],
  { tokens }: SourceRules["budgets"],
  price: Config["agent"]["price"],
): boolean {
  const micros = Math.max(
    microsFor({ input: tokens, output: 0 }, price),
    microsFor({ input: 0, output: tokens }, price),
  );
  return scopes.every(({ tokens_per_day, micros_per_day }) =>
    (tokens_per_day ?? Infinity) >= tokens && (micros_per_day ?? Infinity) > micros
  );
}

/** Whatever decides how much a task may use. */
function termsOf(
  { rulesOf, ruled, sharedBudgets }: AgentSettings,
  model: string,
  price: Config["agent"]["price"],
): string {
  const budgets = ["", ...ruled].map((source) => [source, rulesOf(source).budgets]);
  return fingerprint({ model, price, sharedBudgets, budgets }).slice(0, 12);
}

/** Whether a model may see the message at all. */
export function mayWork(
  config: AgentHost["config"],
  { verified, fromHere, webhookType, source }: Assignment,
): boolean {
  const { trustUnverified } = config.agent;
  return verified || fromHere || trustUnverified.includes(webhookType.toLowerCase()) ||
    trustUnverified.includes(source);
}

/** Everything that a run on this task is worked with, the tools of other servers among it. */
export async function openContext(
  { config, database }: AgentHost,
  { model, desk, redact }: ModelEquipment,
  { assignment, rules, scopes, listed, others }: {
    assignment: Assignment;
    rules: SourceRules;
    scopes: readonly BudgetScope[];
    /** Names of the tools that it may use. */
    listed: readonly string[];
    others: Awaited<ReturnType<Toolshed["tools"]>>;
  },
): Promise<RunContext> {
  const { mode, specialization, instructions, price } = config.agent;
  const { verified, inbox } = assignment;
  // Once and for all: who finds a text in it no longer sees the name of its field, and half a
  // secret, where a text is cut, would not be known for one.
  const payload = redactAll(await assignment.loadPayload(), redact);
  const described = redactAll(assignment.described, redact) as Description;
  const reply = listed.includes("reply")
    ? createReply(desk, { ...assignment, payload }, rules.reply, rules.budgets.toolSeconds)
    : undefined;
  const isMissing = typeof reply === "string";
  const tools = [
    ...builtInTools(rules.notify),
    ...reply && !isMissing ? [reply] : [],
    ...others.tools,
  ].filter((tool) => listed.includes(tool.name));
  return {
    database,
    record: taskRecord({
      database,
      assignment,
      model,
      instruction: redact(rules.instruction ?? ""),
      currency: price?.currency,
    }),
    model,
    assignment: { ...assignment, payload, described, inbox: inbox && redacted(inbox, redact) },
    mode,
    instructions: instructionsFor({
      specialization,
      instructions,
      sourceInstruction: rules.instruction,
      verified,
    }),
    rules,
    scopes,
    price,
    tools: new Map(tools.map((tool) => [tool.name, tool])),
    off: [...others.off, ...isMissing ? [{ tool: "reply", reason: reply }] : []],
    policyVersion: policyVersionOf({ mode, verified, rules }),
    redact,
  };
}

/** What approvals are given under. How much may be used is no part of what they are given for. */
function policyVersionOf(
  { rules: { budgets: _, ...rules }, ...under }: {
    mode: RunContext["mode"];
    verified: boolean;
    rules: SourceRules;
  },
): string {
  return `${POLICY_REVISION}-${fingerprint({ ...under, rules }).slice(0, 12)}`;
}

/** The same of every later message. */
function redacted({ read }: InboxReader, redact: Redact): InboxReader {
  return {
    async read(message) {
      const { description, payload } = await read(message);
      return {
        description: redactAll(description, redact) as Description,
        payload: redactAll(payload, redact),
      };
    },
  };
}
