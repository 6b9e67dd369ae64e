import { isPart, type Part, partsIn } from "./parts.ts";

/**
 * How models write a call where nobody reads it for them, at the beginning of a line: Qwen, Hermes,
 * Kimi, DeepSeek, MiniMax, Mistral, Llama, LFM, Nemotron, InternLM, Command, Gemini and FunctionGemma,
 * gpt-oss without its marks, and those that have learned from Claude.
 */
const OPENERS = [
  /^<[|｜/]?[\w:]{0,20}[|｜]?(start_)?(tool|function)[_▁]?calls?/i,
  /^\[\/?tool_?calls?\]/i,
  /^<\|(python_tag|action_start|START_ACTION)\|>/i,
  /^<(function=|[\w:]{0,20}invoke )/i,
  /^<｜DSML｜/,
  /^```tool_(code|call)/i,
  /^functools\[/,
  /^✿FUNCTION✿/,
  /^(commentary )?to=functions\./,
  /^action: ?```json/i,
];
/** And behind other words, where nobody would quote it so. */
const INLINE = /<tool_call>\s?\{\s?"name"/;
/** A tool's name stands this near. */
const NEAR = 300;

/** Where a call that is all of a text has its tool's name, and its arguments. */
const NAMES = ["name", "tool", "tool_name", "action"];
const ARGUMENTS = ["arguments", "parameters", "args", "input", "action_input"];

/**
 * What a text calls instead of speaking, in words, if it does. It is not called: what was quoted in
 * a text would be, too.
 *
 * @param offered the names of the tools that may be called.
 */
export function writtenCall(text: string, offered: readonly string[]): string | undefined {
  const whole = text.trim();
  const named = namedIn(whole, offered) ??
    offered.find((name) => isCall(whole, name) || isReAct(whole, name));
  if (named !== undefined) return `its call of "${named}"`;
  let from = 0;
  for (const line of text.split("\n")) {
    const at = from;
    from += line.length + 1;
    if (line.trim() === "") continue;
    const near = text.slice(at, at + NEAR).trimStart();
    if (!OPENERS.some((each) => each.test(near))) continue;
    const name = offered.find((each) => near.includes(each));
    if (name !== undefined) return `its call of "${name}"`;
    // Who begins so says nothing else, whichever tool it is.
    if (text.slice(0, at).trim() === "") return "a tool call";
  }
  return INLINE.test(text) ? "a tool call" : undefined;
}

/** All of the text is one call: `[add_note(text="x")]` (Llama 4), `<add_note>…</add_note>` (Cline). */
function isCall(text: string, name: string): boolean {
  return text.startsWith(`[${name}(`) && text.endsWith(")]") ||
    text.startsWith(`${name}(`) && text.endsWith(")") && !text.includes("\n") ||
    text.startsWith(`<${name}>`) && text.endsWith(`</${name}>`);
}

/** `Action: add_note` and what it is called with on the next line. */
function isReAct(text: string, name: string): boolean {
  const at = text.indexOf(`Action: ${name}`);
  return at >= 0 && text.slice(at + 8 + name.length, at + NEAR).trimStart()
    .startsWith("Action Input:");
}

/** `{"name": "x", "parameters": {…}}`, fenced or not, which is all that Llama and others say. */
function namedIn(text: string, offered: readonly string[]): string | undefined {
  const bare = text.startsWith("```") ? text.replace(/^```\w{0,10}/, "").replace(/```$/, "") : text;
  if (!/^\s{0,9}[[{]/.test(bare)) return undefined;
  try {
    return partsIn(JSON.parse(bare)).flatMap((each) => [...partsIn(each.tool_calls), each])
      .map((each) => isPart(each.function) ? each.function : each)
      .map((each) => nameIn(each, offered)).find((each) => each !== undefined);
  } catch {
    return undefined;
  }
}

function nameIn(call: Part, offered: readonly string[]): string | undefined {
  const name = NAMES.map((each) => call[each]).find((each) => offered.includes(each as string));
  const isCalled = ARGUMENTS.some((each) => call[each] !== undefined);
  return isCalled ? name as string | undefined : undefined;
}
