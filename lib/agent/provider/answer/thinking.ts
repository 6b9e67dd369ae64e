/** What opens and closes thinking in the text of models whose server does not take it out. */
const MARKS = [
  // DeepSeek, Qwen, MiniMax and most others; Gemini's, Seed's, LongCat's and Claude's kin of it.
  /<(\/?)(?:seed:|mm:|longcat_)?(?:think|thinking|thought|thoughts|reasoning)[ \t\r\n]{0,8}>/,
  /<think(?:ing)? [^<>=]{0,50}=[^<>]{0,100}>/,
  /<(\/?)(?:antThinking|scratchpad|inner_monologue)>/,
  // What prompts ask for.
  /<(\/?)(?:inner_thoughts|internal_thinking|chain_of_thought|thinking_process|thought_process|reflection)>/,
  // Magistral, Kimi; Open Thoughts; MedGemma.
  /\[(\/?)(?:THINK|THINKING|THOUGHTS?|REASONING)\]/,
  /◁(\/?)think▷/,
  /<\|(\/?)think(?:ing)?\|>/,
  /<[|｜](?:begin|(end))[_▁]of[_▁](?:thought|thinking)[|｜]>/,
  /<unused94>thought|(<unused95>)/,
  // Command, Gemma.
  /<\|(?:START|(END))_THINKING\|>/,
  /<\|channel>thought|(<channel\|>)/,
];
const MARK = new RegExp(MARKS.map(({ source }) => source).join("|"), "gi");

/** How gpt-oss marks what is said to people, and what it says to itself (Harmony). */
const FINAL = "<|channel|>final<|message|>";
const CHANNEL = "<|channel|>";
const HARMONY = /<\|(?:start\|>assistant|return\|>|end\|>|call\|>)/g;

/** Where a text that begins so says what is meant for people: Granite, and gpt-oss without its marks. */
const PREFACES = [
  // Apriel, whose thoughts begin without a mark.
  ["", "[BEGIN FINAL RESPONSE]"],
  ["Here is my thought process:", "Here is my response:"],
  ["analysis", "assistantfinal"],
  ["analysis", "assistantcommentary"],
];

/** What some servers leave at an answer's end, of the marks that a model ends with. */
const ENDS =
  /\[END FINAL RESPONSE\]$|<(?:\|(?:im_end|eot_id|eom_id|endoftext|end|return|END_RESPONSE|end_of_solution)\||end_of_turn|｜end▁of▁sentence｜)>$/;
/** What all of an answer stands in: Hunyuan's and GLM's, Granite's, Marco's; GLM's of pictures. */
const AROUND = [
  ["<answer>", "</answer>"],
  ["<response>", "</response>"],
  ["<output>", "</output>"],
  ["<|begin_of_box|>", "<|end_of_box|>"],
];
/** And at its beginning. */
const STARTS = /^\s*<\|(?:START_RESPONSE|begin_of_solution)\|>/;

/**
 * A model's text without what it has thought: from an opening mark to the closing one, or to the
 * end when it was cut off there; where only the closing mark came (its server's template had the
 * opening one), all that stands before. A mark in backticks is spoken of, and stays.
 */
export function withoutThinking(text: string): string {
  return unwrapped(withoutEnds(withoutMarked(withoutPreface(withoutChannels(text)))));
}

function unwrapped(text: string): string {
  const around = [text.slice(0, 20).trimStart(), text.slice(-20).trimEnd()];
  const [begins, ends] = around.map((each) => each.toLowerCase());
  const [opens, closes] =
    AROUND.find(([opens, closes]) => begins.startsWith(opens) && ends.endsWith(closes)) ?? [];
  if (!opens || !closes) return text;
  const inside = text.trim().slice(opens.length, -closes.length).trim();
  // Two of them are something else than an answer's frame.
  return inside.toLowerCase().includes(closes) ? text : inside;
}

function withoutPreface(text: string): string {
  for (const [begins, ends] of PREFACES) {
    const at = text.startsWith(begins) ? text.lastIndexOf(ends) : -1;
    if (at >= 0) return text.slice(at + ends.length).trim();
  }
  return text;
}

function withoutEnds(text: string): string {
  let rest = text.replace(STARTS, "");
  while (ENDS.test(rest.slice(-40).trimEnd())) rest = rest.trimEnd().replace(ENDS, "");
  return rest === text ? text : rest.trim();
}

function withoutMarked(said: string): string {
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
  if (other < 0) return text;
  const before = text.slice(0, other).replace(HARMONY, "").trim();
  // Whose turn it is.
  return before === "assistant" ? "" : before;
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
