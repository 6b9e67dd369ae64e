import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { appendFileSync, readFileSync } from "node:fs";
import { hashOf, headersOf, makeDelivery } from "../../bench/storm/delivery.ts";
import { FAULT_NAMES, kindOf } from "../../bench/storm/faults.ts";
import { openLedger } from "../../bench/storm/ledger.ts";
import { planFaults } from "../../bench/storm/schedule.ts";
import { secretsOf } from "../../lib/config/config.ts";
import { readConfig } from "../../lib/config/config.ts";
import { createRegistry } from "../../sources/rules/registry.ts";
import { SENDER_SETTINGS } from "../../bench/storm/delivery.ts";
import { testFolder } from "../folder.ts";

describe("the ledger of a storm", () => {
  it("knows after it was opened again what it was told before", async () => {
    await using folder = await testFolder();
    const path = `${folder.path}/ledger.jsonl`;
    const file = openLedger(path);
    file.note(["try", 3]);
    file.note(["again", 3, "503"]);
    file.note(["fault", 0, "redis killed", 100]);
    file.note(["try", 3]);
    file.note(["ok", 3, "m1", 12]);
    file.note(["over", 0, 250]);
    file.note(["recovered", 0, 40]);
    file.note(["try", 4]);
    file.note(["refused", 4, "500 why"]);
    file.note(["incident", "web-1 ended by itself"]);
    file.note(["busy", 500]);
    file.note(["busy", 250]);
    file.close();
    const again = openLedger(path);
    assertEquals(again.ledger, file.ledger);
    assertEquals(again.ledger.accounts.get(3), {
      tries: 2,
      answers: ["m1"],
      refusals: [],
    });
    assertEquals(again.ledger.accounts.get(4), {
      tries: 1,
      answers: [],
      refusals: ["500 why"],
    });
    assertEquals(again.ledger.faults, [{
      name: "redis killed",
      from: 100,
      to: 250,
    }]);
    assertEquals(again.ledger.busyMs, 750);
    again.close();
  });

  it("cuts off what was being written when the storm was killed, and goes on", async () => {
    await using folder = await testFolder();
    const path = `${folder.path}/ledger.jsonl`;
    appendFileSync(path, '["try",1]\n["ok",1,"m1",5]\n["ok",2,"m');
    const file = openLedger(path);
    assertEquals([...file.ledger.accounts.keys()], [1]);
    file.note(["try", 2]);
    file.close();
    assertEquals(
      readFileSync(path, "utf8"),
      '["try",1]\n["ok",1,"m1",5]\n["try",2]\n',
    );
  });
});

describe("the deliveries of a storm", () => {
  const many = Array.from(
    { length: 400 },
    (_, number) => makeDelivery("a seed", number),
  );

  it("are the same for the same seed, and others for another", () => {
    assertEquals(makeDelivery("a seed", 17), many[17]);
    assertNotEquals(makeDelivery("another", 17).id, many[17].id);
  });

  it("have 0.3 to 7 KB, several senders, repeats, and no two alike", () => {
    const sizes = many.map(({ body }) => body.byteLength);
    assert(
      Math.min(...sizes) >= 270 && Math.min(...sizes) < 400,
      `${Math.min(...sizes)}`,
    );
    assert(
      Math.max(...sizes) <= 7 * 1024 && Math.max(...sizes) > 6_000,
      `${Math.max(...sizes)}`,
    );
    assertEquals([...new Set(many.map(({ sender }) => sender))].toSorted(), [
      "acme",
      "github",
      "stripe",
      "svix",
    ]);
    assertEquals([...new Set(many.map(({ again }) => again))].toSorted(), [
      "at once",
      "later",
      "never",
    ]);
    assertEquals(
      new Set(many.map(({ body }) => hashOf(body))).size,
      many.length,
    );
  });

  it("are signed as their vendors sign, and have the id that Otto reads", async () => {
    const config = readConfig(SENDER_SETTINGS);
    const registry = createRegistry();
    for (const delivery of many.slice(0, 60)) {
      const { name, source } = registry.find(delivery.sender);
      const incoming = {
        type: delivery.sender,
        method: "POST",
        url: `http://127.0.0.1/webhook/${delivery.sender}`,
        headers: new Headers(headersOf(delivery)),
        body: delivery.body,
        queryForm: undefined,
        receivedAt: Date.now(),
      };
      assertEquals(source.deliveryId?.(incoming) ?? null, delivery.id);
      const secrets = secretsOf(config, name, source.secretVariable);
      assertEquals(await source.verify?.(incoming, secrets) ?? { ok: true }, {
        ok: true,
      }, name);
    }
  });
});

describe("the faults of a storm", () => {
  it("are the same for the same seed, and others for another", () => {
    const settings = { seed: "a seed", faults: 40, kinds: FAULT_NAMES };
    assertEquals(planFaults(settings), planFaults(settings));
    assertNotEquals(
      planFaults({ ...settings, seed: "another" }),
      planFaults(settings),
    );
    assertEquals(
      planFaults({ ...settings, faults: 10 }),
      planFaults(settings).slice(0, 10),
    );
  });

  it("are of every kind before any comes again", () => {
    const plan = planFaults({
      seed: "a seed",
      faults: FAULT_NAMES.length,
      kinds: FAULT_NAMES,
    });
    assertEquals(
      plan.map(({ name }) => name).toSorted(),
      FAULT_NAMES.toSorted(),
    );
  });

  it("hit two parts at a time now and then, and never one part twice", () => {
    const plan = planFaults({
      seed: "a seed",
      faults: 300,
      kinds: FAULT_NAMES,
    });
    const joined = plan.filter(({ joins }) => joins);
    assert(joined.length > 10 && joined.length < 100, `${joined.length}`);
    for (const { place, name } of joined) {
      const before = plan[place - 1];
      assert(!before.joins);
      const targets = [kindOf(before.name).target, kindOf(name).target];
      assert(
        targets[0] !== targets[1] && !targets.includes("all"),
        targets.join(),
      );
    }
  });
});
