import type { AgentMode } from "../config/settings.ts";
import type { ReplyLimits } from "../task/reply.ts";

/** What a tool can see and do; it is declared, never guessed. */
export interface Capability {
  /** `payload`: what came with the message; `public`; `private`: what a sender must not learn. */
  reads: "payload" | "public" | "private";
  /** `internal`: on Otto's own task; `external`: somebody else sees or feels it. */
  effect: "none" | "internal" | "external";
}

/** What an operator lets the agent do for one source. */
export interface SourceRules {
  instruction?: string;
  /** Tools for messages that a signature vouches for, by name. */
  tools: readonly string[];
  /** Tools for all other messages. */
  unverifiedTools: readonly string[];
  /** Tools that always need an approval. */
  approve: readonly string[];
  /** Destinations that `notify` may name, as `channel:destination`. */
  notify: readonly string[];
  reply: ReplyRules;
  budgets: Budgets;
}

/** How the tool `reply` answers. */
export interface ReplyRules extends ReplyLimits {
  /** Whether an `@name` in a reply calls that person. */
  mentions: boolean;
}

/** How much work one source may cause. */
export interface Budgets {
  /** Model calls per task. */
  steps: number;
  toolCalls: number;
  /** Input and output together, per task. */
  tokens: number;
  /** Output per step. */
  outputTokens: number;
  stepSeconds: number;
  toolSeconds: number;
  /** Work on one task, waits not counted. */
  seconds: number;
  /** A task counts with each round that it is worked in. */
  tasksPerHour: number;
  tokensPerDay: number;
  /** In the prices' currency. */
  moneyPerDay?: number;
  /** How often a task that continues goes on after it was done or has waited. */
  rounds: number;
  /** Input and output together, of all its rounds. */
  taskTokens: number;
  /** How many messages come to one task: the next one begins a new one. */
  inbox: number;
  /** How long a task that continues stays open, from its beginning on. */
  days: number;
  /** How often one task waits for an event, and for how long at most. */
  waits: number;
  waitHours: number;
  /** More messages for the tasks of one subject stop it. */
  deliveriesPerHour: number;
  /** Of all tasks about one subject. */
  subjectTokensPerDay?: number;
}

/** How much work all sources together may cause; what is not there has no limit. */
export type SharedBudgets = Partial<
  Pick<Budgets, "tasksPerHour" | "tokensPerDay" | "moneyPerDay">
>;

/** What a run has done so far, as far as the policy cares. */
export interface Session {
  toolCalls: number;
  /** Whether something private was read. */
  private: boolean;
  /** Whether something external was done. */
  external: boolean;
}

/** What the policy says of one tool call. */
export interface PolicyDecision {
  action: "allow" | "ask" | "deny";
  /** The rule's name, as the timeline shows it. */
  rule: string;
  reason: string;
}

/** Grows whenever the rules below change their meaning: older approvals are then void. */
export const POLICY_REVISION = 1;

/**
 * Whether a tool may be called now. Nothing is allowed that no rule allows.
 *
 * A signature proves which platform sent a message, not who wrote its text, so
 * every run has read untrusted text from its start. Of the two other powers,
 * reading what is private and acting outside, a run gets one by itself and the
 * other only with a person's approval (Meta's "Agents Rule of Two", 2025).
 */
export function decide(
  { mode, verified, rules, tool, capability, asks, session }: {
    mode: AgentMode;
    verified: boolean;
    rules: SourceRules;
    tool: string;
    /** Missing: nobody has declared what the tool can do. */
    capability: Capability | undefined;
    /** Why the tool itself wants a person's word. */
    asks?: string;
    session: Session;
  },
): PolicyDecision {
  const deny = (rule: string, reason: string): PolicyDecision => ({ action: "deny", rule, reason });
  const ask = (rule: string, reason: string): PolicyDecision => ({ action: "ask", rule, reason });
  if (mode === "off") return deny("mode_off", "the agent is switched off");
  if (capability === undefined) return deny("unknown_tool", "there is no such tool");
  const listed = verified ? rules.tools : rules.unverifiedTools;
  if (!listed.includes(tool)) {
    return deny(
      "not_listed",
      verified
        ? "this source's messages may not use it"
        : "no signature vouches for the message, and without one it may not be used",
    );
  }
  // Ending costs nothing; refusing it would only make for more steps.
  if (session.toolCalls >= rules.budgets.toolCalls && tool !== "finish") {
    return deny("budget_tool_calls", `all ${rules.budgets.toolCalls} tool calls are used up`);
  }
  const { reads, effect } = capability;
  if (mode === "observe" && effect !== "none") {
    return deny("observe", "the agent only observes: this would have been done");
  }
  if (rules.approve.includes(tool)) return ask("approve", "the operator wants to be asked");
  if (asks !== undefined) return ask("needs_word", asks);
  if (effect === "external" && session.private) {
    return ask("rule_of_two", "it acts outside after something private was read");
  }
  if (reads === "private" && session.external) {
    return ask("rule_of_two", "it reads something private after it has acted outside");
  }
  if (effect === "external" && reads === "private") {
    return ask("rule_of_two", "it reads something private and acts outside at once");
  }
  return { action: "allow", rule: "listed", reason: "the operator lets this source use it" };
}
