import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { afterAll, beforeAll, it } from "@std/testing/bdd";
import axe from "axe-core";
import type { Browser } from "playwright-core";
import { describeInBrowser, startChromium } from "./chromium.ts";
import type { House } from "./house.ts";
import { openScene } from "./pictures.ts";

describeInBrowser("a task's page in a browser", () => {
  let house: House;
  let task: string;
  let browser: Browser;
  beforeAll(async () => {
    [{ house, task }, browser] = await Promise.all([openScene(), startChromium()]);
  });
  afterAll(async () => {
    await browser.close();
    await house[Symbol.asyncDispose]();
  });

  for (const colorScheme of ["light", "dark"] as const) {
    it(`can be read by everybody, on a phone, ${colorScheme}`, async () => {
      const page = await browser.newPage({ colorScheme, viewport: { width: 390, height: 844 } });
      await page.goto(`${house.url}/tasks/${task}`);
      for (const summary of await page.locator(".waterfall summary").all()) await summary.click();
      await page.evaluate(axe.source);
      const { violations } = await page.evaluate("axe.run()") as { violations: { id: string }[] };
      assertEquals(violations.map(({ id }) => id), []);
      const width = await page.evaluate("document.documentElement.scrollWidth");
      assertEquals(width, 390);
      await page.close();
    });
  }

  it("opens a tool's arguments and answer by keyboard, without JavaScript", async () => {
    const page = await browser.newPage({ javaScriptEnabled: false });
    await page.goto(`${house.url}/tasks/${task}`);
    const row = page.locator(".waterfall li.tool", { hasText: "get_payload" });
    assert(!await row.locator("pre").first().isVisible());
    await row.locator("summary").focus();
    await page.keyboard.press("Enter");
    assertStringIncludes(await row.locator("pre").first().innerText(), '"path": "issue.body"');
    assertStringIncludes(await row.locator("pre").nth(1).innerText(), "keep-alive every 90 s");
    await page.close();
  });

  it("shows a wait for a person as a break with its length", async () => {
    const page = await browser.newPage();
    await page.goto(`${house.url}/tasks/${task}`);
    const row = page.locator(".waterfall li.person");
    assertEquals(await row.locator(".took").innerText(), "7 min");
    assertEquals(await row.locator(".bar.cut").count(), 1);
    const widths = await page.locator(".waterfall .step .bar rect").evaluateAll((all) =>
      all.map((each) => Number(each.getAttribute("width")))
    );
    // Seven minutes are no bar beside which seconds are dots.
    assert(widths.every((width) => width > 10), `${widths}`);
    await page.close();
  });
});
