import { assert, assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import fc from "fast-check";
import type { Turn } from "../../../lib/agent/model.ts";
import { sentName } from "../../../lib/agent/provider/sent_name.ts";
import { hello, note, onAnthropic, onChat, onGemini, resultsFor } from "./provider_stage.ts";

const PROVIDERS = [
  ["OpenAI", (test: Parameters<typeof onGemini>[0]) => onChat("openai", test)],
  ["Anthropic", onAnthropic],
  ["Gemini", onGemini],
] as const;
/** As servers have them: the specification's own example, and names that are one when they are made plain. */
const NAMES = [
  "desk__admin.tools.list",
  "desk__admin_tools_list",
  "desk__admin/tools/list",
  "9desk__search",
  `desk__${"long-".repeat(20)}a`,
  `desk__${"long-".repeat(20)}b`,
  "desk__查询天气",
  "desk__Search Issues",
];

describe("a tool's name", () => {
  it("is one that every provider takes, and no two are the same", () => {
    assertEquals(sentName("desk__search"), "desk__search");
    const made = sentName("desk__admin.tools.list");
    assertMatch(made, /^desk__admin_tools_list_[0-9a-f]{8}$/);
    // A server that calls a tool so gets another name for it.
    assert(sentName(made) !== made);
    fc.assert(fc.property(
      fc.uniqueArray(fc.string({ minLength: 1, maxLength: 150, unit: "grapheme" })),
      (names) => {
        const sent = names.map((each) => sentName(each));
        assertEquals(new Set(sent).size, names.length);
        for (const each of sent) assertMatch(each, /^[a-zA-Z_][a-zA-Z0-9_-]{0,63}$/);
      },
    ));
  });

  for (const [provider, on] of PROVIDERS) {
    it(`that ${provider} does not take is known where a model has it from the operator's words`, async () => {
      await on(async ({ fake, step }) => {
        const tools = NAMES.map((name) => ({ ...note, name }));
        fake.script = [{ calls: NAMES.map((tool) => ({ tool, args: { text: "1" } })) }];
        const { calls } = await step({ tools });
        assertEquals(calls.map(({ tool }) => tool), NAMES);
      });
    });

    it(`that ${provider} does not take is its server's own again when the tool is called`, async () => {
      await on(async ({ fake, step }) => {
        const tools = NAMES.map((name) => ({ ...note, name }));
        fake.script = [{
          calls: NAMES.map((name, at) => ({ tool: sentName(name), args: { text: `${at}` } })),
        }];
        const said = await step({ tools });
        assertEquals(said.off, []);
        assertEquals(
          said.calls.map(({ tool, arguments: args, invalid }) => ({ tool, args, invalid })),
          NAMES.map((tool, at) => ({ tool, args: { text: `${at}` }, invalid: undefined })),
        );
        // It is kept so, and sent as before; also when the tools are gone by now.
        const turns: Turn[] = [...hello, ...resultsFor(said)];
        assertEquals(toolsIn(turns), [...NAMES, ...NAMES]);
        fake.script = [{ text: "All called" }];
        assertEquals((await step({ turns, tools })).text, "All called");
        assertEquals((await step({ turns })).text, "All called");
        assertEquals(fake.refused, []);
        for (const name of NAMES) assert(fake.asked[2].text.includes(`"${sentName(name)}"`));
      });
    });
  }
});

function toolsIn(turns: readonly Turn[]): string[] {
  const parts = turns.flatMap(({ content }): readonly object[] =>
    typeof content === "string" ? [] : content
  );
  return parts.flatMap((part) => "toolName" in part ? [String(part.toolName)] : []);
}
