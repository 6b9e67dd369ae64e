import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { audit, type Kept, type KeptTask, type Sent } from "../../bench/storm/audit.ts";

const TASK: KeptTask = {
  status: "completed",
  error: null,
  ended: 1,
  told: 1,
  sent: 1,
};

function sent(more: Partial<Sent> = {}): Sent {
  return {
    number: 7,
    id: "id-7",
    sha256: "aa",
    tries: 2,
    answers: ["m1"],
    refusals: [],
    ...more,
  };
}

function kept(more: Partial<Kept> = {}): Kept {
  return {
    messageId: "m1",
    number: 7,
    deliveryId: "id-7",
    sha256: "aa",
    state: "processed",
    reason: null,
    task: TASK,
    ...more,
  };
}

function find(
  deliveries: Sent[],
  messages: Kept[],
  aliases: Record<string, string> = {},
): string[] {
  return audit({
    sent: deliveries,
    kept: messages,
    aliases: new Map(Object.entries(aliases)),
  })
    .map(({ kind, number }) => `${kind} ${number}`);
}

describe("the audit of a storm", () => {
  it("finds nothing where each delivery is one message, one task and one telling", () => {
    assertEquals(
      find([sent(), sent({ number: 8, id: "id-8", answers: ["m2", "m2"] })], [
        kept(),
        kept({ number: 8, deliveryId: "id-8", messageId: "m2" }),
      ]),
      [],
    );
  });

  it("finds what was answered with 200 and is kept nowhere", () => {
    assertEquals(find([sent()], []), ["lost 7"]);
    assertEquals(
      find([sent({ answers: ["m1", "m9"], id: null })], [
        kept({ deliveryId: null }),
      ]),
      ["lost 7"],
    );
  });

  it("does not miss what nobody was promised, and lets it be there once", () => {
    assertEquals(find([sent({ answers: [] })], []), []);
    assertEquals(find([sent({ answers: [] })], [kept()]), []);
  });

  it("finds two messages of one delivery", () => {
    assertEquals(find([sent()], [kept(), kept({ messageId: "m2" })]), [
      "doubled 7",
    ]);
    assertEquals(
      find([sent({ answers: [] })], [kept(), kept({ messageId: "m2" })]),
      [
        "doubled 7",
      ],
    );
  });

  it("lets a sender without ids have as many messages as it tried, and no more", () => {
    const messages = [
      kept({ deliveryId: null }),
      kept({ deliveryId: null, messageId: "m2" }),
      kept({ deliveryId: null, messageId: "m3" }),
    ];
    const delivery = sent({ id: null, answers: ["m1", "m3"] });
    assertEquals(find([{ ...delivery, tries: 3 }], messages), []);
    assertEquals(find([{ ...delivery, tries: 2 }], messages), ["doubled 7"]);
  });

  it("finds a task that ended twice", () => {
    assertEquals(find([sent()], [kept({ task: { ...TASK, ended: 2 } })]), [
      "doubled 7",
    ]);
  });

  it("finds a delivery that was answered with two ids, unless one stands for the other", () => {
    const delivery = sent({ answers: ["m2", "m1"] });
    assertEquals(find([delivery], [kept()]), ["lost 7", "two ids 7"]);
    assertEquals(find([delivery], [kept(), kept({ messageId: "m2" })]), [
      "two ids 7",
      "doubled 7",
    ]);
    assertEquals(find([delivery], [kept()], { m2: "m1" }), []);
    assertEquals(find([delivery], [kept()], { m2: "m3" }), [
      "lost 7",
      "two ids 7",
    ]);
  });

  it("finds other bytes and another delivery id than were sent", () => {
    assertEquals(find([sent()], [kept({ sha256: "bb" })]), ["altered 7"]);
    assertEquals(find([sent()], [kept({ deliveryId: null })]), ["altered 7"]);
  });

  it("finds a message that nobody sent", () => {
    assertEquals(find([sent()], [kept(), kept({ number: 9 })]), ["invented 9"]);
    assertEquals(find([sent()], [kept(), kept({ number: null })]), [
      "invented null",
    ]);
  });

  it("finds what failed: at the gate, as a message, as a task", () => {
    assertEquals(find([sent({ refusals: ["500"] })], [kept()]), ["failed 7"]);
    assertEquals(find([sent()], [kept({ state: "failed", task: null })]), [
      "failed 7",
    ]);
    assertEquals(find([sent()], [kept({ state: "filtered", task: null })]), [
      "failed 7",
    ]);
    assertEquals(
      find([sent()], [kept({ task: { ...TASK, status: "failed" } })]),
      ["failed 7"],
    );
  });

  it("finds a message without the task that it should have become", () => {
    assertEquals(find([sent()], [kept({ task: null })]), ["lost 7"]);
  });

  it("finds what is still on its way", () => {
    assertEquals(find([sent()], [kept({ state: "new", task: null })]), [
      "unfinished 7",
    ]);
    const running = { ...TASK, status: "running", ended: 0, told: 0, sent: 0 };
    assertEquals(find([sent()], [kept({ task: running })]), ["unfinished 7"]);
    assertEquals(find([sent()], [kept({ task: { ...TASK, sent: 0 } })]), [
      "unfinished 7",
    ]);
  });

  it("finds a task that people heard of twice, or never", () => {
    assertEquals(
      find([sent()], [kept({ task: { ...TASK, told: 2, sent: 2 } })]),
      [
        "told wrongly 7",
      ],
    );
    assertEquals(
      find([sent()], [kept({ task: { ...TASK, told: 0, sent: 0 } })]),
      [
        "told wrongly 7",
      ],
    );
  });
});
