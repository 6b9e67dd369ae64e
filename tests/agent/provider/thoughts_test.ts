import { assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import type { Turn } from "../../../lib/agent/model.ts";
import { hello, onAnthropic, onChat, onGemini } from "./provider_stage.ts";

describe("a model's thoughts", () => {
  it("are no part of what it says, wherever a server puts them", async () => {
    const said = "It is a bug.";
    await onChat("lmstudio", async ({ fake, step }) => {
      for (
        const text of [
          `<think>\nSECRET plan\n</think>\n\n${said}`,
          `SECRET plan\n</think>\n${said}`,
          `<THINKING >SECRET</THINKING>${said}`,
          `<think>SECRET <think> again</think>${said}`,
          `<thought>SECRET</thought>\n${said}<think>SECRET, cut off`,
          `[THINK]SECRET[/THINK]${said}`,
          `◁think▷SECRET◁/think▷${said}`,
          `<|START_THINKING|>SECRET<|END_THINKING|>${said}`,
          `<|channel>thought\nSECRET<channel|>${said}`,
          `<antThinking>SECRET</antThinking>${said}`,
          `<mm:think>SECRET</mm:think>${said}`,
          `<longcat_think>SECRET</longcat_think>${said}`,
          `<scratchpad>SECRET</scratchpad>${said}`,
          `<|think|>SECRET<|/think|>${said}`,
          `[THOUGHT]SECRET[/THOUGHT]${said}`,
          `<unused94>thought\nSECRET<unused95>${said}`,
          `<|begin_of_thought|>SECRET<|end_of_thought|>\n<|begin_of_solution|>${said}<|end_of_solution|>`,
          `<|START_THINKING|>SECRET<|END_THINKING|><|START_RESPONSE|>${said}<|END_RESPONSE|>`,
          `Here is my thought process:\nSECRET\n\nHere is my response:\n${said}`,
          `analysisSECRET, so I say it.assistantfinal${said}`,
          `${said}<|im_end|>\n<|im_end|>\n`,
          `SECRET\n[BEGIN FINAL RESPONSE]\n${said}\n[END FINAL RESPONSE]\n<|end|>`,
          `<think>\nSECRET\n</think>\n<answer>\n${said}\n</answer>`,
          `<think>SECRET</think><response>${said}</response>`,
          `<Thought>SECRET</Thought>\n<Output>\n${said}\n</Output>`,
          `<think duration="3">SECRET</think>${said}`,
          `<inner_thoughts>SECRET</inner_thoughts><reflection>SECRET</reflection>${said}`,
          `<chain_of_thought>SECRET</chain_of_thought>${said}`,
          `<thinking_process>SECRET</thinking_process>${said}`,
          `[reasoning]SECRET[/reasoning]${said}`,
          `<|thinking|>SECRET<|/thinking|>${said}`,
          `<｜begin▁of▁thinking｜>SECRET<｜end▁of▁thinking｜>${said}`,
          `<|begin_of_box|>${said}<|end_of_box|>`,
          `<|channel|>analysis<|message|>SECRET<|end|><|start|>assistant<|channel|>final<|message|>${said}<|return|>`,
        ]
      ) {
        fake.script = [{ text }];
        assertEquals((await step()).text, said, text);
      }
      fake.script = [{ text: said, thinks: "SECRET" }];
      assertEquals((await step()).text, said);
      for (
        const text of [
          "It prints `<think>` and `</think>`.",
          "analysis of the crash: it is a bug",
          "Here is my response: it is a bug",
          "It ends with <|im_end|> and goes on.",
          "<answer> is unknown, and so is </answer>.",
          "<answer>1</answer> and <answer>2</answer>",
          "They wrote <thinking out loud> and went on.",
        ]
      ) {
        fake.script = [{ text }];
        assertEquals((await step()).text, text);
      }
      fake.script = [{
        calls: [{ tool: "add_note", args: { text: `<think>SECRET</think>${said}` } }],
      }];
      assertEquals((await step()).calls[0].arguments, { text: said });
      const args = `<think>SECRET</think>{"text":"${said}"}`;
      fake.script = [{ broken: { tool: "add_note", args } }];
      assertEquals((await step()).calls[0].arguments, { text: said });
    });
    for (const on of [onGemini, onAnthropic]) {
      await on(async ({ fake, step }) => {
        fake.script = [{ text: said, thinks: "SECRET" }];
        assertEquals((await step()).text, said);
      });
    }
  });

  it("are no answer by themselves", async () => {
    await onChat("ollama", async ({ fake, step }) => {
      for (
        const say of [
          { text: "<think>and then, and then" },
          { text: '<think duration="3">and then' },
          { text: "assistant<|channel|>analysis<|message|>and then" },
          { thinks: "All of it" },
        ]
      ) {
        fake.script = [say];
        const { fault } = await step();
        assertEquals(fault?.again, true);
        assertMatch(fault!.reason, /only thought, and ended without a word.*--reasoning-parser/);
      }
    });
  });

  it("go back to those who want them, and not to those who refuse them", async () => {
    for (const dialect of ["openai", "groq"] as const) {
      await onChat(dialect, async ({ fake, step }) => {
        fake.script = [{ thinks: "Hm.", calls: [{ tool: "add_note", args: { text: "x" } }] }, {
          text: "Noted",
        }];
        const { turns, calls: [{ id }] } = await step();
        const results: Turn = {
          role: "tool",
          content: [{
            type: "tool-result",
            toolCallId: id,
            toolName: "add_note",
            output: { type: "text", value: "noted" },
          }],
        };
        assertEquals((await step({ turns: [...hello, ...turns, results] })).text, "Noted");
        const [, , assistant] = fake.asked.at(-1)!.body.messages;
        assertEquals(assistant.reasoning_content, dialect === "openai" ? "Hm." : undefined);
      });
    }
  });
});
