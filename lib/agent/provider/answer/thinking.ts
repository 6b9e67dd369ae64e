/** What opens and closes thinking in the text of models whose server does not take it out. */
const MARKS = [
  // DeepSeek, Qwen, MiniMax and most others; Gemini's and Seed's kin of it.
  /<(\/?)(?:seed:)?(?:think|thinking|thought|thoughts|reasoning)[ \t\r\n]{0,8}>/,
  // Magistral, Kimi.
  /\[(\/?)THINK\]/,
  /◁(\/?)think▷/,
  // Command, Gemma.
  /<\|(?:START|(END))_THINKING\|>/,
  /<\|channel>thought|(<channel\|>)/,
];
const MARK = new RegExp(MARKS.map(({ source }) => source).join("|"), "gi");

/** How gpt-oss marks what is said to people, and what it says to itself (Harmony). */
const FINAL = "<|channel|>final<|message|>";
const CHANNEL = "<|channel|>";
const HARMONY = /<\|(?:start\|>assistant|return\|>|end\|>|call\|>)/g;

/**
 * A model's text without what it has thought: from an opening mark to the closing one, or to the
 * end when it was cut off there; where only the closing mark came (its server's template had the
 * opening one), all that stands before. A mark in backticks is spoken of, and stays.
 */
export function withoutThinking(text: string): string {
  const said = withoutChannels(text);
  const kept: string[] = [];
  let at = 0;
  let thinks = false;
  for (const match of said.matchAll(MARK)) {
    if (said[match.index - 1] === "`") continue;
    const closes = match.slice(1).some((group) => group !== undefined && group !== "");
    if (closes) {
      if (!thinks) kept.length = 0;
      thinks = false;
      at = match.index + match[0].length;
    } else if (!thinks) {
      kept.push(said.slice(at, match.index));
      thinks = true;
    }
  }
  if (at === 0 && !thinks) return said;
  if (!thinks) kept.push(said.slice(at));
  return kept.join("").trim();
}

function withoutChannels(text: string): string {
  const final = text.lastIndexOf(FINAL);
  if (final >= 0) return text.slice(final + FINAL.length).replace(HARMONY, "").trim();
  const other = text.indexOf(CHANNEL);
  return other < 0 ? text : text.slice(0, other).replace(HARMONY, "").trim();
}

/** The same for every text of a call's arguments. */
export function argumentsWithoutThinking(value: unknown): unknown {
  if (typeof value === "string") return withoutThinking(value);
  if (Array.isArray(value)) return value.map(argumentsWithoutThinking);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [name, argumentsWithoutThinking(each)]),
  );
}
