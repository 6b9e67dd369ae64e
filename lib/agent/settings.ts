import { z } from "zod";
import { ConfigError } from "../config/config.ts";
import { readJsonFile } from "../config/json_file.ts";
import type { Registry } from "../../sources/rules/registry.ts";
import { refuseUnknownSources } from "./ruled_sources.ts";
import { MOST_WAIT_HOURS } from "../task/wait.ts";
import type { Budgets, Capability, SharedBudgets, SourceRules } from "./policy.ts";
import { ALWAYS, BUILT_IN } from "./tools/names.ts";

/** What the operator says about the agent, besides the environment. */
export interface AgentSettings {
  rulesOf(source: string): SourceRules;
  /** Sources that have rules of their own. */
  ruled: readonly string[];
  /** What all sources together may use. */
  sharedBudgets: SharedBudgets;
  /** Whether a budget is in money. */
  limitsMoney: boolean;
  /** What tools of MCP servers can do, by `server__tool`: what is not here is off. */
  mcpTools: ReadonlyMap<string, Capability & { fingerprint?: string }>;
}

const whole = (max: number) => z.number().int().min(1).max(max);
/** What a task is about has changed so much by then that a new one knows it better. */
const MOST_DAYS = 30;
/** More steps make a run dearer and rarely better; a task that needs them is for a person. */
const MOST_STEPS = 10;

/** More is no limit to anybody. */
const money = z.number().positive().max(1_000_000_000);

const sharedBudgets = z.strictObject({
  tasks_per_hour: whole(1_000_000),
  tokens_per_day: whole(10_000_000_000),
  money_per_day: money,
}).partial();

const budgets = z.strictObject({
  ...sharedBudgets.shape,
  steps: whole(MOST_STEPS),
  tool_calls: whole(200),
  tokens: whole(10_000_000),
  output_tokens: whole(100_000),
  step_seconds: whole(600),
  tool_seconds: whole(600),
  seconds: whole(86_400),
  rounds: whole(50),
  task_tokens: whole(100_000_000),
  inbox: whole(1_000),
  days: whole(MOST_DAYS),
  waits: whole(50),
  wait_hours: whole(MOST_WAIT_HOURS),
  deliveries_per_hour: whole(1_000),
  subject_tokens_per_day: whole(10_000_000_000),
}).partial();
type OwnBudgets = z.infer<typeof budgets>;
/** Those that have a limit whatever the operator says. */
type UsualBudgets = Required<Omit<OwnBudgets, "money_per_day" | "subject_tokens_per_day">>;

/** Enough for a message that needs a few tools, and small change when a source runs wild. */
const DEFAULT_BUDGETS: UsualBudgets = {
  steps: MOST_STEPS,
  tool_calls: 20,
  tokens: 60_000,
  // A thinking model's thoughts count, too.
  output_tokens: 4_000,
  step_seconds: 60,
  tool_seconds: 30,
  seconds: 300,
  tasks_per_hour: 60,
  tokens_per_day: 1_000_000,
  // A pull request's reviews and checks: what goes on more often is a habit, and no work any more.
  rounds: 6,
  task_tokens: 240_000,
  inbox: 50,
  days: 7,
  waits: 6,
  wait_hours: MOST_WAIT_HOURS,
  // More are no conversation: two bots talk, or the agent with itself.
  deliveries_per_hour: 20,
};

const replyRules = z.strictObject({
  per_task: whole(100),
  per_place: whole(1_000),
  per_source: whole(1_000),
  mentions: z.boolean(),
}).partial();

/** A conversation's pace, and far below what a vendor takes for spam. */
const DEFAULT_REPLY: Required<z.infer<typeof replyRules>> = {
  per_task: 3,
  per_place: 6,
  per_source: 60,
  mentions: false,
};

/** Servers have dots, spaces and other alphabets in their tools' names; models are sent others (provider/sent_name.ts). */
const mcpName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,30}?__[^\p{C}"<>]{1,128}$/u, {
  error: 'must be a server\'s name, "__" and the name of one of its tools as the server has it, ' +
    "of at most 128 characters",
});

const rules = z.strictObject({
  instruction: z.string().max(8_000).optional(),
  tools: z.array(z.string()).optional(),
  unverified_tools: z.array(z.string()).optional(),
  approve: z.array(z.string()).optional(),
  notify: z.array(
    z.string().regex(/^[a-z]+:.+$/, {
      error: 'must be a channel, ":" and a destination, such as "web:web"',
    }),
  ).optional(),
  reply: replyRules.optional(),
  budgets: budgets.optional(),
});
type OwnRules = z.infer<typeof rules>;

const schema = z.strictObject({
  default: rules.optional(),
  all_budgets: sharedBudgets.optional(),
  sources: z.record(
    z.string().regex(/^[a-z0-9._-]{1,64}$/, { error: "must be a source's name in lower case" }),
    rules,
  ).optional(),
  mcp_tools: z.record(
    mcpName,
    z.strictObject({
      reads: z.enum(["payload", "public", "private"]),
      effect: z.enum(["none", "internal", "external"]),
      fingerprint: z.string().regex(/^[0-9a-f]{64}$/, { error: "must be 64 hex digits" })
        .optional(),
    }),
  ).optional(),
}).superRefine((all, context) => {
  const known = new Set<string>([...BUILT_IN, ...Object.keys(all.mcp_tools ?? {})]);
  const places: [path: (string | number)[], rules: OwnRules | undefined][] = [
    [["default"], all.default],
    ...Object.entries(all.sources ?? {}).map(([name, each]): [string[], OwnRules] => [
      ["sources", name],
      each,
    ]),
  ];
  for (const [path, each] of places) {
    if (each?.unverified_tools?.includes("reply")) {
      context.addIssue({
        code: "custom",
        path: [...path, "unverified_tools"],
        message: '"reply" cannot be one of them: whom would it answer? Only what a signature ' +
          'vouches for is answered; list it under "tools"',
      });
    }
    for (const list of ["tools", "unverified_tools", "approve"] as const) {
      each?.[list]?.forEach((tool, index) => {
        if (known.has(tool)) return;
        context.addIssue({
          code: "custom",
          path: [...path, list, index],
          message: `"${tool}" is not a tool. Built in are ${BUILT_IN.join(", ")}; a tool of an ` +
            'MCP server must be declared under "mcp_tools"',
        });
      });
    }
  }
});

/** What a message may use when nobody has said anything about its source. */
const DEFAULT_TOOLS = ["ask_human"];

/**
 * Reads the operator's file of rules (`AGENT_CONFIG`, see docs/agent.md); without
 * one, the safe defaults.
 *
 * @param instructions what the file of sources says, by source.
 * @param retentionDays how long messages are kept: no task stays open for longer.
 * @param sources where they are given, rules for others are refused.
 *
 * @throws {ConfigError} that names the file and the place in it.
 */
export function readAgentSettings(
  file: string | undefined,
  instructions: ReadonlyMap<string, string> = new Map(),
  { retentionDays = Infinity, sources }: {
    retentionDays?: number;
    sources?: Pick<Registry, "all" | "find">;
  } = {},
): AgentSettings {
  const checked = sources ? schema.superRefine(refuseUnknownSources(sources)) : schema;
  const all = file === undefined ? {} : readJsonFile("AGENT_CONFIG", file, checked);
  for (const [name, rules] of Object.entries(all.sources ?? {})) {
    if (rules.instruction === undefined || !instructions.has(name)) continue;
    throw new ConfigError(
      `Cannot start with two instructions for ${name}: one is in SOURCES_FILE, another in ` +
        "AGENT_CONFIG. Leave one of them out.",
    );
  }
  refuseDays(all, retentionDays);
  const shared = all.all_budgets ?? {};
  return {
    mcpTools: new Map(Object.entries(all.mcp_tools ?? {})),
    ruled: Object.keys(all.sources ?? {}),
    sharedBudgets: {
      tasksPerHour: shared.tasks_per_hour,
      tokensPerDay: shared.tokens_per_day,
      moneyPerDay: shared.money_per_day,
    },
    limitsMoney: [
      shared,
      all.default?.budgets,
      ...Object.values(all.sources ?? {}).map((each) => each.budgets),
    ].some((each) => each?.money_per_day !== undefined),
    rulesOf(source) {
      const own = all.sources && Object.hasOwn(all.sources, source) ? all.sources[source] : {};
      const base = all.default ?? {};
      const reply = { ...DEFAULT_REPLY, ...base.reply, ...own.reply };
      const amounts = { ...DEFAULT_BUDGETS, ...base.budgets, ...own.budgets };
      return {
        instruction: own.instruction ?? instructions.get(source) ?? base.instruction,
        tools: [...ALWAYS, ...(own.tools ?? base.tools ?? DEFAULT_TOOLS)],
        unverifiedTools: [...ALWAYS, ...(own.unverified_tools ?? base.unverified_tools ?? [])],
        approve: own.approve ?? base.approve ?? [],
        notify: own.notify ?? base.notify ?? ["web:web"],
        reply: {
          perTask: reply.per_task,
          perPlace: reply.per_place,
          perSource: reply.per_source,
          mentions: reply.mentions,
        },
        budgets: budgetsOf(amounts, retentionDays),
      };
    },
  };
}

/** As the operator's file names them, and as we do. */
function budgetsOf(
  amounts: UsualBudgets & Pick<OwnBudgets, "money_per_day" | "subject_tokens_per_day">,
  retentionDays: number,
): Budgets {
  return {
    steps: amounts.steps,
    toolCalls: amounts.tool_calls,
    tokens: amounts.tokens,
    outputTokens: amounts.output_tokens,
    stepSeconds: amounts.step_seconds,
    toolSeconds: amounts.tool_seconds,
    seconds: amounts.seconds,
    tasksPerHour: amounts.tasks_per_hour,
    tokensPerDay: amounts.tokens_per_day,
    moneyPerDay: amounts.money_per_day,
    rounds: amounts.rounds,
    taskTokens: amounts.task_tokens,
    inbox: amounts.inbox,
    days: Math.min(amounts.days, retentionDays),
    waits: amounts.waits,
    waitHours: amounts.wait_hours,
    deliveriesPerHour: amounts.deliveries_per_hour,
    subjectTokensPerDay: amounts.subject_tokens_per_day,
  };
}

/** A task that is open for longer than its messages are kept would go on with what is gone. */
function refuseDays(
  { default: base, sources = {} }: z.infer<typeof schema>,
  retentionDays: number,
): void {
  const places = Object.entries(sources).map(([name, { budgets }]) => ({
    place: `sources.${name}`,
    budgets,
  }));
  for (const { place, budgets } of [{ place: "default", budgets: base?.budgets }, ...places]) {
    if (budgets?.days === undefined || budgets.days <= retentionDays) continue;
    throw new ConfigError(
      `Cannot start with ${place}.budgets.days = ${budgets.days} in AGENT_CONFIG: RETENTION_DAYS ` +
        `keeps messages for ${retentionDays} days. Set it to at most ${retentionDays}.`,
    );
  }
}
