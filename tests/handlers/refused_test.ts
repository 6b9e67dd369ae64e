import { assert, assertEquals } from "@std/assert";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import { readRefusals } from "../../lib/ingress/refusal_log.ts";
import { json, openOtto, type Otto } from "../otto.ts";
import { until } from "../servers/mod.ts";

const ADMIN = { authorization: "Bearer a token of the operator's own" };
let otto: Otto;

const post = async (path: string, body = "{}", more: RequestInit & { from?: string } = {}) => {
  const answer = await otto.ask(path, { method: "POST", body, ...more });
  await answer.body?.cancel();
  return answer.status;
};
/** The page of statistics is kept for a while: as long as a slow machine took to make it, ten times. */
const counted = () => readRefusals(otto.services.database);
const health = () => otto.get("/webhook/health");

describe("what the gate refuses", () => {
  beforeAll(async () => {
    otto = await openOtto({
      ADMIN_TOKEN: "a token of the operator's own",
      GITHUB_WEBHOOK_SECRET: "a secret",
      MAX_BODY_BYTES: "1024",
    });
  });
  afterAll(() => otto[Symbol.asyncDispose]());

  it("is counted in the statistics, by reason and source, with the latest of it", async () => {
    assertEquals(await post("/webhook/demo", '{"title":"Hello"}'), 200);
    assertEquals(await post("/webhook/github"), 401);
    assertEquals(
      await post("/webhook/github", "{}", {
        headers: { "x-hub-signature-256": `sha256=${"0".repeat(64)}` },
      }),
      401,
    );
    assertEquals(await post("/webhook/one-of-mine", "x".repeat(1_025)), 413);
    assertEquals(await post("/webhook/a/b"), 400);
    assertEquals(await post("/webhook/not%20a%20type"), 400);
    await until(async () => (await counted()).total >= 5, { what: "the refusals to be counted" });
    const { refused } = await json(await otto.ask("/webhook/stats", { headers: ADMIN }));
    assertEquals([refused.total, refused.last_hour], [5, 5]);
    assertEquals(refused.by_reason, {
      bad_webhook_type: 2,
      body_too_large: 1,
      signature_mismatch: 1,
      signature_missing: 1,
    });
    assertEquals(refused.by_type, { "(none)": 2, generic: 1, github: 2 });
    assertEquals(refused.recent.length, 5);
    const [last, , large] = refused.recent;
    assertEquals([last.status, last.reason], [400, "bad_webhook_type"]);
    assertEquals([large.webhook_type, large.status], ["one-of-mine", 413]);
    assert(!JSON.stringify(refused).includes("xxx"));
  });

  it("is a number for anyone who asks for health, beside what waits and what came", async () => {
    const found = await until(async () => {
      const now = await health();
      return now.last_hour.refused >= 5 && now;
    }, { what: "health to have the numbers" });
    assertEquals(found.last_hour, { accepted: 1, refused: 5 });
    assertEquals(typeof found.queue.depth, "number");
    assert("oldest_age_seconds" in found.queue);
  });

  it("takes no more rows, however much of it there is", async () => {
    const before = await counted();
    for (let n = 0; n < 60; n++) await post(`/webhook/invented-${n}`, "x".repeat(1_025));
    const found = await until(async () => {
      const now = await counted();
      return now.total === before.total + 60 && now;
    }, { what: "all to be counted" });
    assertEquals(found.recent.length, 20);
    assertEquals(Object.keys(found.by_type).length, 3);
    const [{ rows }] = await otto.services.database.query(
      "count rows",
      (sql) => sql<{ rows: number }[]>`select count(*)::int as rows from recent_refusals`,
    );
    assert(rows <= 40, `${rows} rows`);
  });
});
