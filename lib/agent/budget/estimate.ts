import type { ModelStep, Turn } from "../model.ts";
import type { ToolSpec } from "../tool_spec.ts";

/** What one model call sends, as far as its length goes. */
export interface ModelRequest {
  instructions: string;
  turns: readonly Turn[];
  tools: readonly ToolSpec[];
}

/** How many tokens each part of a call has. */
export interface TokenCount {
  input: number;
  output: number;
}

/**
 * Models make a token of some four characters of English, of three of JSON and of two of a hash or
 * an id: so counted, a text hardly ever has more tokens than we think.
 */
const ASCII_PER_TOKEN = 2;
/** Of other scripts a character may be a token, and a rare one several: its UTF-16 units count apart. */
const TOKENS_PER_OTHER = 1.5;
/** What providers put around each turn and each tool. */
const TOKENS_AROUND = 16;
/** No tokenizer that is in use needs fewer tokens than a third of what we think at most. */
const LEAST_SHARE = 1 / 3;
/** No model's context holds more: a larger number was not counted. */
const MOST_TOKENS = 100_000_000;

/** How many tokens a text has at most, as good as one can tell without the model's tokenizer. */
export function estimateTokens(text: string): number {
  let other = 0;
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0x7f) other++;
  return Math.ceil((text.length - other) / ASCII_PER_TOKEN + other * TOKENS_PER_OTHER);
}

/** How many tokens a call's input has at most, as far as its characters say. */
export function estimateRequest({ instructions, turns, tools }: ModelRequest): number {
  return estimateTokens(instructions) + ofTurns(turns) +
    tools.reduce((sum, tool) => sum + estimateTokens(JSON.stringify(tool)) + TOKENS_AROUND, 0);
}

/**
 * The same of a conversation that the provider has counted before: only what has come since is
 * estimated.
 *
 * @param known what it has counted then, and what we had thought.
 */
export function estimateInput(
  request: ModelRequest,
  known?: { tokens: number; estimated: number },
): number {
  const all = estimateRequest(request);
  if (known === undefined) return all;
  const least = Math.ceil(all * LEAST_SHARE);
  return Math.min(all, Math.max(least, known.tokens + Math.max(0, all - known.estimated)));
}

function ofTurns(turns: readonly Turn[]): number {
  return turns.reduce(
    (sum, turn) => sum + estimateTokens(JSON.stringify(turn)) + TOKENS_AROUND,
    0,
  );
}

/**
 * What a step has billed: what the provider has counted, and where that cannot be (nothing, zero,
 * less, or more than any model can read) what its characters come to.
 */
export function billOf(
  step: Pick<ModelStep, "tokens" | "text" | "calls" | "turns">,
  most: TokenCount,
): TokenCount & { estimated: boolean } {
  const { input, output } = step.tokens;
  // What was answered is in the turns, too, thoughts included; what is not there, nobody has seen.
  const said = step.turns.length > 0
    ? ofTurns(step.turns)
    : estimateTokens(step.text + JSON.stringify(step.calls));
  const unseen = step.turns.length === 0 && step.text === "" && step.calls.length === 0;
  return {
    input: isCounted(input) ? Math.ceil(input) : most.input,
    output: isCounted(output) ? Math.ceil(output) : unseen ? most.output : said,
    estimated: !isCounted(input) || !isCounted(output),
  };
}

function isCounted(tokens: number): boolean {
  return Number.isFinite(tokens) && tokens > 0 && tokens <= MOST_TOKENS;
}
