/**
 * How models write a call where nobody reads it for them, at the beginning of a line: Qwen and
 * Hermes, Mistral, Llama, DeepSeek, Kimi, Gemini, GLM, and those that have learned from Claude.
 */
const OPENERS =
  /^[ \t]{0,8}(?:<\|?tool_calls?(?:_begin|_start)?\|?>|<｜tool▁calls?▁begin｜>|\[TOOL_CALLS\]|<\|python_tag\|>|<function(?:=|_calls?>)|<(?:antml:)?(?:invoke|function_calls)[ >]|<\|tool_calls_section_begin\|>|```tool_(?:code|call))/gim;
/** A tool's name stands this near. */
const NEAR = 300;

/**
 * The tool that a text calls instead of speaking, if it does. It is not called: what was quoted in
 * a text would be, too.
 *
 * @param offered the names of the tools that may be called.
 */
export function writtenCall(text: string, offered: readonly string[]): string | undefined {
  const whole = text.trim();
  const named = /^[[{]/.test(whole) ? namedIn(whole, offered) : undefined;
  if (named !== undefined) return named;
  for (const { index } of text.matchAll(OPENERS)) {
    const near = text.slice(index, index + NEAR);
    const name = offered.find((each) => near.includes(each));
    if (name !== undefined) return name;
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
