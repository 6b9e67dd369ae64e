import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { afterAll, beforeAll, beforeEach, describe, it } from "@std/testing/bdd";
import type { Agent, Assignment, Outcome } from "../../lib/agent/agent.ts";
import { decideApproval, expireApprovals, listApprovals } from "../../lib/task/approval.ts";
import { newId } from "../../lib/store/id.ts";
import { answerTask } from "../../lib/task/task.ts";
import { claimTasks } from "../../lib/task/claim.ts";
import { JSON_TYPE, openOtto, type Otto } from "../otto.ts";

/** An agent that does what the test says, turn by turn. */
class ScriptedAgent implements Agent {
  readonly name = "scripted";
  turns: ((assignment: Assignment) => Outcome | Promise<Outcome>)[] = [];
  run(assignment: Assignment): Promise<Outcome> {
    return Promise.resolve(this.turns.shift()!(assignment));
  }
}

const completed: Outcome = { status: "completed", text: "Done", data: null };
const ask = (question: string): Outcome => ({ status: "waiting_input", question });

describe("a task that waits for a person", () => {
  let otto: Otto;
  const agent = new ScriptedAgent();
  beforeAll(async () => {
    otto = await openOtto({}, { agent });
  });
  afterAll(() => otto[Symbol.asyncDispose]());
  beforeEach(() => {
    agent.turns = [];
  });

  const read = (id: string) => otto.get(`/api/tasks/${id}`);

  /** A task that its agent has left with these turns' first outcome. */
  async function worked(...turns: ScriptedAgent["turns"]) {
    agent.turns.push(...turns);
    const id = await otto.send("demo", '{"title":"Hello"}', JSON_TYPE);
    await otto.workOff();
    return await read((await otto.get(`/api/messages/${id}`)).task_id);
  }

  /** An approval that the agent of a task has asked for. */
  async function requested(taskId: string, hours = 24): Promise<string> {
    const id = newId();
    await otto.services.database.query("request an approval", (sql) =>
      sql`
        insert into approvals
          (id, task_id, key, tool, arguments, sha256, rule, policy_version, expires_at)
        values (${id}, ${taskId}, ${id}, 'set_title', '{"title":"New"}', 'x', 'latch', '1',
          now() + make_interval(hours => ${hours}))`);
    return id;
  }

  it("is parked with its question, tells people, and goes on with the answer", async () => {
    const task = await worked(() => ask("Which one?"), () => completed);
    assertEquals([task.status, task.question], ["waiting_input", "Which one?"]);
    const [told] = task.notifications;
    assertEquals([told.channel, told.kind, told.state], ["web", "waiting_input", "sent"]);
    assertStringIncludes(told.text, "Which one?");
    const idle = { worker: "other", max: 1, emptyHanded: true };
    assertEquals(await claimTasks(otto.services.database, idle), []);

    const answered = await otto.post(`/api/tasks/${task.id}/answer`, { text: "The first" });
    assertEquals([answered.status, answered.question], ["pending", null]);
    await otto.workOff();
    const done = await read(task.id);
    assertEquals(done.status, "completed");
    assertEquals(done.events.map((event: { kind: string }) => event.kind), [
      "created",
      "started",
      "waiting_input",
      "answered",
      "started",
      "completed",
    ]);
    const [event] = done.events.filter((each: { kind: string }) => each.kind === "answered");
    assertEquals([event.actor, event.data], ["admin", { text: "The first" }]);
  });

  it("takes an answer once, and only while it waits", async () => {
    const task = await worked(() => ask("Which one?"));
    await otto.post(`/api/tasks/${task.id}/answer`, { text: " " }, 400);
    await otto.post(`/api/tasks/${newId()}/answer`, { text: "x" }, 404);
    const { database } = otto.services;
    assert(await answerTask(database, { id: task.id, text: "a\0b", actor: "ann" }));
    assert(!await answerTask(database, { id: task.id, text: "again", actor: "bob" }));
    const { error } = await otto.post(`/api/tasks/${task.id}/answer`, { text: "again" }, 409);
    assertEquals(error.code, "wrong_status");
    agent.turns.push(() => completed);
    await otto.workOff();
  });

  it("takes a repeated answer for the question that it was for, and for no other", async () => {
    const task = await worked(() => ask("Which one?"), () => ask("Really delete it?"));
    const body = { text: "yes", question_id: task.question_id };
    const answered = await otto.post(`/api/tasks/${task.id}/answer`, body);
    assertEquals(answered.question_id, null);
    await otto.workOff();
    const { error } = await otto.post(`/api/tasks/${task.id}/answer`, body, 409);
    assertEquals(error.code, "wrong_status");
    const form = (question_id: unknown) =>
      otto.ask(`/tasks/${task.id}/answer`, {
        method: "POST",
        body: new URLSearchParams({ text: "yes", question_id: `${question_id}` }),
      });
    assertEquals((await form(task.question_id)).status, 409);
    assertEquals((await form("")).status, 409);
    assertEquals((await form("x")).status, 400);
    const asks = await read(task.id);
    assertEquals([asks.status, asks.question], ["waiting_input", "Really delete it?"]);

    const page = await (await otto.ask(`/tasks/${task.id}`)).text();
    assertStringIncludes(page, `name="question_id" value="${asks.question_id}"`);
    agent.turns.push(() => completed);
    assertEquals((await form(asks.question_id)).status, 303);
    await otto.workOff();
    assertEquals((await read(task.id)).status, "completed");
  });

  it("goes on when an approval is decided on, once", async () => {
    for (const [action, state] of [["approve", "approved"], ["deny", "denied"]]) {
      const task = await worked(() => ask("May I?"), () => completed);
      const approval_id = await requested(task.id);
      assertEquals((await read(task.id)).approvals[0].arguments, { title: "New" });
      const { error } = await otto.post(`/api/tasks/${task.id}/answer`, { text: "yes" }, 409);
      assertEquals(error.code, "needs_decision");
      assertEquals(
        (await otto.post(`/api/tasks/${task.id}/${action}`, { approval_id })).status,
        "pending",
      );
      await otto.post(`/api/tasks/${task.id}/approve`, { approval_id }, 409);
      await otto.workOff();
      const done = await read(task.id);
      assertEquals(done.status, "completed");
      const [approval] = done.approvals;
      assertEquals([approval.state, approval.decided_by], [state, "admin"]);
      assert(done.events.some((event: { kind: string }) => event.kind === state));
    }
  });

  it("has no say in the approvals of another task", async () => {
    const [one, other] = [await worked(() => ask("1")), await worked(() => ask("2"))];
    const approval_id = await requested(other.id);
    assertEquals(
      (await otto.post(`/api/tasks/${one.id}/approve`, { approval_id }, 404)).error.code,
      "approval_not_found",
    );
    assertEquals((await listApprovals(otto.services.database, other.id))[0].state, "pending");
    await otto.post(`/api/tasks/${one.id}/approve`, { approval_id: "x" }, 400);
  });

  it("goes on without an approval that nobody decided on in time", async () => {
    const task = await worked(() => ask("May I?"), () => completed);
    const id = await requested(task.id, -1);
    const { database } = otto.services;
    assertEquals((await read(task.id)).approvals[0].state, "expired");
    assertEquals(
      await decideApproval(database, { id, decision: "approve", actor: "ann" }),
      undefined,
    );
    assertEquals(await expireApprovals(database), 1);
    assertEquals(await expireApprovals(database), 0);
    await otto.workOff();
    assertEquals((await read(task.id)).status, "completed");
  });

  it("loses its approvals when it is cancelled", async () => {
    const task = await worked(() => ask("May I?"));
    const approval_id = await requested(task.id);
    await otto.post(`/api/tasks/${task.id}/cancel`, {});
    assertEquals((await read(task.id)).approvals[0].state, "withdrawn");
    await otto.post(`/api/tasks/${task.id}/approve`, { approval_id }, 409);
  });
});

describe("a task that is put off", () => {
  it("is not claimed before its time, tells nobody and counts no attempt", async () => {
    const agent = new ScriptedAgent();
    const otto = await openOtto({}, { agent });
    try {
      const { database } = otto.services;
      agent.turns.push(() => ({ status: "later", afterSeconds: 900, reason: "no provider" }));
      await otto.send("demo", "{}", JSON_TYPE);
      await otto.workOff();
      const { items: [listed] } = await otto.get("/api/tasks");
      const task = await otto.get(`/api/tasks/${listed.id}`);
      assertEquals([task.status, task.notifications], ["pending", []]);
      const event = task.events.at(-1);
      assertEquals([event.kind, event.data], [
        "put_off",
        { reason: "no provider", after_seconds: 900 },
      ]);
      const [row] = await database.query(
        "look",
        (sql) =>
          sql`select attempts, not_before > now() + interval '890 seconds' as waits from tasks`,
      );
      assertEquals([row.attempts, row.waits], [0, true]);

      await database.query("let time pass", (sql) => sql`update tasks set not_before = now()`);
      agent.turns.push(() => completed);
      await otto.workOff();
      assertMatch((await otto.get(`/api/tasks/${task.id}`)).status, /completed/);
    } finally {
      await otto[Symbol.asyncDispose]();
    }
  });
});

describe("the timeline", () => {
  it("cannot be changed afterwards", async () => {
    const otto = await openOtto();
    try {
      await otto.send("demo", "{}", JSON_TYPE);
      await otto.workOff();
      const said = await otto.services.database.query(
        "rewrite history",
        (sql) => sql`update task_events set kind = 'nothing'`,
      ).then(() => "changed", (error) => error.message);
      assertMatch(said, /never changed/);
    } finally {
      await otto[Symbol.asyncDispose]();
    }
  });
});
