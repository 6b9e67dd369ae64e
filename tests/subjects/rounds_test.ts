import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { planStep } from "../../lib/agent/budget/plan.ts";
import { whyWordless } from "../../lib/agent/run/no_end.ts";
import { beginRound, lostInRound, overall } from "../../lib/agent/run/rounds.ts";
import type { RunState } from "../../lib/agent/run/run.ts";
import { completed, type RunContext } from "../../lib/agent/run/run_context.ts";
import { finish, settle, withModel } from "./model_stage.ts";
import { comment, opened } from "./stage.ts";

const stateOf = (more: Partial<RunState> = {}): RunState => ({
  boundary: "b",
  turns: [],
  step: 3,
  pending: [],
  results: [],
  used: { inputTokens: 200_000, outputTokens: 50_000, toolCalls: 1, ms: 5 },
  private: false,
  external: false,
  failures: 0,
  ...more,
});

const runOf = (inbox: boolean) =>
  ({
    model: { name: "m" },
    mode: "act",
    rules: {
      budgets: {
        steps: 4,
        seconds: 60,
        tokens: 60_000,
        outputTokens: 4_000,
        rounds: 6,
        taskTokens: 240_000,
        days: 7,
      },
    },
    assignment: { verified: true, inbox: inbox ? {} : undefined },
  }) as unknown as RunContext;

describe("the rounds of a task", () => {
  it("end at all their tokens only where there may be more than one", () => {
    assertEquals(overall(runOf(false), stateOf()), undefined);
    assertEquals(overall(runOf(true), stateOf()), "task_tokens");
  });

  it("never use more than all their tokens, however much a round has left", () => {
    const request = { instructions: "x".repeat(4_000), turns: [], tools: [] };
    const plan = (used: number) => {
      const state = stateOf({
        step: 0,
        used: { inputTokens: 0, outputTokens: 0, toolCalls: 0, ms: 0 },
      });
      state.spent = { inputTokens: used, outputTokens: 0 };
      return planStep(runOf(true), state, { request, lost: 0 });
    };
    for (let used = 200_000; used < 237_000; used += 1_000) {
      const { most, last, exhausted } = plan(used);
      const billed = used + most.input + most.output;
      assert(billed <= 240_000, `${billed} tokens`);
      assertEquals([last, exhausted], used <= 232_000 ? [false, undefined] : [true, "task_tokens"]);
    }
    assertThrows(() => plan(239_000), Error, "what the task has left of its 240000 tokens in all");
  });

  it("are counted together in what came of it", () => {
    const state = stateOf({ lost: 70 });
    beginRound(state);
    state.used.inputTokens = 1;
    const outcome = completed(runOf(true), state, "Done");
    const { input_tokens, output_tokens } = (outcome as { data: Record<string, unknown> }).data;
    assertEquals([input_tokens, output_tokens], [200_001, 50_000]);
    // Lost before this round: it is not to be paid in each.
    assertEquals(lostInRound(state), 0);
    assertEquals(lostInRound({ ...state, lost: 90 }), 20);
  });

  it("say why the last of them has no words", () => {
    const why = (exhausted: string) => whyWordless(runOf(true), stateOf({ exhausted }));
    assertMatch(why("closed"), /was closed/);
    assertMatch(why("task_tokens"), /240000 tokens/);
    assertMatch(why("days"), /open for more than 7 days/);
    assertMatch(why("seconds"), /60 seconds/);
    assertMatch(why("steps"), /4 steps/);
  });

  it("are told of news as Mistral takes it: no user speaks behind a tool", () =>
    withModel(() => Promise.resolve({}), async ({ stage, fake, told, tasks, task }) => {
      fake.script = [
        async () => {
          await stage.send("issue_comment", comment("One more thing"));
          await settle(stage);
          return finish("Done");
        },
        finish("Read"),
      ];
      await stage.tell("pull_request", opened());
      const [{ id }] = await tasks();
      assertEquals((await task(id)).result?.text, "Read");
      assertMatch(told(), /One more thing/);
    }, { dialect: "mistral" }));
});
