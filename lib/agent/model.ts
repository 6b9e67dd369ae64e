import type { ModelMessage, ToolSet } from "ai";
import { pause } from "../async/deadline.ts";
import { errorText } from "../process/log.ts";
import type { ModelSettings } from "../config/model/model_settings.ts";
import { withoutFences } from "./fence.ts";
import { ModelError, toModelError } from "./model_error.ts";
import { loadModel, type ProviderModel } from "./provider/load_model.ts";
import { NoAnswerError } from "./provider/no_answer.ts";
import { MOST_WORDS } from "./provider/own_words.ts";
import { argumentsWithoutThinking, withoutThinking } from "./provider/answer/thinking.ts";
import { objectOf } from "./provider/answer/tool_call.ts";
import { namesSent, renamed, sentName } from "./provider/sent_name.ts";
import { isForeign, openToolFilter } from "./provider/tool_filter.ts";
import { type Fault, faultOf, isCut } from "./provider/verdicts.ts";
import { writtenCall } from "./provider/answer/written_call.ts";
import type { ToolOff, ToolSpec } from "./tool_spec.ts";

/** A piece of a conversation, as JSON: kept as it is, provider details included. */
export type Turn = ModelMessage;

/** A tool call that a model asks for. Nothing in it is to be trusted. */
export interface ToolCall {
  id: string;
  tool: string;
  arguments: unknown;
  /** Why it cannot be made (unknown tool, broken JSON); the model has been told. */
  invalid?: string;
}

/** What one call of a model gave. */
export interface ModelStep {
  /** What it says, without what it has thought. */
  text: string;
  calls: ToolCall[];
  /** To be appended to the conversation. */
  turns: Turn[];
  /** Why it stopped: `stop`, `length`, `tool-calls`, `content-filter`, … */
  finish: string;
  /** What the provider has counted; 0 where it has said nothing. Not to be trusted, either. */
  tokens: { input: number; output: number };
  /** Why it is no answer, if it is none: then it has no calls and no turns. */
  fault?: Fault;
  /** Tools that the model did not get, because its provider refuses them. */
  off: ToolOff[];
}

/** A language model: one call is one step, and no tool runs in it. */
export interface Model {
  /** Such as `openai/gpt-5-mini`. */
  readonly name: string;
  /** @throws {ModelError} */
  step(
    request: {
      instructions: string;
      turns: readonly Turn[];
      tools: readonly ToolSpec[];
      /** No tool may be called any more: it must answer in words. */
      last?: boolean;
      maxOutputTokens: number;
      maxMs: number;
    },
    signal: AbortSignal,
  ): Promise<ModelStep>;
}

/** The model that was configured. Its provider's package is loaded with the first step. */
export function createModel(settings: ModelSettings): Model {
  let loading: Promise<ProviderModel> | undefined;
  const filter = openToolFilter(settings);
  return {
    name: `${settings.provider}/${settings.model}`,
    async step({ turns, tools: named, ...request }, signal) {
      const names = namesSent(named, turns);
      const ownName = (sent: string) => names.get(sent) ?? sent;
      const offered = named.map((each) => ({ ...each, name: sentName(each.name) }));
      const told = renamed(turns, sentName);
      const model = await (loading ??= loadModel(settings));
      const timeout = new AbortController();
      const stop = AbortSignal.any([signal, timeout.signal]);
      pause(request.maxMs, stop).then(() => stop.aborted || timeout.abort());
      try {
        while (true) {
          const { tools, off } = filter.sort(offered);
          try {
            const step = await ask(settings, model, { ...request, turns: told, tools }, stop);
            return withOwnNames({ ...step, off }, ownName);
          } catch (error) {
            if (!isRefusal(error) || !filter.learn(tools, error.message)) throw error;
          }
        }
      } catch (error) {
        signal.throwIfAborted();
        if (timeout.signal.aborted) {
          const words = `${settings.label} gave no answer within ${request.maxMs / 1_000} s. ` +
            "Raise budgets.step_seconds in AGENT_CONFIG if its model is slow";
          throw new ModelError(words, true, { mayHaveBilled: true });
        }
        if (error instanceof NoAnswerError && error.verdict === "again") {
          return { ...WORDLESS, finish: "error", fault: { again: true, reason: error.message } };
        }
        throw toModelError(settings, error);
      } finally {
        timeout.abort();
      }
    },
  };
}

type Step = Parameters<Model["step"]>[0];

/** Asks a model once. */
async function ask(
  settings: ModelSettings,
  model: ProviderModel,
  { instructions, turns, tools, last, maxOutputTokens }: Step,
  signal: AbortSignal,
): Promise<Omit<ModelStep, "off">> {
  const { generateText, jsonSchema, tool, ToolChoiceViolationError, wrapLanguageModel } =
    await import("ai");
  // Its warnings go to the console, past our log.
  (globalThis as { AI_SDK_LOG_WARNINGS?: boolean }).AI_SDK_LOG_WARNINGS = false;
  const toolSet: ToolSet = Object.fromEntries(
    tools.map(({ name, description, schema }) => [
      name,
      tool({ description, inputSchema: jsonSchema(schema) }),
    ]),
  );
  let billed: ModelStep["tokens"] = { input: 0, output: 0 };
  // What is thrown does not say what was billed.
  const observed = wrapLanguageModel({
    model,
    middleware: {
      async wrapGenerate({ doGenerate }) {
        const result = await doGenerate();
        const { inputTokens, outputTokens } = result.usage;
        billed = { input: inputTokens.total ?? 0, output: outputTokens.total ?? 0 };
        return result;
      },
    },
  });
  try {
    const result = await generateText({
      model: observed,
      instructions,
      messages: [...turns],
      ...toolsFor(settings, toolSet, last),
      maxOutputTokens,
      maxRetries: 0,
      abortSignal: signal,
    });
    const text = withoutThinking(result.text);
    const { google } = result.providerMetadata ?? {};
    const { rawFinishReason: finish, finishReason } = result;
    const fault = faultOf(settings, {
      finish,
      blocked: textIn(google?.promptFeedback, "blockReason"),
      details: textIn(google, "finishMessage") ?? text.slice(0, MOST_WORDS),
      text,
      calls: result.toolCalls.length,
      last,
      thinks: text.trim() === "" && (result.text + (result.reasoningText ?? "")).trim() !== "",
      written: writtenCall(text, tools.map(({ name }) => name)),
    });
    return {
      text: fault ? "" : text,
      calls: fault ? [] : result.toolCalls.map((call) => ({
        id: call.toolCallId,
        tool: call.toolName,
        arguments: isForeign(call.toolName) ? call.input : argumentsWithoutThinking(call.input),
        ...("invalid" in call && call.invalid ? { invalid: errorText(call.error) } : {}),
      })),
      turns: fault ? [] : result.responseMessages.map(sendable),
      finish: isCut(finish) ? "length" : finishReason,
      tokens: billed,
      ...(fault ? { fault } : {}),
    };
  } catch (error) {
    // A last step in which the model has called a tool all the same.
    if (ToolChoiceViolationError.isInstance(error)) return { ...WORDLESS, tokens: billed };
    throw error;
  }
}

/** A step in whose calls tools have the names that their servers gave them. */
function withOwnNames(step: ModelStep, ownName: (sent: string) => string): ModelStep {
  return {
    ...step,
    calls: step.calls.map((call) => ({ ...call, tool: ownName(call.tool) })),
    turns: renamed(step.turns, ownName),
    off: step.off.map((each) => ({ ...each, tool: ownName(each.tool) })),
  };
}

/** A step that said nothing, and that nobody has counted. */
const WORDLESS: ModelStep = {
  text: "",
  calls: [],
  turns: [],
  finish: "tool-calls",
  tokens: { input: 0, output: 0 },
  off: [],
};

function isRefusal(error: unknown): error is NoAnswerError {
  return error instanceof NoAnswerError && error.verdict === "fail" && !error.mayHaveBilled;
}

function textIn(from: unknown, name: string): string | undefined {
  const value = (from as Record<string, unknown> | null | undefined)?.[name];
  return typeof value === "string" && value !== "" ? value.slice(0, MOST_WORDS) : undefined;
}

/**
 * A turn as every provider takes it back: without empty texts beside its calls, which Anthropic
 * refuses, and with objects for arguments, however the model wrote them. What is told of a call that
 * could not be read repeats it, and may not look like a fence.
 */
function sendable(turn: Turn): Turn {
  if (turn.role === "tool") return { ...turn, content: turn.content.map(withoutFencesIn) };
  if (turn.role !== "assistant" || typeof turn.content === "string") return turn;
  const content = turn.content.filter((part) => part.type !== "text" || part.text.trim() !== "")
    .map((part) => part.type === "tool-call" ? { ...part, input: objectOf(part.input) } : part);
  return content.length === 0 ? turn : { ...turn, content };
}

function withoutFencesIn<Part extends { type: string }>(part: Part): Part {
  const { output } = part as { output?: { type: string; value: unknown } };
  return output?.type !== "error-text"
    ? part
    : { ...part, output: { ...output, value: withoutFences(String(output.value)) } };
}

/**
 * Without tools no model can call one. Anthropic alone wants them named as long
 * as the conversation has calls of them.
 */
function toolsFor({ provider }: ModelSettings, tools: ToolSet, last = false) {
  if (Object.keys(tools).length === 0) return {};
  if (!last) return { tools };
  return provider === "anthropic" ? { tools, toolChoice: "none" as const } : {};
}
