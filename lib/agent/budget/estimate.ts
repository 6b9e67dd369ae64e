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
 * Tokens of each UTF-16 unit, as the worst of seven tokenizers makes them of random text: OpenAI's
 * o200k and cl100k, Claude 2's, Gemma's, Llama 2's and 3's, Mistral's. Whoever sends us a message
 * chooses its text: digits, hashes and rare scripts cost up to six times what prose does. Of a
 * script with thousands of signs those that nobody writes can cost a third more than this.
 */
const PER_UNIT: readonly [below: number, tokens: number][] = [
  [0x80, 1],
  [0x400, 2],
  [0x530, 1.4], // Cyrillic
  [0x590, 2],
  [0x700, 1.6], // Hebrew, Arabic
  [0x800, 2],
  [0x900, 3],
  [0x980, 2], // Devanagari
  [0xe00, 3],
  [0xe80, 2.3], // Thai
  [0x3000, 3],
  [0x3100, 1.7], // Kana
  [0x4e00, 3],
  [0xa000, 2.2], // Han
  [0xac00, 3],
  [0xd7b0, 2.6], // Hangul
  [0xe000, 2], // halves of rare signs and emoji
  [0x10000, 3],
];
/** Small letters in a row are pieces of words, however strange the words are. */
const PER_WORD = 0.4;
const PER_LETTER = 0.62;
/** Spaces in a row are told in long pieces; a single one is part of the word behind it. */
const PER_SPACE = 1 / 8;
/** What providers put around each turn and each tool. */
const TOKENS_AROUND = 16;
/** A provider that has counted less of what we think at most is not believed: some leave out what they have cached. */
const LEAST_SHARE = 1 / 3;
/** No model's context holds more: a larger number was not counted. */
const MOST_TOKENS = 100_000_000;

/** How many tokens a text has at most, as good as one can tell without the model's tokenizer. */
export function estimateTokens(text: string): number {
  let tokens = 0;
  for (let at = 0; at < text.length;) {
    const unit = text.charCodeAt(at);
    const inRow = isSmall(unit) ? isSmall : unit === SPACE ? isSpace : undefined;
    let end = at + 1;
    while (inRow && end < text.length && inRow(text.charCodeAt(end))) end++;
    const length = end - at;
    if (inRow === isSmall) tokens += Math.min(length, PER_WORD + PER_LETTER * length);
    else if (inRow === undefined) tokens += perUnit(unit);
    else if (length > 1 || !isLetter(text.charCodeAt(end))) tokens += 1 + PER_SPACE * length;
    at = end;
  }
  return Math.ceil(tokens);
}

const SPACE = 0x20;
const isSpace = (unit: number) => unit === SPACE;
const isSmall = (unit: number) => unit >= 0x61 && unit <= 0x7a;
const isLetter = (unit: number) => isSmall(unit) || (unit >= 0x41 && unit <= 0x5a);

function perUnit(unit: number): number {
  for (const [below, tokens] of PER_UNIT) if (unit < below) return tokens;
  return 0;
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
