import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import { createHmac } from "node:crypto";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError } from "../../lib/config/config.ts";
import { listWorkers } from "../../lib/monitor/heartbeat.ts";
import { createWorker } from "../../lib/work/work.ts";
import { openOtto, type Otto } from "../otto.ts";
import { until } from "../servers/wait.ts";

let folder: string;
const testFolder = async () => void (folder = await mkdtemp(join(tmpdir(), "otto-reload-")));
const removeFolder = () => rm(folder, { recursive: true });
let lines: string[] = [];

const file = (name: string) => join(folder, name);
const write = async (name: string, value: unknown, mode = 0o600) => {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  await writeFile(file(name), text, { mode });
  await chmod(file(name), mode);
};
function open(env: Record<string, string>) {
  lines = [];
  return openOtto({ LOG_LEVEL: "info", ...env }, { write: (line) => lines.push(line) });
}
/** As the next two turns of the poll would: what is wrong must be as wrong the second time. */
const look = ({ services: { rules } }: Otto) => {
  rules.look();
  rules.look();
};
const checkOf = async (otto: Otto, name: string) =>
  (await otto.get("/webhook/health")).checks.find(
    (each: { name: string }) => each.name === name,
  );
async function titleOf(otto: Otto, type: string, payload: unknown): Promise<string> {
  const id = await otto.send(type, JSON.stringify(payload));
  await otto.workOff();
  return (await otto.get(`/api/messages/${id}`)).title;
}

describe("the file of sources, while Otto runs", () => {
  beforeAll(testFolder);
  afterAll(removeFolder);

  it("is read again when its content changes", async () => {
    await write("s.json", { orders: { title: "Order {n}" } });
    await using otto = await open({ SOURCES_FILE: file("s.json") });
    assertEquals(await titleOf(otto, "orders", { n: 1 }), "Order 1");
    const before = otto.services.sources.rules;
    await write("s.json", {
      orders: { title: "Bestellung {n}", rate_limit: { requests: 2 } },
      fresh: { label: "Fresh", methods: ["PUT"] },
    });
    // Nobody is told: the file is looked at.
    await until(() => Promise.resolve(otto.services.sources.rules !== before), {
      what: "the file to be read again",
    });
    assertEquals(await titleOf(otto, "orders", { n: 2 }), "Bestellung 2");
    const put = await otto.ask("/webhook/fresh", { method: "PUT", body: "{}" });
    assertEquals(put.status, 200);
    await put.body?.cancel();
    const { items } = await otto.get("/api/sources");
    assert(items.some(({ name }: { name: string }) => name === "fresh"));
    await otto.send("orders", "{}");
    const refused = await otto.ask("/webhook/orders", { method: "POST", body: "{}" });
    assertEquals(refused.status, 429);
    assertStringIncludes(
      (await checkOf(otto, "SOURCES_FILE")).detail,
      otto.services.sources.rules!,
    );
  });

  it("stays as it was while the new one is wrong, and health says so", async () => {
    await write("s.json", { orders: { title: "Order {n}" } });
    await using otto = await open({ SOURCES_FILE: file("s.json") });
    for (const wrong of ['{"orders": {"titel": "x"}}', "{", '{"orders":{"retention_days":9999}}']) {
      await write("s.json", wrong);
      look(otto);
      assertEquals(await titleOf(otto, "orders", { n: 1 }), "Order 1");
      const check = await checkOf(otto, "SOURCES_FILE");
      assertEquals(check.status, "degraded");
      assertMatch(check.detail, /refused.*read before stays.*next start would stop/);
      await assertRejects(() => openOtto({ SOURCES_FILE: file("s.json") }), ConfigError);
      // Health is cached for a moment.
      otto.services.rules.look();
    }
    const told = lines.filter((line) => line.includes("rules.refused"));
    assertEquals(told.length, 3, "each once");
    assertMatch(told[0], /there is no field|no such field/);
    await rm(file("s.json"));
    look(otto);
    assertEquals(otto.services.rules.refused()[0].variable, "SOURCES_FILE");
    await write("s.json", { orders: { title: "Again {n}" } });
    look(otto);
    assertEquals(await titleOf(otto, "orders", { n: 1 }), "Again 1");
    assertEquals(otto.services.rules.refused(), []);
  });

  it("is not taken for wrong while it is half written", async () => {
    await write("s.json", { orders: {} });
    await using otto = await open({ SOURCES_FILE: file("s.json") });
    await write("s.json", '{"orders": {"label"');
    otto.services.rules.look();
    assertEquals(otto.services.rules.refused(), []);
    await write("s.json", { orders: { label: "Orders" } });
    otto.services.rules.look();
    assertEquals(otto.services.sources.all.orders.label, "Orders");
  });

  it("is named by each worker's heartbeat", async () => {
    await write("s.json", { orders: {} });
    await using otto = await open({ SOURCES_FILE: file("s.json") });
    const { database, sources } = otto.services;
    const worker = createWorker(otto.services);
    await worker.beat();
    const [{ rules: before }] = await listWorkers(database);
    assertEquals(before, sources.rules);
    await write("s.json", { orders: { label: "Orders" } });
    look(otto);
    await worker.beat();
    const [{ rules: after }] = await listWorkers(database);
    assertEquals([after === sources.rules, after === before], [true, false]);
  });

  it("reaches large bodies, too, which a thread reads", async () => {
    await write("s.json", { orders: { title: "Order {n}", body_limit: 4_000_000 } });
    await using otto = await open({ SOURCES_FILE: file("s.json") });
    const large = { n: 1, padding: "x".repeat(1_500_000) };
    assertEquals(await titleOf(otto, "orders", large), "Order 1");
    await write("s.json", { orders: { title: "Large {n}", body_limit: 4_000_000 } });
    look(otto);
    assertEquals(await titleOf(otto, "orders", { ...large, n: 2 }), "Large 2");
  });
});

describe("the file of secrets", () => {
  beforeAll(testFolder);
  afterAll(removeFolder);

  const BODY = '{"action":"opened"}';
  const send = (otto: Otto, secret: string) =>
    otto.ask("/webhook/github", {
      method: "POST",
      body: BODY,
      headers: {
        "x-github-event": "issues",
        "x-hub-signature-256": `sha256=${createHmac("sha256", secret).update(BODY).digest("hex")}`,
      },
    }).then(async (answer) => {
      await answer.body?.cancel();
      return answer.status;
    });

  it("rotates a secret without a restart, before the environment", async () => {
    await write("secrets.json", { GITHUB_WEBHOOK_SECRET: "the first secret" });
    await using otto = await open({
      SECRETS_FILE: file("secrets.json"),
      GITHUB_WEBHOOK_SECRET: "of the environment",
      WEBHOOK_SECRET_ACME: "of acme",
      SOURCES_FILE: await (async () => {
        await write("s.json", { acme: { scheme: "bearer" } });
        return file("s.json");
      })(),
    });
    assertEquals(await send(otto, "the first secret"), 200);
    assertEquals(await send(otto, "of the environment"), 401);
    assertEquals(otto.services.config.secrets.get("WEBHOOK_SECRET_ACME"), ["of acme"]);
    await write("secrets.json", {
      GITHUB_WEBHOOK_SECRET: ["the second, secret", "the first secret"],
    });
    look(otto);
    assertEquals(await send(otto, "the second, secret"), 200);
    assertEquals(await send(otto, "the first secret"), 200);
    await write("secrets.json", { GITHUB_WEBHOOK_SECRET: "" });
    look(otto);
    assertEquals(await send(otto, "of the environment"), 200);
    assertEquals(await send(otto, "the second, secret"), 401);
  });

  it("is refused where everybody may read it, and what was read before stays", async () => {
    await write("secrets.json", { GITHUB_WEBHOOK_SECRET: "one secret" }, 0o644);
    const error = await assertRejects(
      () => open({ SECRETS_FILE: file("secrets.json") }),
      ConfigError,
    );
    assertMatch(error.message, /everybody on this machine may read.*644.*chmod 600/);
    await chmod(file("secrets.json"), 0o440);
    await using otto = await open({ SECRETS_FILE: file("secrets.json") });
    await chmod(file("secrets.json"), 0o600);
    await write("secrets.json", { GITHUB_WEBHOOK_SECRET: "another one" }, 0o666);
    look(otto);
    assertEquals(await send(otto, "one secret"), 200);
    assertEquals((await checkOf(otto, "SECRETS_FILE")).status, "degraded");
  });

  for (
    const [wrong, says] of [
      [{ DATABASE_URL: "postgres://x" }, /DATABASE_URL: is no variable of a sender's secret/],
      [{ GITHUB_WEBHOOK_SECRET: 7 }, /must be a text, or a list/],
      [{ WEBHOOK_SECRET_NOBODY: "x" }, /no source of this name verifies/],
    ] as const
  ) {
    it(`is refused: ${Object.keys(wrong)}`, async () => {
      await write("secrets.json", wrong);
      const error = await assertRejects(
        () => open({ SECRETS_FILE: file("secrets.json") }),
        ConfigError,
      );
      assertMatch(error.message, says);
      assert(!error.message.includes("postgres://x"), "a value is never shown");
    });
  }

  it("is not written into the log when it is rotated", async () => {
    await write("secrets.json", { GITHUB_WEBHOOK_SECRET: "old-secret-value" });
    await using otto = await open({ SECRETS_FILE: file("secrets.json") });
    await write("secrets.json", { GITHUB_WEBHOOK_SECRET: "new-secret-value" });
    look(otto);
    await write("secrets.json", '{"GITHUB_WEBHOOK_SECRET": "third-secret-value"');
    look(otto);
    assert(lines.some((line) => line.includes("rules.read")));
    assert(!lines.join("\n").includes("secret-value"));
  });
});
