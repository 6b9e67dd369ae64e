import { assert, assertEquals } from "@std/assert";
import { afterAll, beforeAll, it } from "@std/testing/bdd";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { until } from "../servers/mod.ts";
import { describeInBrowser, startChromium } from "./chromium.ts";
import { type House, openHouse } from "./house.ts";

/** A frame that takes longer is seen as a stutter. */
const FRAME_MS = 100;

describeInBrowser("Live with a crowd", () => {
  let house: House;
  let browser: Browser;
  beforeAll(async () => {
    [house, browser] = await Promise.all([openHouse({}), startChromium()]);
  });
  afterAll(async () => {
    await browser.close();
    await house[Symbol.asyncDispose]();
  });

  async function open(context: BrowserContext, path = "/"): Promise<Page> {
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    await page.goto(path);
    return page;
  }
  const openContext = () => browser.newContext({ baseURL: house.url });
  const isLive = (page: Page) => page.locator("#word[data-word=live]").waitFor();
  const row = (page: Page, id: string) => page.locator(`#m-${id}`);
  /** At once, from different senders' hands. */
  const sendMany = (many: number) =>
    Promise.all(Array.from({ length: many }, (_, n) => house.send({ title: `Of a crowd ${n}` })));

  /** What changes while the page is paused waits, too: until all is done, and the page has heard it. */
  async function toldAll(page: Page): Promise<void> {
    await page.mouse.move(0, 0);
    const isDone = async () => {
      const [{ left }] = await house.services.database.query(
        "count what is not done",
        (sql) =>
          sql<{ left: number }[]>`
          select (select count(*) from messages where state = 'new')::int +
            (select count(*) from tasks where open)::int as left`,
      );
      return left === 0;
    };
    await until(isDone, { what: "all messages to be done", timeoutMs: 60_000 });
    const last = await house.send({ title: "The last word" });
    await row(page, last).locator(".state.done").waitFor();
  }

  it("loads the seventh and the ninth tab, and keeps them all up to date", async () => {
    const context = await openContext();
    const pages: Page[] = [];
    for (let n = 0; n < 9; n++) pages.push(await open(context, n % 2 ? "/messages" : "/"));
    for (const page of pages) await isLive(page);
    const id = await house.send({ title: "For all of them" });
    for (const page of pages) await page.getByText("For all of them").first().waitFor();
    await pages[8].goto(`/messages/${id}`);
    await context.close();
  });

  it("shows a hundred at once without a long frame, and at most five of them move", async () => {
    const context = await openContext();
    const page = await open(context);
    await isLive(page);
    await page.evaluate(`
      window.longest = 0;
      window.most = 0;
      new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) longest = Math.max(longest, duration);
      }).observe({ type: "longtask", buffered: false });
      (function look() {
        const rows = document.getAnimations().filter((each) => each.animationName === "arrive");
        most = Math.max(most, rows.length);
        requestAnimationFrame(look);
      })();`);
    const ids = await sendMany(100);
    await row(page, ids.toSorted().at(-1)!).waitFor();
    await until(async () => await page.locator("#messages > li .state.done").count() === 50, {
      what: "all of them to be done",
      timeoutMs: 60_000,
    });
    const { longest, most } = await page.evaluate("({ longest, most })") as Record<string, number>;
    console.log(`The longest frame took ${longest} ms; ${most} rows moved at once`);
    assert(most <= 5, `${most} rows moved`);
    assertEquals(await page.locator("#messages > li").count(), 50);
    if (longest > FRAME_MS) console.warn(`A frame took ${longest} ms`);
    await context.close();
  });

  it("says how many are new, and how many wait while it is paused", async () => {
    const context = await openContext();
    const page = await open(context);
    await isLive(page);
    for (const id of await sendMany(3)) await row(page, id).waitFor();
    await page.locator("#messages .open").nth(1).hover();
    await sendMany(60);
    await page.getByRole("button", { name: /^60 new$/ }).waitFor();
    await page.getByRole("button", { name: /^60 new$/ }).click();
    assertEquals(await page.locator("#messages > li").count(), 50);
    await toldAll(page);
    await page.keyboard.press("p");
    await page.locator("#word[data-word=paused]").waitFor();
    await sendMany(7);
    // The last word may have changed once more: it is told of when it is done.
    await page.locator("#waiting", { hasText: /^[78] wait$/ }).waitFor();
    await page.keyboard.press("p");
    await page.locator("#waiting", { hasText: /^$/ }).waitFor({ state: "attached" });
    await context.close();
  });
});
