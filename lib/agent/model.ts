import type { LanguageModel, ModelMessage, ToolSet } from "ai";
import { pause } from "../async/deadline.ts";
import { errorText } from "../process/log.ts";
import type { ModelSettings } from "../config/model_settings.ts";

/** A piece of a conversation, as JSON: kept as it is, provider details included. */
export type Turn = ModelMessage;

/** A tool as a model sees it. */
export interface ToolSpec {
  name: string;
  description: string;
  /** JSON Schema of the arguments. */
  schema: Record<string, unknown>;
}

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
  text: string;
  calls: ToolCall[];
  /** To be appended to the conversation. */
  turns: Turn[];
  /** Why it stopped: `stop`, `length`, `tool-calls`, `content-filter`, … */
  finish: string;
  /** What the provider has counted; 0 where it has said nothing. Not to be trusted, either. */
  tokens: { input: number; output: number };
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

/** A model's provider did not give an answer. */
export class ModelError extends Error {
  override readonly name = "ModelError";
  /** Whether the same request may succeed later: 408, 429, 5xx, a broken connection, silence. */
  readonly temporary: boolean;
  readonly retryAfterSeconds?: number;
  /** Whether it may have worked on the request all the same: it broke off, or came too late. */
  readonly mayHaveBilled: boolean;

  constructor(
    message: string,
    temporary: boolean,
    { retryAfterSeconds, mayHaveBilled = false }: {
      retryAfterSeconds?: number;
      mayHaveBilled?: boolean;
    } = {},
  ) {
    super(message);
    this.temporary = temporary;
    this.retryAfterSeconds = retryAfterSeconds;
    this.mayHaveBilled = mayHaveBilled;
  }
}

/** The model that was configured. Its provider's package is loaded with the first step. */
export function createModel(settings: ModelSettings): Model {
  let loading: Promise<ProviderModel> | undefined;
  return {
    name: `${settings.provider}/${settings.model}`,
    async step({ instructions, turns, tools, last, maxOutputTokens, maxMs }, signal) {
      const {
        APICallError,
        generateText,
        jsonSchema,
        tool,
        ToolChoiceViolationError,
        wrapLanguageModel,
      } = await import("ai");
      // Its warnings go to the console, past our log.
      (globalThis as { AI_SDK_LOG_WARNINGS?: boolean }).AI_SDK_LOG_WARNINGS = false;
      const model = await (loading ??= loadModel(settings));
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
      const timeout = new AbortController();
      const stop = AbortSignal.any([signal, timeout.signal]);
      pause(maxMs, stop).then(() => stop.aborted || timeout.abort());
      try {
        const result = await generateText({
          model: observed,
          instructions,
          messages: [...turns],
          ...toolsFor(settings, toolSet, last),
          maxOutputTokens,
          maxRetries: 0,
          abortSignal: stop,
        });
        return {
          text: result.text,
          calls: result.toolCalls.map((call) => ({
            id: call.toolCallId,
            tool: call.toolName,
            arguments: call.input,
            ...("invalid" in call && call.invalid ? { invalid: errorText(call.error) } : {}),
          })),
          turns: result.responseMessages,
          finish: result.finishReason,
          tokens: billed,
        };
      } catch (error) {
        signal.throwIfAborted();
        if (ToolChoiceViolationError.isInstance(error)) return { ...WORDLESS, tokens: billed };
        if (timeout.signal.aborted) {
          throw new ModelError(`${settings.label} gave no answer within ${maxMs} ms`, true, {
            mayHaveBilled: true,
          });
        }
        throw toModelError(settings, error, APICallError.isInstance(error) ? error : undefined);
      } finally {
        timeout.abort();
      }
    },
  };
}

/** A last step in which the model has called a tool all the same. */
const WORDLESS: ModelStep = {
  text: "",
  calls: [],
  turns: [],
  finish: "tool-calls",
  tokens: { input: 0, output: 0 },
};

/**
 * Without tools no model can call one. Anthropic alone wants them named as long
 * as the conversation has calls of them.
 */
function toolsFor({ provider }: ModelSettings, tools: ToolSet, last = false) {
  if (Object.keys(tools).length === 0) return {};
  if (!last) return { tools };
  return provider === "anthropic" ? { tools, toolChoice: "none" as const } : {};
}

/** A model itself, and not only its name. */
type ProviderModel = Exclude<LanguageModel, string>;

async function loadModel(
  { provider, model, baseUrl, apiKey }: ModelSettings,
): Promise<ProviderModel> {
  if (provider === "gemini") {
    const { createGoogleGenerativeAI } = await import("@ai-sdk/google");
    return createGoogleGenerativeAI({ baseURL: baseUrl, apiKey }).chat(model);
  }
  if (provider === "anthropic") {
    const { createAnthropic } = await import("@ai-sdk/anthropic");
    return createAnthropic({ baseURL: baseUrl, apiKey }).chat(model);
  }
  const { createOpenAICompatible } = await import("@ai-sdk/openai-compatible");
  return createOpenAICompatible({
    name: provider,
    baseURL: baseUrl,
    apiKey,
    transformRequestBody: (body) =>
      provider === "openai" && thinks(model, baseUrl) ? withoutMaxTokens(body) : body,
  }).chatModel(model);
}

/** OpenAI's thinking models refuse `max_tokens`; its other models know the newer name, too. */
function thinks(model: string, baseUrl: string): boolean {
  return new URL(baseUrl).hostname === "api.openai.com" || /(^|\/)(o\d|gpt-[5-9])/.test(model);
}

function withoutMaxTokens({ max_tokens, ...body }: Record<string, unknown>) {
  return { ...body, max_completion_tokens: max_tokens };
}

/** The most of a provider's own words that is kept. */
const MOST_WORDS = 500;

function toModelError(
  { label }: ModelSettings,
  error: unknown,
  answer?: { statusCode?: number; responseHeaders?: Record<string, string> },
): ModelError {
  const words = errorText(error).slice(0, MOST_WORDS);
  if (!answer) {
    return new ModelError(`${label}: ${words}`, isConnection(error), { mayHaveBilled: true });
  }
  const { statusCode: status, responseHeaders } = answer;
  if (status === undefined) return new ModelError(`${label} cannot be reached: ${words}`, true);
  // A 200 that cannot be read is a proxy's or a server's bad moment.
  const temporary = status < 400 || status === 408 || status === 409 || status === 429 ||
    status >= 500;
  return new ModelError(
    `${label} answered ${status}: ${words}`,
    temporary,
    {
      retryAfterSeconds: retryAfter(responseHeaders?.["retry-after"]),
      mayHaveBilled: status < 400,
    },
  );
}

/** What `fetch` throws when a connection breaks in the middle of an answer. */
function isConnection(error: unknown): boolean {
  return error instanceof TypeError || error instanceof DOMException ||
    /connection|network|socket|body/i.test(errorText(error));
}

/** `Retry-After` is a number of seconds or a date (RFC 9110 §10.2.3). */
function retryAfter(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const seconds = /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1_000;
  return Number.isFinite(seconds) ? Math.max(0, seconds) : undefined;
}
