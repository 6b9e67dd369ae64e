import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { loadRun, type RunState, saveRun } from "../../lib/agent/run/run.ts";
import { claimMessages, endMessageLeases } from "../../lib/message/claim.ts";
import { failCrashedMessages } from "../../lib/message/complete.ts";
import { storeMessages } from "../../lib/message/insert.ts";
import type { Services } from "../../lib/services.ts";
import { claimTasks } from "../../lib/task/claim.ts";
import { createWorker } from "../../lib/work/work.ts";
import { testFolder } from "../folder.ts";
import { openPlace } from "../place.ts";
import { ask, messageOf, takeOnce } from "../queue/contract.ts";

const openEmbedded = (folder: string) => openPlace({ OTTO_DATA_DIR: folder }, { processes: 1 });

async function makeTask(services: Services): Promise<void> {
  await storeMessages(services.database, [messageOf()]);
  await takeOnce(createWorker(services));
}

const STATE: RunState = {
  boundary: "b",
  turns: [],
  step: 1,
  pending: [],
  results: [],
  used: { inputTokens: 0, outputTokens: 0, toolCalls: 0, ms: 0 },
  private: false,
  external: false,
  failures: 0,
};

describe("a task whose worker was lost", () => {
  it("is not blamed for losses before a step that it has saved since", async () => {
    await using place = await openEmbedded(":memory:");
    const [{ database }] = place.processes;
    await makeTask(place.processes[0]);
    const lose = () =>
      ask(
        { database },
        (sql) => sql`update tasks set lease_until = now() - interval '1 second'`,
      );
    for (let loss = 1; loss <= 6; loss++) {
      const [task] = await claimTasks(database, { worker: `dead ${loss}`, max: 1 });
      const lease = { taskId: task.id, epoch: task.epoch };
      await loadRun(database, lease, { instruction: "" });
      await saveRun(database, lease, { state: STATE, events: [], actor: "model" });
      await lose();
    }
    const [next] = await claimTasks(database, { worker: "alive", max: 1 });
    assertEquals(next.alone, false);
  });

  it("goes on at once in the embedded size, where nobody else can have it", async () => {
    await using folder = await testFolder();
    {
      await using place = await openEmbedded(folder.path);
      const [services] = place.processes;
      await makeTask(services);
      await storeMessages(services.database, [messageOf()]);
      assertEquals((await claimTasks(services.database, { worker: "dead", max: 1 })).length, 1);
      const taken = await claimMessages(services.database, { worker: "dead", max: 1 });
      assertEquals(taken.length, 1);
    }
    await using place = await openEmbedded(folder.path);
    const [{ database }] = place.processes;
    assertEquals((await claimTasks(database, { worker: "alive", max: 1 })).length, 1);
    assertEquals((await claimMessages(database, { worker: "alive", max: 1 })).length, 1);
  });
});

describe("a message in the embedded size whose process was killed", () => {
  it("is tried alone twice, and then fails: it is never left over", async () => {
    await using place = await openEmbedded(":memory:");
    const [{ database }] = place.processes;
    await storeMessages(database, [messageOf()]);
    for (const worker of ["one", "two", "three", "four"]) {
      assertEquals(await failCrashedMessages(database), 0);
      assertEquals((await claimMessages(database, { worker, max: 1 })).length, 1);
      await endMessageLeases(database);
    }
    assertEquals(await claimMessages(database, { worker: "five", max: 1 }), []);
    assertEquals(await failCrashedMessages(database), 1);
  });
});
