import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { claimTrials } from "../../lib/task/trial/claim.ts";
import { startTrials } from "../../lib/task/trial/start.ts";
import { readTrial } from "../../lib/task/trial/trial.ts";
import { createWorker } from "../../lib/work/work.ts";
import {
  type Any,
  call,
  eventsOf,
  finish,
  JSON_TYPE,
  openStage,
  openWorkers,
} from "../agent/stage.ts";
import { describeWith, until } from "../servers/mod.ts";

describe("a trial whose worker stands still", () => {
  it("is taken over, goes on where it was, and hears nothing from the first any more", async () => {
    await using stage = await openStage();
    const { services } = stage.otto;
    const { database } = services;
    stage.fake.script = [finish("Done.")];
    const message = await stage.otto.send("demo", '{"title":"x"}', JSON_TYPE);
    await stage.otto.workOff();
    stage.fake.asked.length = 0;
    const { id } = await stage.post(`/api/messages/${message}/try`, {}, 201);
    const { signal } = new AbortController();

    const late = Promise.withResolvers<void>();
    stage.fake.script = [call("get_payload", {}), async () => {
      await late.promise;
      return {
        calls: [{ tool: "finish", args: { status: "completed", summary: "From the dead" } }],
      };
    }, finish("From the heir")];
    const frozen = createWorker(services);
    await frozen.runTrials(signal);
    await until(() => stage.fake.asked.length === 2, { what: "the second step to begin" });
    await database.query(
      "let its lease run out",
      (sql) => sql`update trials set lease_until = now() - interval '1 second' where id = ${id}`,
    );
    const heir = createWorker(services);
    await heir.runTrials(signal);
    await heir.idle();
    late.resolve();
    await frozen.idle();

    const done: Any = await readTrial(database, id);
    assertEquals([done.status, done.result.text], ["completed", "From the heir"]);
    assertEquals(stage.fake.asked.length, 3, "the first step was not asked for again");
    assertEquals(eventsOf(done, "step").length, 2);
    const [{ reserved }] = await database.query(
      "look for reservations",
      (sql) =>
        sql<{ reserved: number }[]>`select count(*)::int as reserved from budget_reservations`,
    );
    assertEquals(reserved, 0);
  });

  it("is given back when its worker stops, and nothing of it is lost", async () => {
    await using stage = await openStage();
    const { services } = stage.otto;
    stage.fake.script = [finish("Done.")];
    const message = await stage.otto.send("demo", '{"title":"x"}', JSON_TYPE);
    await stage.otto.workOff();
    const { id } = await stage.post(`/api/messages/${message}/try`, {}, 201);
    stage.fake.asked.length = 0;
    stage.fake.script = [call("get_payload", {}), "hang"];
    const stopped = createWorker(services);
    const { signal } = new AbortController();
    await stopped.runTrials(signal);
    await until(() => stage.fake.asked.length === 2, { what: "the second step to begin" });
    await stopped.stop();
    await stopped.idle();
    assertEquals((await readTrial(services.database, id))?.status, "pending");

    stage.fake.script = [finish("Gone on with.")];
    const next = createWorker(services);
    assertEquals(await next.runTrials(signal), 1, "at once");
    await next.idle();
    const done: Any = await readTrial(services.database, id);
    assertEquals([done.result.text, eventsOf(done, "step").length], ["Gone on with.", 2]);
  });

  it("fails with words when each worker that takes it is lost", async () => {
    await using stage = await openStage();
    const { database } = stage.otto.services;
    const message = await stage.otto.send("demo", '{"title":"x"}', JSON_TYPE);
    await stage.otto.workOff();
    const order = {
      instruction: null,
      tools: null,
      model: "openai/gpt-5-mini",
      requestedBy: "ada",
    };
    const begun = await startTrials(database, [{ id: message, source: "generic" }], { order });
    const id = begun.get(message)!;
    let lost = 0;
    while ((await claimTrials(database, { worker: `lost-${lost}`, max: 1 })).length > 0) {
      lost++;
      await database.query(
        "let its lease run out",
        (sql) => sql`update trials set lease_until = now() - interval '1 second'`,
      );
    }
    await createWorker(stage.otto.services).tidy();
    const { status, error } = (await readTrial(database, id))!;
    assertEquals([lost, status, error?.code], [3, "failed", "worker_lost"]);
  });
});

describeWith({ postgres: true }, "workers that try messages", (servers) => {
  it("have three of one message, when eight are asked for at once", async () => {
    await using stage = await openStage({}, {
      DATABASE_URL: await servers.postgres.createDatabase(),
    });
    stage.fake.script = [finish("Done.")];
    const message = await stage.otto.send("demo", '{"title":"x"}', JSON_TYPE);
    await stage.otto.workOff();
    const answers = await Promise.all(
      Array.from({ length: 8 }, () =>
        stage.otto.ask(`/api/messages/${message}/try`, {
          method: "POST",
          headers: JSON_TYPE,
          body: "{}",
        })),
    );
    const statuses = answers.map(({ status }) => status).sort();
    await Promise.all(answers.map((answer) => answer.body?.cancel()));
    assertEquals(statuses, [201, 201, 201, 409, 409, 409, 409, 409]);
  });

  it("take over from one that was killed, and all is billed once", async () => {
    await using workers = await openWorkers({
      DATABASE_URL: await servers.postgres.createDatabase(),
    });
    const { otto, fake, start } = workers;
    fake.script = [finish("Really.")];
    const message = await otto.send("demo", '{"title":"Hello"}', JSON_TYPE);
    await otto.workOff();
    fake.asked.length = 0;
    fake.script = [call("get_payload", {}), "hang"];
    const { id } = await otto.post(
      `/api/messages/${message}/try`,
      { instruction: "Be brief." },
      201,
    );
    const doomed = start();
    await until(() => fake.asked.length === 2, {
      what: "the second step to begin",
      timeoutMs: 30_000,
    });
    await doomed.kill("SIGKILL");
    fake.script = [finish("Tried.")];
    const heir = start();
    const done = await until(async () => {
      const found = await otto.get(`/api/trials/${id}`);
      return found.status === "completed" && found;
    }, { what: "another worker to finish the trial", timeoutMs: 40_000 });
    assertEquals(done.result.text, "Tried.");
    assertEquals(fake.asked.length, 3, "no step was repeated that was saved");
    assertEquals(eventsOf(done, "tool_call").map(({ data }) => data.tool), [
      "get_payload",
      "finish",
    ]);
    const { task_id } = await otto.get(`/api/messages/${message}`);
    const task = await otto.get(`/api/tasks/${task_id}`);
    assertEquals([task.status, task.result.text], ["completed", "Really."]);
    const [{ tasks, lost, reserved }] = await otto.services.database.query(
      "read usage",
      (sql) =>
        sql<{ tasks: number; lost: number; reserved: number }[]>`
          select (select sum(tasks)::int from agent_usage) as tasks,
            (select lost_tokens::int from trials) as lost,
            (select count(*)::int from budget_reservations) as reserved`,
    );
    assertEquals([tasks, reserved], [2, 0]);
    assert(lost > 0, "the call that was lost counts in full");
    assertEquals((await heir.kill()).code, 0);
  });
});
