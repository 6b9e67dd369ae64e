import { assert, assertEquals, assertMatch } from "@std/assert";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import { finish, issue, openStage, type Stage } from "../agent/stage.ts";
import { checkHealth } from "../../lib/monitor/health.ts";
import { json } from "../otto.ts";

describe("a task that is put off", () => {
  let stage: Stage;
  const ask = (path: string) => stage.otto.ask(path);
  // What is answered to many at once is kept for a moment.
  const health = async () => await checkHealth(stage.otto.services);

  beforeAll(async () => {
    stage = await openStage({ sources: { github: { budgets: { tasks_per_hour: 1 } } } });
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  it("says why and until when: on its page, on System, in its API and in the health", async () => {
    const { fake } = stage;
    fake.script = [{ status: 503, message: "busy <b>", headers: { "retry-after": "600" } }];
    assertEquals((await health()).status, "healthy");
    const id = await stage.signed(issue);
    const { status, phase, put_off } = await stage.task(id);
    assertEquals([status, phase], ["pending", "waiting"]);
    assertMatch(put_off.reason, /503: busy <b>/);
    const minutes = (Date.parse(put_off.until) - Date.now()) / 60_000;
    assert(minutes > 5 && minutes < 15, put_off.until);

    const page = await (await ask(`/tasks/${id}`)).text();
    assertMatch(page, /Put off until <time/);
    assertMatch(page, /503: busy &lt;b&gt;/);
    assertMatch(page, new RegExp(`action="/tasks/${id}/wake"`));
    for (const path of ["/", "/messages"]) {
      assertMatch(await (await ask(path)).text(), /503: busy &lt;b&gt;/, path);
    }
    assertMatch(await (await ask("/system")).text(), /1 task is put off: [^<]*503: busy/);

    const { status: worst, checks } = await health();
    const check = checks.find(({ name }) => name === "tasks");
    assertEquals([worst, check?.status], ["degraded", "degraded"]);
    // Anyone may ask: the provider's words are not for them.
    assert(!JSON.stringify(checks).includes("busy"), JSON.stringify(checks));
  });

  it("goes on at once when a person says so, and only then", async () => {
    const { fake, otto } = stage;
    const [{ id }] = (await json(await ask("/api/tasks?phase=waiting"))).items;
    fake.script = [finish("It is back")];
    await otto.workOff();
    assertEquals((await stage.task(id)).status, "pending");
    assertEquals((await stage.post(`/api/tasks/${id}/wake`, {})).put_off, null);
    await otto.workOff();
    const { status, put_off, events } = await stage.task(id);
    assertEquals([status, put_off], ["completed", null]);
    assert(events.some(({ kind }: { kind: string }) => kind === "woken"));
    assertEquals((await health()).status, "healthy");
    const { error } = await stage.post(`/api/tasks/${id}/wake`, {}, 409);
    assertMatch(error.hint, /waits for an event or was put off/);
  });

  it("is no other one than before where what was short still is", async () => {
    const { otto } = stage;
    const id = await stage.signed(issue);
    const { put_off: first } = await stage.task(id);
    assertMatch(first.reason, /1 tasks an hour for github is used up/);
    await stage.post(`/api/tasks/${id}/wake`, {});
    await otto.workOff();
    const { status, put_off: second } = await stage.task(id);
    assertEquals([status, second.reason], ["pending", first.reason]);
    assertEquals((await health()).status, "degraded");
  });
});
