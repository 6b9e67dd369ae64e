import { assert, assertEquals } from "@std/assert";
import { afterAll, beforeAll, it } from "@std/testing/bdd";
import axe from "axe-core";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { until } from "../servers/wait.ts";
import { describeInBrowser, startChromium } from "./chromium.ts";
import { type House, openHouse } from "./house.ts";

const PHONE = { width: 390, height: 844 };
const RULES = {
  acme: { subject: { key: "{order}", name: "Order {order} of {who}" }, later: "continue" },
};
const WHO = `<b>שלום</b> \u202Egnihtemos ${"long ".repeat(30)}`;

describeInBrowser("a subject in a browser", () => {
  let house: House;
  let browser: Browser;
  let shots: string;
  let file: string;
  const order = (number: number, text: string) =>
    house.send({ order: number, who: WHO, text }, "acme");

  beforeAll(async () => {
    file = await Deno.makeTempFile({ suffix: ".json" });
    await Deno.writeTextFile(file, JSON.stringify(RULES));
    [house, browser, shots] = await Promise.all([
      openHouse({
        env: { SOURCES_FILE: file },
        rules: { default: { unverified_tools: ["ask_human"] } },
      }),
      startChromium(),
      Deno.makeTempDir({ prefix: "otto-screenshots-" }),
    ]);
    console.log(`Screenshots: ${shots}`);
  });
  afterAll(async () => {
    await browser.close();
    await house[Symbol.asyncDispose]();
    await Deno.remove(file);
  });

  const read = async <T>(what: string, query: string): Promise<T> =>
    await until(async () => {
      const [row] = await house.services.database.query("look", (sql) => sql.unsafe(query));
      return row as T;
    }, { what });

  /** An order whose task waits for a person, with two messages that nobody has read. */
  async function askedMeanwhile(number: number): Promise<{ task: string; subject: string }> {
    house.model.script = [{ calls: [{ tool: "ask_human", args: { question: "Refund it?" } }] }];
    const first = await order(number, "It is broken");
    await read(
      "a question",
      `select from tasks where message_id = '${first}' and status = 'waiting_input'`,
    );
    await order(number, "And late");
    await order(number, "Never mind");
    return await read(
      "two later messages",
      `select id as task, subject_id as subject from tasks
      where message_id = '${first}' and messages = 3`,
    );
  }

  async function open(path: string, more: { javaScriptEnabled?: boolean } = {}) {
    const context = await browser.newContext({ baseURL: house.url, viewport: PHONE, ...more });
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    await page.goto(path);
    return { page, [Symbol.asyncDispose]: async () => await context.close() };
  }

  async function fits(page: Page, name: string): Promise<void> {
    await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
    const [inner, outer] = await page.locator("html").evaluate((it) => [
      it.scrollWidth,
      it.clientWidth,
    ]);
    assert(inner <= outer, `${name} is wider than a phone: ${inner} of ${outer}`);
  }

  it("is one row of a list, and a message of it becomes a task of its own, without JavaScript", async () => {
    const { task, subject } = await askedMeanwhile(7);
    await using opened = await open("/messages", { javaScriptEnabled: false });
    const { page } = opened;
    await page.locator("select[name=group]").selectOption("subject");
    await page.getByRole("button", { name: "Filter" }).click();
    assertEquals(new URL(page.url()).search, "?group=subject");
    assertEquals(await page.locator("#rows tr").count(), 1);
    await fits(page, "messages-by-subject");
    await page.getByRole("link", { name: /Order 7/ }).click();
    assertEquals(new URL(page.url()).pathname, `/subjects/${subject}`);
    await fits(page, "subject");

    await page.goto(`/tasks/${task}`);
    await page.getByText("2 newer messages since this was asked").waitFor();
    await fits(page, "task-asking");
    await page.goto(`/subjects/${subject}`);
    await page.getByRole("button", { name: "Detach" }).first().click();
    await page.waitForURL(/\/tasks\//);
    assert(!page.url().endsWith(task), "it is another task");
    await page.goto(`/tasks/${task}`);
    await page.getByText("1 newer message since this was asked").waitFor();
    await page.goto("/tasks?group=subject");
    await fits(page, "tasks-by-subject");
  });

  it("keeps nobody out, as far as axe can tell", async () => {
    const { task, subject } = await askedMeanwhile(8);
    await using opened = await open("/");
    const { page } = opened;
    const paths = [
      "/subjects",
      `/subjects/${subject}`,
      `/tasks/${task}`,
      "/messages?group=subject",
    ];
    for (const path of paths) {
      await page.goto(path);
      await page.evaluate(axe.source);
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
        const { violations } = await page.evaluate("axe.run()") as {
          violations: { id: string; nodes: { html: string }[] }[];
        };
        const found = violations.flatMap(({ id, nodes }) =>
          nodes.map(({ html }) => `${id}: ${html}`)
        );
        assertEquals(found, [], `${path} in ${colorScheme}`);
      }
    }
  });
});
