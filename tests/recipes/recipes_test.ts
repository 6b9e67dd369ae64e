import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { type Any, call, eventsOf, finish, kinds } from "../agent/stage.ts";
import { json } from "../otto.ts";
import { filesOf, type Kitchen, openKitchen, titles } from "./recipe.ts";

const TRIAGE = "Triage new issues";
const PIPELINE = "Explain a failed pipeline and wait for the fix";
const SMS = "Answer an SMS within opening hours, with a person's word";
const INCIDENT = "One summary per incident";
const PAYMENT = "A failed payment, and a draft for support";

const instruction = async (title: string): Promise<string> => {
  const { sources } = JSON.parse((await filesOf(title)).get("agent.json")!);
  return (Object.values(sources)[0] as Any).instruction;
};
/** What the model was told first: instructions and message. */
const shown = ({ fake }: Kitchen): string => JSON.stringify(fake.asked[0].body.messages);
const approve = async (kitchen: Kitchen, id: string): Promise<Any> => {
  const { approvals } = await kitchen.task(id);
  const [{ id: approvalId }] = approvals.filter((each: Any) => each.state === "pending");
  await kitchen.post(`/api/tasks/${id}/approve`, { approval_id: approvalId });
  return await kitchen.task(id);
};
const tasks = async ({ otto }: Kitchen): Promise<Any[]> =>
  (await json(await otto.ask("/api/tasks"))).items;

describe("the recipes' page", () => {
  it("has those five, and files in each", async () => {
    assertEquals(await titles(), [TRIAGE, PIPELINE, SMS, INCIDENT, PAYMENT]);
    for (const title of await titles()) {
      assert([...(await filesOf(title)).keys()].length >= 2, title);
    }
  });
});

describe("triage of new issues", () => {
  const issue = (action: string) =>
    JSON.stringify({
      action,
      issue: { number: 7, title: "help!!", body: "All my files are gone" },
      repository: { full_name: "o/r" },
      sender: { login: "octocat" },
    });

  it("gives an issue a title and a note, and to a person by your word", async () => {
    await using kitchen = await openKitchen(TRIAGE);
    await kitchen.person("ada@example.com");
    kitchen.fake.script = [
      {
        calls: [
          { tool: "set_title", args: { title: "BUG: all files are lost" } },
          { tool: "add_note", args: { text: "Which version?" } },
          { tool: "reassign_task", args: { email: "ada@example.com" } },
        ],
      },
      finish("A bug that loses data"),
    ];
    const { task_id } = await kitchen.send("github", issue("opened"), {
      "x-github-event": "issues",
    });
    assertStringIncludes(shown(kitchen), await instruction(TRIAGE));
    const waiting = await kitchen.task(task_id);
    assertEquals(
      [waiting.status, waiting.title, waiting.assigned_to.email],
      ["waiting_input", "BUG: all files are lost", "webhook@otto.local"],
    );
    assertEquals(eventsOf(waiting, "note").length, 1);
    const done = await approve(kitchen, task_id);
    assertEquals([done.status, done.assigned_to.email, done.result.text], [
      "completed",
      "ada@example.com",
      "A bug that loses data",
    ]);
  });

  it("makes no task of anything else", async () => {
    await using kitchen = await openKitchen(TRIAGE);
    const closed = await kitchen.send("github", issue("closed"), { "x-github-event": "issues" });
    const push = await kitchen.send("github", '{"ref":"refs/heads/main"}', {
      "x-github-event": "push",
    });
    assertEquals([closed.state, push.state, kitchen.fake.asked], ["filtered", "filtered", []]);
  });
});

describe("a failed pipeline", () => {
  const run = (name: string, conclusion = "failure") =>
    JSON.stringify({
      action: "completed",
      workflow_run: { id: name.length, name, conclusion, head_branch: "main", head_sha: "abc" },
      repository: { full_name: "o/r" },
      sender: { login: "octocat" },
    });
  const headers = { "x-github-event": "workflow_run" };

  it("is one task for its branch, told at once, and open until somebody says it is fixed", async () => {
    await using kitchen = await openKitchen(PIPELINE);
    kitchen.fake.script = [
      call("notify", { destination: "web:web", text: "main is broken: test" }),
      call("ask_human", { question: "Is it fixed, and how?" }),
      finish("A flaky test was taken out"),
    ];
    await kitchen.send("github", run("test"), headers);
    await kitchen.send("github", run("lint now"), headers);
    const green = await kitchen.send("github", run("docs and pages", "success"), headers);
    assertEquals([green.state, await tasks(kitchen)], ["filtered", []]);
    await kitchen.closeGroups();
    const [{ id }, ...others] = await tasks(kitchen);
    assertEquals(others, []);
    assertStringIncludes(shown(kitchen), "2 messages about the same");
    const waiting = await kitchen.task(id);
    assertEquals([waiting.status, waiting.question], ["waiting_input", "Is it fixed, and how?"]);
    assertEquals(
      waiting.notifications.filter((each: Any) => each.kind === "note").map((each: Any) =>
        each.text
      ),
      ["main is broken: test"],
    );
    await kitchen.post(`/api/tasks/${id}/answer`, { text: "The flaky test is out" });
    const done = await kitchen.task(id);
    assertEquals([done.status, done.result.text], ["completed", "A flaky test was taken out"]);
  });
});

describe("an SMS", () => {
  const sms = (more: Record<string, string> = {}) =>
    new URLSearchParams({
      MessageSid: "SM123",
      From: "+491701234567",
      To: "+4930123456",
      Body: "Is my bike ready?",
      ...more,
    }).toString();
  const form = { "content-type": "application/x-www-form-urlencoded" };
  const answer = { to: "+491701234567", text: "Yes, it is!" };

  it("is answered once, by your word, as it was shown", async () => {
    await using kitchen = await openKitchen(SMS);
    kitchen.fake.script = [call("sms__send", answer), finish("Answered")];
    const { task_id } = await kitchen.send("twilio", sms(), form);
    const first = shown(kitchen);
    assertStringIncludes(first, await instruction(SMS));
    assertStringIncludes(first, "Is my bike ready?");
    assertMatch(first, /received \d{4}-\d\d-\d\dT\d\d:\d\d/);
    const waiting = await kitchen.task(task_id);
    assertEquals([waiting.status, waiting.approvals[0].arguments], ["waiting_input", answer]);
    assertEquals(kitchen.mcp.called, []);
    const done = await approve(kitchen, task_id);
    assertEquals([done.status, kitchen.mcp.called], ["completed", [{
      name: "send",
      arguments: answer,
    }]]);
  });

  it("gets no answer when you say no, when it is closed, or when nobody signed it", async () => {
    await using kitchen = await openKitchen(SMS);
    kitchen.fake.script = [call("sms__send", answer), finish("Not answered")];
    const { task_id } = await kitchen.send("twilio", sms(), form);
    const [{ id }] = (await kitchen.task(task_id)).approvals;
    await kitchen.post(`/api/tasks/${task_id}/deny`, { approval_id: id });
    assertEquals((await kitchen.task(task_id)).status, "completed");

    kitchen.fake.script = [call("add_note", { text: "To be answered on Monday" }), finish("Noted")];
    const later = await kitchen.send("twilio", sms({ MessageSid: "SM124" }), form);
    assertEquals(eventsOf(await kitchen.task(later.task_id), "note").length, 1);

    const forged = await kitchen.otto.ask("/webhook/twilio", {
      method: "POST",
      body: sms({ MessageSid: "SM125" }),
      headers: form,
    });
    assertEquals(forged.status, 401, await forged.text());
    const empty = await kitchen.send("twilio", sms({ MessageSid: "SM126", Body: "" }), form);
    assertEquals([empty.state, kitchen.mcp.called], ["filtered", []]);
  });
});

describe("an incident", () => {
  const alert = (instance: string, status = "firing", groupKey = "api") =>
    JSON.stringify({
      version: "4",
      status,
      groupKey,
      commonLabels: { alertname: "HighLatency", severity: "critical" },
      alerts: [{
        status,
        labels: { alertname: "HighLatency", instance },
        startsAt: "2026-01-02T03:04:05Z",
        fingerprint: instance,
      }],
    });

  it("has one task with one summary, however many alerts it sends", async () => {
    await using kitchen = await openKitchen(INCIDENT);
    kitchen.fake.script = [
      call("set_title", { title: "api: slow on 3 machines" }),
      finish("One summary"),
    ];
    for (const machine of ["api-1", "api-2", "api-3"]) {
      await kitchen.send("alertmanager", alert(machine));
    }
    await kitchen.send("alertmanager", alert("db-1", "firing", "db"));
    const over = await kitchen.send("alertmanager", alert("api-1", "resolved"));
    assertEquals([over.state, await tasks(kitchen)], ["filtered", []]);
    await kitchen.closeGroups();
    const all = await tasks(kitchen);
    assertEquals(all.map(({ status }) => status), ["completed", "completed"]);
    const api = kitchen.fake.asked.map(({ text }) => text).filter((text) =>
      text.includes("3 messages about the same")
    );
    assert(api.length > 0);
    assertStringIncludes(api[0], "api-3");
  });
});

describe("a failed payment", () => {
  const event = (type: string) =>
    JSON.stringify({
      id: `evt_${type}`,
      object: "event",
      type,
      data: {
        object: {
          id: "in_1",
          object: "invoice",
          amount_due: 4200,
          currency: "eur",
          attempt_count: 2,
          customer_email: "carl@example.com",
          customer_phone: "+49 170 1111111",
          customer_address: { line1: "Secret Street 7" },
        },
      },
    });

  it("is support's, with a draft, and without what is redacted", async () => {
    await using kitchen = await openKitchen(PAYMENT);
    await kitchen.person("support@example.com");
    kitchen.fake.script = [
      call("get_payload", { path: "data.object" }),
      call("reassign_task", { email: "support@example.com" }),
      call("add_note", { text: "42.00 EUR, second attempt" }),
      finish("Dear Carl, …"),
    ];
    const paid = await kitchen.send("stripe", event("invoice.paid"));
    assertEquals(paid.state, "filtered");
    const { task_id } = await kitchen.send("stripe", event("invoice.payment_failed"));
    const task = await kitchen.task(task_id);
    assertEquals([task.status, task.assigned_to.email, task.result.text], [
      "completed",
      "support@example.com",
      "Dear Carl, …",
    ]);
    assert(kinds(task).includes("note"));
    const all = kitchen.fake.asked.map(({ text }) => text).join();
    assertStringIncludes(all, "4200");
    for (const hidden of ["1111111", "Secret Street"]) assert(!all.includes(hidden), hidden);
  });
});
