/**
 * How models write a call where nobody reads it for them, at the beginning of a line: Qwen and
 * Hermes, Kimi, DeepSeek, Mistral, Llama, Gemini, and those that have learned from Claude.
 */
const OPENERS = [
  "<tool_call",
  "<|tool_call",
  "<｜tool▁call",
  "[tool_calls]",
  "<|python_tag|>",
  "<function=",
  "<function_call",
  "<invoke ",
  "<invoke ",
  "<function_calls",
  "```tool_code",
  "```tool_call",
];
/** A tool's name stands this near. */
const NEAR = 300;

/**
 * What a text calls instead of speaking, in words, if it does. It is not called: what was quoted in
 * a text would be, too.
 *
 * @param offered the names of the tools that may be called.
 */
export function writtenCall(text: string, offered: readonly string[]): string | undefined {
  const whole = text.trim();
  const named = /^[[{]/.test(whole) ? namedIn(whole, offered) : undefined;
  if (named !== undefined) return `its call of "${named}"`;
  let from = 0;
  for (const line of text.split("\n")) {
    const near = text.slice(from, from + NEAR).trimStart();
    from += line.length + 1;
    const start = near.slice(0, 40).toLowerCase();
    if (!OPENERS.some((each) => start.startsWith(each))) continue;
    const name = offered.find((each) => near.includes(each));
    if (name !== undefined) return `its call of "${name}"`;
    // Who begins so says nothing else, whichever tool it is.
    if (text.slice(0, from - line.length - 1).trim() === "") return "a tool call";
  }
  return undefined;
}

/** `{"name": "x", "parameters": {…}}`, which is all that Llama says. */
function namedIn(text: string, offered: readonly string[]): string | undefined {
  try {
    const [call] = [JSON.parse(text)].flat();
    const { name, arguments: args, parameters } = call.function ?? call;
    return offered.includes(name) && (args ?? parameters) !== undefined ? name : undefined;
  } catch {
    return undefined;
  }
}
