import { assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { readConfig } from "../../lib/config/config.ts";
import { checkModelProvider, tryModelProvider } from "../../lib/monitor/model_provider.ts";
import { finish, issue, openStage } from "../agent/stage.ts";
import { startOpenAi } from "../fakes/openai.ts";

describe("a model's provider that gives no answer", () => {
  it("is named where operators look, from the third failure in a row to the next answer", async () => {
    await using stage = await openStage();
    const { otto, fake } = stage;
    const { database } = otto.services;
    const later = async () => {
      await database.query("let time pass", (sql) => sql`update tasks set not_before = now()`);
      await otto.workOff();
    };
    const page = async (path: string) =>
      (await (await otto.ask(path)).text()).replaceAll(/\s+/g, " ");
    fake.script = [{ status: 503 }];
    await stage.signed(issue);
    await later();
    assertEquals(await checkModelProvider(database, 1_000), []);
    await later();
    assertMatch(await page("/webhook/health"), /"degraded".*given tasks no answer since \d{4}-/);
    assertMatch(await page("/system"), /given tasks no answer since/);
    assertMatch(await page("/"), /model's provider gives no answer<\/strong> since <time/);
    fake.script = [finish("At last")];
    await later();
    assertEquals(await checkModelProvider(database, 1_000), []);
  });

  it("is known to the doctor, which asks it for nothing", async () => {
    const fake = startOpenAi();
    const config = readConfig({ OPEN_AI_BASE: fake.url, OPENAI_API_KEY: "k" });
    const [there] = await tryModelProvider(config);
    assertMatch(`${there.status} ${there.detail}`, /^ok 127\.0\.0\.1:\d+ answers$/);
    assertEquals(fake.asked.length, 0);
    await fake[Symbol.asyncDispose]();
    const [away] = await tryModelProvider(config);
    assertMatch(`${away.status} ${away.detail}`, /^degraded .* cannot be reached: /);
    assertEquals(await tryModelProvider(readConfig({})), []);
  });
});
