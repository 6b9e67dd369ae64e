import { assert, assertEquals } from "@std/assert";
import { afterAll, beforeAll, it } from "@std/testing/bdd";
import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import { call, finish } from "../agent/stage.ts";
import { describeInBrowser, startChromium } from "../browser/chromium.ts";
import { type House, openHouse } from "../browser/house.ts";
import type { Asked, Say } from "../fakes/server.ts";
import { json } from "../otto.ts";
import { until } from "../servers/mod.ts";

const PHONE = { width: 390, height: 844 };

/** Says one thing after the other in each run, however many go on at once. */
function says(...all: Say[]) {
  return [({ body }: Asked) => {
    const turns = body.messages.filter(({ role }: { role: string }) => role === "assistant").length;
    return all[Math.min(turns, all.length - 1)];
  }];
}

describeInBrowser("trials in a browser", () => {
  let house: House;
  let browser: Browser;
  let message: string;
  beforeAll(async () => {
    [house, browser] = await Promise.all([
      openHouse({ rules: { default: { unverified_tools: ["set_title"] } } }),
      startChromium(),
    ]);
    house.model.script = says(call("set_title", { title: "A crash" }), finish("It crashes."));
    message = await house.send({ title: "W".repeat(300) });
    await until(async () => {
      const { items: [task] } = await json(await fetch(`${house.url}/api/tasks`));
      return task?.status === "completed";
    }, { what: "the task to end" });
    house.model.script = says(
      call("set_title", { title: `[voice] ${"W".repeat(150)}` }),
      finish(`The **voice** team, \`${"w".repeat(500)}\`.`),
    );
  });
  afterAll(async () => {
    await browser.close();
    await house[Symbol.asyncDispose]();
  });

  for (const javaScriptEnabled of [true, false]) {
    it(`are begun and read ${javaScriptEnabled ? "with" : "without"} a script`, async () => {
      const context = await browser.newContext({
        baseURL: house.url,
        viewport: PHONE,
        javaScriptEnabled,
      });
      const page = await context.newPage();
      try {
        await page.goto(`/messages/${message}`);
        await page.getByRole("link", { name: "Try with another instruction" }).click();
        await page.getByLabel("Instruction").fill("Say which team should look.");
        await page.getByRole("button", { name: "Try it" }).click();
        // It reads itself anew until the trial has ended.
        await page.getByText("team, ").first().waitFor();
        await page.getByText("would have").first().waitFor();
        await page.getByText("What really came of it").first().waitFor();
        await page.getByText('"instruction": "Say which team should look."').waitFor();
        await page.goto("/sources/demo");
        await page.getByRole("link", { name: "Try an instruction" }).click();
        await page.getByRole("button", { name: "Try them" }).click();
        await page.getByText("The voice team").first().waitFor();
      } finally {
        await context.close();
      }
    });
  }

  it("are within a phone's width, and keep to what makes pages good for everybody", async () => {
    const { items: [trial] } = await json(
      await fetch(`${house.url}/api/messages/${message}/trials`),
    );
    const context = await browser.newContext({ baseURL: house.url, viewport: PHONE });
    const page = await context.newPage();
    const paths = [
      `/messages/${message}/trials`,
      `/trials/${trial.id}`,
      "/sources/demo/trials",
      `/sources/demo/trials?batch=${trial.batch_id}`,
    ];
    try {
      for (const path of paths) {
        await page.goto(path);
        assert(
          await page.evaluate("document.documentElement.scrollWidth <= innerWidth"),
          `${path} is wider than a phone`,
        );
        for (const colorScheme of ["light", "dark"] as const) {
          await page.emulateMedia({ colorScheme });
          assertEquals(await violations(page), [], `${path} in ${colorScheme}`);
        }
      }
    } finally {
      await context.close();
    }
  });
});

async function violations(page: Page): Promise<string[]> {
  await page.evaluate("document.querySelectorAll('details').forEach((it) => it.open = true)");
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate("axe.run()") as {
    violations: { id: string; nodes: { html: string; failureSummary: string }[] }[];
  };
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`)
  );
}
