import { assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { onChat } from "./provider_stage.ts";

describe("a call that a model writes", () => {
  it("is not made when it stands in the text, and people are told what to do", async () => {
    const args = '{"text":"x"}';
    await onChat("vllm", async ({ fake, step }) => {
      for (
        const text of [
          `<tool_call>\n{"name": "add_note", "arguments": ${args}}\n</tool_call>`,
          `I will note it.\n<tool_call>{"name": "add_note", "arguments": ${args}}`,
          `[TOOL_CALLS][{"name": "add_note", "arguments": ${args}}]`,
          `<|python_tag|>{"name": "add_note", "parameters": ${args}}`,
          `{"name": "add_note", "parameters": ${args}}`,
          `<function=add_note>${args}</function>`,
          `<function_calls>\n<invoke name="add_note">`,
          `<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>add_note`,
          `<|tool_calls_section_begin|><|tool_call_begin|>functions.add_note:0`,
          `<｜DSML｜function_calls>\n<｜DSML｜invoke name="add_note">`,
          `<｜DSML｜add_note>\n<text>x</text>`,
          `<minimax:tool_call>\n<invoke name="add_note">`,
          `[TOOL_CALL] {"tool": "add_note", "args": ${args}} [/TOOL_CALL]`,
          `<|tool_call_start|>[add_note(text="x")]<|tool_call_end|>`,
          "<start_function_call>call:add_note{text:x}<end_function_call>",
          `functools[{"name": "add_note", "arguments": ${args}}]`,
          `[add_note(text="x")]`,
          `add_note(text="x")`,
          `<add_note>\n<text>x</text>\n</add_note>`,
          `Thought: I note it\nAction: add_note\nAction Input: ${args}`,
          `Action: \`\`\`json\n[{"tool_name": "add_note", "parameters": ${args}}]\`\`\``,
          `\`\`\`json\n{"name": "add_note", "arguments": ${args}}\n\`\`\``,
          `{"tool": "add_note", "args": ${args}}`,
          `{"tool_calls":[{"type":"function","function":{"name":"add_note","arguments":"{}"}}]}`,
          `<TOOLCALL>[{"name": "add_note", "arguments": ${args}}]</TOOLCALL>`,
          `<|START_ACTION|>[{"tool_name": "add_note", "parameters": {}}]<|END_ACTION|>`,
          `<|action_start|><|plugin|>{"name": "add_note", "parameters": ${args}}<|action_end|>`,
          `<longcat_tool_call>add_note<longcat_arg_key>`,
          `✿FUNCTION✿: add_note\n✿ARGS✿: ${args}`,
          `commentary to=functions.add_note json${args}`,
          `analysisHm.assistantcommentary to=functions.add_note json${args}`,
          "```tool_code\nprint(default_api.add_note(text='x'))\n```",
        ]
      ) {
        fake.script = [{ text }];
        for (const last of [false, true]) {
          const { fault, calls, text: said } = await step({ last });
          assertEquals([fault?.again, calls, said], [true, [], ""], text);
          assertMatch(fault!.reason, /call of "add_note" as a text.*--tool-call-parser/);
        }
      }
      fake.script = [{ text: '<tool_call>{"name": "another"}' }];
      assertMatch((await step()).fault!.reason, /the model wrote a tool call as a text/);
      fake.script = [{ text: `I note it. <tool_call>{"name":"add_note"}` }];
      assertMatch((await step()).fault!.reason, /the model wrote a tool call as a text/);
      for (
        const text of [
          "The parser fails on `<tool_call>` in add_note.",
          '{"name": "Ann", "parameters": {}}',
          "The log says:\n<tool_call> is unknown.",
          "Action: add_note was called twice.",
          "I used add_note(text) to note it.",
          '```json\n{"name": "add_note"}\n```',
        ]
      ) {
        fake.script = [{ text }];
        assertEquals((await step()).text, text);
      }
    });
  });
});
