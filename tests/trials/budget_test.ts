import { assert, assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { drain } from "../../lib/work/drain.ts";
import { createWorker } from "../../lib/work/work.ts";
import { type Any, eventsOf, finish, issue, openStage, spent, type Stage } from "../agent/stage.ts";
import { until } from "../servers/mod.ts";

describe("a trial", () => {
  const open = async (budgets: Record<string, number>) => {
    const stage = await openStage({ default: { budgets } });
    stage.fake.script = [finish("Done.")];
    const { message_id } = await stage.task(await stage.signed(issue));
    stage.fake.asked.length = 0;
    const begin = () => stage.post(`/api/messages/${message_id}/try`, {}, 201);
    return { stage, begin };
  };
  const work = ({ otto }: Stage) => drain(otto.services, { maxMs: 20_000 });
  const trial = async ({ otto }: Stage, id: string): Promise<Any> =>
    await otto.get(`/api/trials/${id}`);

  it("counts in its source's budgets, and fails with words when there is none for it", async () => {
    const { stage, begin } = await open({ tasks_per_hour: 2, tokens_per_day: 1_000_000 });
    await using _ = stage;
    const before = await spent(stage);
    const { id } = await begin();
    await work(stage);
    const [step] = eventsOf(await trial(stage, id), "step");
    assertEquals(await spent(stage), {
      tasks: before.tasks + 1,
      tokens: before.tokens + step.data.input_tokens + step.data.output_tokens,
      reserved: 0,
    });
    const second = await begin();
    await work(stage);
    const { status, error, waits_for } = await trial(stage, second.id);
    assertEquals(stage.fake.asked.length, 1, "nothing was asked that no budget has");
    const words = error?.message ?? waits_for;
    assertMatch(words, /budget of 2 tasks an hour for github is used up/);
    // Within the hour's last minutes it waits for the next one: it has half an hour.
    assert(status === "failed" ? error.code === "too_late" : status === "pending");
  });

  it("counts in the budget of what its message is about, as its tasks do", async () => {
    const { stage, begin } = await open({ subject_tokens_per_day: 12_000 });
    await using _ = stage;
    // It bills the most that it may.
    stage.fake.script = [({ body }) => ({
      ...finish("Done.") as { text: string },
      usage: { prompt_tokens: 4_000, completion_tokens: body.max_completion_tokens },
    })];
    const { id } = await begin();
    await work(stage);
    assertEquals((await trial(stage, id)).status, "completed");
    const { error } = await trial(
      stage,
      await begin().then(async (begun) => {
        await work(stage);
        return begun.id;
      }),
    );
    assertMatch(error.message, /12000 tokens a day for one subject of github is used up/);
    assertEquals(stage.fake.asked.length, 1);
    const page = await (await stage.otto.ask("/system")).text();
    assertMatch(page.replaceAll(/<[^>]+>|\s+/g, " "), /It crashes.* 8,110 +3,890 /);
  });

  it("that is cancelled in the middle of a call says what that may have billed", async () => {
    const { stage, begin } = await open({});
    await using _ = stage;
    const before = await spent(stage);
    const { id } = await begin();
    stage.fake.script = ["hang"];
    const worker = createWorker(stage.otto.services);
    await worker.runTrials(new AbortController().signal);
    await until(() => stage.fake.asked.length === 1, { what: "the model to be asked" });
    await stage.post(`/api/trials/${id}/cancel`, {});
    await worker.beat();
    await worker.idle();
    const [{ data }] = eventsOf(await trial(stage, id), "call_lost");
    assert(data.tokens > 4_000);
    assertEquals(await spent(stage), {
      tasks: before.tasks + 1,
      tokens: before.tokens + data.tokens,
      reserved: 0,
    });
    const page = await (await stage.otto.ask(`/trials/${id}`)).text();
    assert(page.includes(`>${data.tokens.toLocaleString("en")}</td>`));
  });
});
