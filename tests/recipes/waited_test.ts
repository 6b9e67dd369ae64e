import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { type Any, call, eventsOf, finish } from "../agent/stage.ts";
import { INCIDENT, instruction, openKitchen, PAYMENT, shown, told, wait } from "./recipe.ts";

describe("an incident", () => {
  const alert = (instance: string, status = "firing", groupKey = '{}:{alertname="api"}') =>
    JSON.stringify({
      version: "4",
      status,
      groupKey,
      externalURL: "https://alerts.example.com",
      commonLabels: { alertname: "HighLatency", severity: "critical" },
      alerts: [{
        status,
        labels: { alertname: "HighLatency", instance },
        startsAt: "2026-01-02T03:04:05Z",
        fingerprint: instance,
      }],
    });

  it("is told once, has one task, and one summary at its end", async () => {
    await using kitchen = await openKitchen(INCIDENT);
    kitchen.fake.script = [
      call("set_title", { title: "api: slow" }),
      call("notify", { destination: "web:web", text: "api-1 is slow since 03:04" }),
      wait(24 * 60, "alert.resolved"),
      { text: "api-1 to api-3 were slow from 03:04." },
    ];
    const { task_id } = await kitchen.send("alertmanager", alert("api-1"));
    assertStringIncludes(shown(kitchen), await instruction(INCIDENT));
    for (const machine of ["api-2", "api-3"]) {
      await kitchen.send("alertmanager", alert(machine));
      await kitchen.passTime();
    }
    const waiting = await kitchen.task(task_id);
    assertEquals([waiting.status, waiting.title], ["waiting_event", "api: slow"]);
    const asked = kitchen.fake.asked.length;
    await kitchen.send("alertmanager", alert("api-1", "resolved"));
    await kitchen.passTime();
    const done = await kitchen.task(task_id);
    assertEquals([done.status, done.result.text], [
      "completed",
      "api-1 to api-3 were slow from 03:04.",
    ]);
    assertEquals(kitchen.fake.asked.length, asked + 1);
    assertStringIncludes(told(kitchen), "api-3");
    assertEquals(
      done.notifications.filter((each: Any) => each.kind === "note").map((each: Any) => each.text),
      ["api-1 is slow since 03:04"],
    );
    const again = await kitchen.send("alertmanager", alert("api-2", "resolved"));
    assertEquals([again.task_id, (await kitchen.tasks()).length], [null, 1]);
  });

  it("of another group is another task", async () => {
    await using kitchen = await openKitchen(INCIDENT);
    kitchen.fake.script = [finish("One"), finish("Two")];
    await kitchen.send("alertmanager", alert("api-1"));
    await kitchen.send("alertmanager", alert("db-1", "firing", '{}:{alertname="db"}'));
    assertEquals((await kitchen.tasks()).length, 2);
  });
});

describe("a failed payment", () => {
  let number = 0;
  const event = (type: string) =>
    JSON.stringify({
      id: `evt_${++number}`,
      object: "event",
      created: 1_790_000_000 + number,
      livemode: true,
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
  const first = [
    call("get_payload", { path: "data.object" }),
    call("reassign_task", { email: "support@example.com" }),
    call("add_note", { text: "42.00 EUR, second attempt" }),
    wait(24 * 60, "invoice.paid"),
  ];

  it("is support's, with a draft after a day, and without what is redacted", async () => {
    await using kitchen = await openKitchen(PAYMENT);
    await kitchen.person("support@example.com");
    kitchen.fake.script = [...first, finish("Dear Carl, …")];
    const paid = await kitchen.send("stripe", event("invoice.paid"));
    assertEquals([paid.reason, await kitchen.tasks()], ["Nothing was open", []]);
    const { task_id } = await kitchen.send("stripe", event("invoice.payment_failed"));
    const waiting = await kitchen.task(task_id);
    assertEquals([waiting.status, waiting.assigned_to.email, eventsOf(waiting, "note").length], [
      "waiting_event",
      "support@example.com",
      1,
    ]);
    await kitchen.passTime("all");
    assertEquals((await kitchen.task(task_id)).result.text, "Dear Carl, …");
    const all = kitchen.fake.asked.map(({ text }) => text).join();
    assertStringIncludes(all, "4200");
    for (const hidden of ["1111111", "Secret Street"]) assert(!all.includes(hidden), hidden);
  });

  it("that is paid after all needs no letter", async () => {
    await using kitchen = await openKitchen(PAYMENT);
    await kitchen.person("support@example.com");
    kitchen.fake.script = [...first, { text: "It was paid: nothing to send." }];
    const { task_id } = await kitchen.send("stripe", event("invoice.payment_failed"));
    await kitchen.send("stripe", event("invoice.paid"));
    await kitchen.passTime();
    const done = await kitchen.task(task_id);
    assertEquals([done.status, done.result.text], ["completed", "It was paid: nothing to send."]);
    assertEquals((await kitchen.tasks()).length, 1);
  });
});
