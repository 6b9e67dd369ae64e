import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { afterAll, beforeAll, it } from "@std/testing/bdd";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { searchMessages } from "../../lib/message/search/search.ts";
import { newId } from "../../lib/store/id.ts";
import { reassignTask } from "../../lib/task/task.ts";
import { createUser } from "../../lib/people/user.ts";
import { until } from "../servers/wait.ts";
import { describeInBrowser, startChromium } from "./chromium.ts";
import { type House, openHouse } from "./house.ts";

const HOSTILE = `</pre></title><script>window.hacked=1</script><img src=x onerror=hacked=2>` +
  `<style>*{display:none}</style><a href=javascript:hacked=3>x</a></textarea>]]><!-- <!-- -->` +
  `<a href="data:text/html,x">d</a>'"\u202e\u2066${"\u0338\u0489".repeat(20)}`;
const LONG = "W".repeat(10_000);
const READ_TOKEN = "a token that only looks";
const PHONE = { width: 390, height: 844 };
const PAGES = [
  "/",
  "/messages",
  "/tasks",
  "/sources",
  "/sources/github",
  "/sources/github/connect",
  "/sources/github/try",
  "/users",
  "/audit",
  "/bulk",
  "/system",
  "/routes",
  "/docs",
];

describeInBrowser("the web UI in a browser", () => {
  let house: House;
  let browser: Browser;
  let shots: string;
  beforeAll(async () => {
    [house, browser, shots] = await Promise.all([
      openHouse({
        env: { READ_TOKEN },
        rules: {
          sources: {
            github: {
              tools: ["get_payload", "notify", "ask_human", "finish"],
              approve: ["notify"],
              notify: ["web:web"],
            },
          },
        },
      }),
      startChromium(),
      Deno.makeTempDir({ prefix: "otto-screenshots-" }),
    ]);
    console.log(`Screenshots: ${shots}`);
  });
  afterAll(async () => {
    await browser.close();
    await house[Symbol.asyncDispose]();
  });

  /** A page in a browser of its own; what it must not do is told in the end. */
  async function open(path: string, options: BrowserContextOptions = {}) {
    const context = await browser.newContext({ baseURL: house.url, ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    const wrong: string[] = [];
    page.on("pageerror", (error) => wrong.push(`threw ${error.message}`));
    page.on("dialog", (dialog) => {
      wrong.push(`opened a dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on("console", (line) => {
      if (/Content Security Policy|Refused to/.test(line.text())) wrong.push(line.text());
    });
    page.on("request", (request) => {
      if (!request.url().startsWith(house.url)) wrong.push(`asked ${request.url()}`);
    });
    await page.goto(path);
    return {
      page,
      wrong,
      [Symbol.asyncDispose]: async () => await context.close(),
    };
  }

  const shoot = (page: Page, name: string) => page.screenshot({ path: join(shots, `${name}.png`) });
  const isLive = (page: Page) => page.locator("#word[data-word=live]").waitFor();
  const row = (page: Page, id: string) => page.locator(`#m-${id}`);

  async function isFullyTold(id: string): Promise<void> {
    await until(async () => {
      const { database } = house.services;
      const [found] = await database.query(
        "look",
        (sql) =>
          sql`select from tasks t join notifications n on n.task_id = t.id
          where t.message_id = ${id} and n.state = 'sent'`,
      );
      return found !== undefined;
    }, { what: `${id} to be told` });
  }

  it("is understood in the first minute: empty, a sample, and it is done before one's eyes", async () => {
    await using opened = await open("/");
    const { page, wrong } = opened;
    await page.getByRole("heading", { name: "Send your first webhook" }).waitFor();
    await shoot(page, "empty");
    await isLive(page);
    await page.getByRole("button", { name: "GitHub" }).first().click();
    const first = page.locator("#messages > li").first();
    await first.locator(".state.done").waitFor();
    assertEquals(await first.locator(".dot.done").count(), 5);
    assertEquals(await page.locator("#messages > li").count(), 1);
    // Nobody is needed: what went well is no news.
    assertEquals(await page.title(), "Otto");
    await shoot(page, "first");
    assertEquals(wrong, []);
  });

  it("leads from a row to the message, to its task, and back to all of them", async () => {
    const id = await house.send({ title: "Follow me" });
    await isFullyTold(id);
    await using opened = await open("/");
    const { page, wrong } = opened;
    await row(page, id).locator(".open").click();
    await page.getByRole("heading", { level: 1, name: /Follow me/ }).waitFor();
    for (const what of ["Received", "Kept, and queued", "Claimed by a worker", "Told the web UI"]) {
      await page.locator("#timeline").getByText(what).first().waitFor();
    }
    assertStringIncludes(await page.locator("#curl").innerText(), "curl -X POST");
    await shoot(page, "message");
    await page.locator("#task a").click();
    await page.getByRole("heading", { name: "What the agent did" }).waitFor();
    await page.locator("#result .markdown").waitFor();
    await shoot(page, "task");
    assertEquals(wrong, []);
  });

  it("finds messages by words, by source and by id; the filter is the address", async () => {
    const id = await house.send({ title: "A needle in the hay" }, "farm");
    await isFullyTold(id);
    await using opened = await open("/messages");
    const { page } = opened;
    await page.getByPlaceholder(/Title, event/).fill("needle in");
    await page.keyboard.press("Enter");
    await page.waitForURL(/q=needle/);
    assertEquals(await page.locator("#rows tr").count(), 1);
    await page.goto("/messages?source=farm&state=processed&sig=unverified&since=1h");
    assertEquals(await page.locator("#rows tr").count(), 1);
    await page.goto(`/messages?q=${id.slice(0, 18)}`);
    assertEquals(await row(page, id).count(), 1);
    await page.goto("/messages?q=nobody+has+written+this");
    await page.getByRole("heading", { name: "No message matches" }).waitFor();
    await shoot(page, "no-match");
  });

  it("replays one message, and many after a count", async () => {
    const id = await house.send({ title: "Once more" }, "again");
    await isFullyTold(id);
    await using opened = await open(`/messages/${id}`);
    const { page } = opened;
    await page.getByRole("link", { name: "Replay…" }).click();
    await page.getByRole("button", { name: "Replay" }).click();
    await page.waitForURL((url) => !url.pathname.includes(id));
    await page.locator("#head .status", { hasText: "done" }).waitFor();
    await page.goto("/messages?source=again");
    await page.getByRole("link", { name: "All that match…" }).click();
    await page.getByRole("heading", { name: "2 messages" }).waitFor();
    await page.getByRole("button", { name: "Replay 2" }).click();
    await page.getByRole("heading", { name: "Replayed 2 messages" }).waitFor();
    await page.locator(".counts").getByRole("link", { name: "2" }).click();
    await page.waitForURL(/phase=done&batch=/);
    assertEquals(await page.locator("#rows tr").count(), 2);
    const all = (await searchMessages(house.services.database, { webhook_type: "again" }, {
      limit: 10,
      sources: [],
    })).items;
    assertEquals(all.length, 4);
  });

  for (const javaScriptEnabled of [true, false]) {
    const how = javaScriptEnabled ? "" : ", also without JavaScript";
    it(`edits a body and replays it, and shows where it is no JSON any more${how}`, async () => {
      const id = await house.send({ title: "Before", size: 7, text: "one\ntwo" }, "edit");
      await isFullyTold(id);
      await using opened = await open(`/messages/${id}`, { javaScriptEnabled });
      const { page, wrong } = opened;
      await page.getByRole("link", { name: "Edit & replay" }).click();
      const body = page.getByRole("textbox", { name: "Body" });
      assertEquals(
        await body.inputValue(),
        '{\n  "title": "Before",\n  "size": 7,\n  "text": "one\\ntwo"\n}',
      );
      await page.getByRole("button", { name: "Replay" }).click();
      await page.waitForURL((url) => !url.pathname.includes(id));
      assertEquals(await page.getByText("Edited by a person before").count(), 0);

      await page.goto(`/messages/${id}/edit`);
      await body.fill('{\n  "title": "After"\n  "size": 7\n}');
      await page.getByRole("button", { name: "Replay" }).click();
      await page.getByText("Line 3, column 3: a comma is missing before this").waitFor();
      await shoot(page, "edit-fault");
      await body.fill((await body.inputValue()).replace('"After"', '"After",'));
      await page.getByRole("button", { name: "Replay" }).click();
      await page.getByText("Edited by a person before it was replayed.").waitFor();
      await page.getByText("Nobody has signed these bytes").waitFor();
      assertEquals(
        await page.locator(".raw pre").textContent(),
        '{\n  "title": "After",\n  "size": 7\n}',
      );
      assertEquals(wrong, []);
    });
  }

  it("adds people, changes them, and gives a task to one", async () => {
    const id = await house.send({ title: "Whose is it?" });
    await isFullyTold(id);
    await using opened = await open(`/messages/${id}`);
    const { page, wrong } = opened;
    await page.locator("#task a").click();
    await page.getByRole("link", { name: "add a person" }).click();
    await page.getByRole("textbox", { name: "Name" }).fill("Ada Lovelace");
    await page.getByLabel("E-mail").fill("ada@example.com");
    await page.getByLabel("Slack id").fill("ada");
    await page.getByRole("button", { name: "Add person" }).click();
    await page.getByText("A Slack id looks like").waitFor();
    assertEquals(await page.getByLabel("E-mail").inputValue(), "ada@example.com");
    await page.getByLabel("Slack id").fill("U0123ABCD");
    await page.getByRole("button", { name: "Add person" }).click();
    await page.getByRole("link", { name: "Ada Lovelace" }).click();
    await page.getByRole("textbox", { name: "Name", exact: true }).fill("Ada L.");
    await page.getByRole("button", { name: "Save" }).click();
    await page.locator("#people", { hasText: "Ada L." }).waitFor();
    await shoot(page, "people");
    await page.goto(`/messages/${id}`);
    await page.locator("#task a").click();
    await page.locator("#assigned_to").selectOption({ label: "Ada L. (ada@example.com)" });
    await page.getByRole("button", { name: "Reassign" }).click();
    await page.locator("#head", { hasText: "Ada L." }).waitFor();
    assertEquals(wrong, []);
  });

  it("stands still when it is paused, and then shows what came meanwhile", async () => {
    await using opened = await open("/");
    const { page } = opened;
    await isLive(page);
    await page.keyboard.press("p");
    await page.locator("#word[data-word=paused]").waitFor();
    const id = await house.send({ title: "Meanwhile" });
    await isFullyTold(id);
    await house.send("[".repeat(5_000));
    // How many need somebody is told all the same, and comes after the row.
    await until(async () => /^\(/.test(await page.title()), { what: "the count in the title" });
    assertEquals(await row(page, id).count(), 0);
    await page.keyboard.press("p");
    await row(page, id).waitFor();
    await page.locator("#word[data-word=live]").waitFor();
  });

  it("holds a list still while somebody reads it, and says how many are new", async () => {
    for (let i = 0; i < 3; i++) await isFullyTold(await house.send({ title: `Row ${i}` }));
    for (const path of ["/", "/messages"]) {
      await using opened = await open(path);
      const { page } = opened;
      await isLive(page);
      const list = page.locator(path === "/" ? "#messages" : "#rows");
      await list.locator(".open").nth(1).hover();
      const before = await list.evaluate((each) => each.firstElementChild!.id);
      const fresh = await house.send({ title: "While you read" });
      const pill = page.getByRole("button", { name: "1 new" });
      await pill.waitFor();
      assertEquals(await list.evaluate((each) => each.firstElementChild!.id), before);
      await pill.click();
      await row(page, fresh).waitFor();
      assertEquals(await row(page, fresh).count(), 1);
      await pill.waitFor({ state: "hidden" });
    }
  });

  it("shows whatever a sender writes as text, everywhere", async () => {
    const payload = {
      title: HOSTILE,
      event: HOSTILE,
      [HOSTILE]: [HOSTILE],
      text: HOSTILE,
      url: "javascript:hacked=4",
    };
    const id = await house.send(payload, "hostile", {
      "x-note": "<script>hacked=5</script>",
      "user-agent": `"><img src=x onerror=hacked=6>`,
    });
    const keys = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`${i}`, {}]));
    const long = await house.send(
      { title: LONG, event: LONG, [LONG]: LONG, keys, nothing: {} },
      "n".repeat(64),
      { "x-long": LONG.slice(0, 5_000) },
    );
    await Promise.all([isFullyTold(id), isFullyTold(long)]);
    const { database } = house.services;
    const tasks = (await searchMessages(database, {}, { limit: 2, sources: [] })).items.map((
      { task_id },
    ) => task_id);
    const person = await createUser(database, {
      name: (HOSTILE + LONG).slice(0, 200),
      email: `${"e".repeat(60)}@${"d".repeat(60)}.example.com`,
    });
    assert(person);
    await reassignTask(database, { id: tasks[0]!, userId: person.id, actor: "test" });
    const word = encodeURIComponent(HOSTILE);
    const paths = [
      ...PAGES,
      ...[id, long].flatMap((each) =>
        ["", "/edit", "/delete"].map((rest) => `/messages/${each}${rest}`)
      ),
      ...tasks.map((each) => `/tasks/${each}`),
      `/users/${person.id}`,
      `/messages/replay?source=hostile&q=hostile`,
      `/messages/replays?from=${id}&to=${long}&asked=${word}`,
      `/messages?q=${word}&source=${word}`,
      `/messages?open=${id}`,
      `/messages?open=${long}`,
      `/sources/hostile`,
      `/sources/hostile/connect`,
      `/sources/hostile/try?like=${id}`,
      `/sources/${word}`,
      `/${word}`,
    ];
    await using opened = await open("/");
    const { page, wrong } = opened;
    for (const viewport of [{ width: 1280, height: 800 }, { width: 900, height: 800 }, PHONE]) {
      await page.setViewportSize(viewport);
      for (const path of paths) {
        await page.goto(path);
        const where = `${path} at ${viewport.width}`;
        assertEquals(await page.evaluate("window.hacked"), undefined, where);
        assertEquals(wrong, [], where);
        assertEquals(await page.locator("main :is(script, img, style, iframe)").count(), 0, where);
        assertEquals(await page.locator("a:is([href^=javascript], [href^=data])").count(), 0);
        assert(await isWithinItsWidth(page), `${where} is wider than the window`);
      }
    }
    await page.goto(`/messages/${id}`);
    await shoot(page, "hostile-phone");
  });

  it("is within a phone's width, in light and in dark", async () => {
    await using opened = await open("/", { viewport: PHONE });
    const { page } = opened;
    const id = await house.send({ title: "On a phone", nested: { list: [1, 2] } });
    for (
      const [index, path] of [...PAGES, `/messages/${id}/edit`, `/messages?open=${id}`].entries()
    ) {
      const colorScheme = index % 2 === 0 ? "light" : "dark";
      await page.emulateMedia({ colorScheme });
      await page.goto(path);
      assert(await isWithinItsWidth(page), `${path} is wider than a phone`);
      await shoot(page, `${path.replaceAll(/[/?=]/g, "_")}-phone-${colorScheme}`);
    }
  });

  it("changes its colours by a button, and keeps them", async () => {
    await using opened = await open("/tasks", { colorScheme: "light" });
    const { page } = opened;
    const paper = () => page.evaluate("getComputedStyle(document.body).backgroundColor");
    const light = await paper();
    const button = page.getByRole("button", { name: /^Colours/ });
    await button.click();
    await page.locator("html[data-theme=light]").waitFor();
    await button.click();
    await page.locator("html[data-theme=dark]").waitFor();
    assert(await paper() !== light);
    await page.goto("/system");
    assert(await paper() !== light);
    assertEquals(new URL(page.url()).pathname, "/system");
    await shoot(page, "system-dark");
  });

  it("is worked by keys alone", async () => {
    await isFullyTold(await house.send({ title: "By keys" }));
    await using opened = await open("/");
    const { page } = opened;
    await page.keyboard.press("g");
    await page.keyboard.press("m");
    await page.waitForURL("**/messages");
    await page.keyboard.press("/");
    await page.keyboard.type("By keys");
    await page.keyboard.press("Enter");
    await page.waitForURL(/q=By/);
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: /By keys/ }).waitFor();
    const first = page.url();
    await page.keyboard.press("r");
    await page.waitForURL((url) => url.href !== first);
    await page.keyboard.press("?");
    for (let time = 0; time < 2; time++) {
      await page.getByRole("button", { name: "Close" }).click();
      await page.getByRole("dialog", { name: "Keyboard" }).waitFor({ state: "hidden" });
      await page.keyboard.press("?");
    }
    await page.keyboard.press("Escape");
    await page.keyboard.press("t");
    await page.locator("html[data-theme=light]").waitFor();
    await page.keyboard.press("g");
    await page.keyboard.press("p");
    await page.waitForURL("**/users");
    await page.goto("/tasks");
    await page.keyboard.press("Tab");
    assertEquals(await page.evaluate("document.activeElement.textContent"), "Skip to the content");
    await page.keyboard.press("Enter");
    assertEquals(await page.evaluate("document.activeElement.id"), "main");
  });

  it("needs no JavaScript", async () => {
    await using opened = await open("/", { javaScriptEnabled: false });
    const { page } = opened;
    await page.locator("summary", { hasText: "Send a webhook" }).click();
    await page.getByRole("button", { name: "Twilio" }).first().click();
    await page.getByRole("heading", { name: "Messages" }).waitFor();
    await page.locator("#messages .open").first().click();
    await page.getByRole("link", { name: "Replay…" }).click();
    await page.getByRole("button", { name: "Replay" }).click();
    await page.getByRole("link", { name: "Delete…" }).click();
    await page.getByRole("heading", { name: "Delete this message?" }).waitFor();
    await page.getByRole("button", { name: "Delete" }).click();
    await page.waitForURL("**/messages");
    await page.locator("select[name=phase]").selectOption("done");
    await page.getByRole("button", { name: "Filter" }).click();
    await page.waitForURL(/phase=done/);
    assert(await page.locator("#rows tr").count() > 0);
  });

  it("offers nothing to change to whoever may only look", async () => {
    const id = await house.send({ title: "Look at me" });
    await isFullyTold(id);
    await using opened = await open("/sign-in");
    const { page, wrong } = opened;
    await page.getByLabel("Token").fill(READ_TOKEN);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByText("Read only").waitFor();
    await page.goto(`/messages/${id}`);
    await page.getByRole("heading", { level: 1, name: /Look at me/ }).waitFor();
    assertEquals(await page.locator("main form:visible").count(), 0);
    assertEquals(await page.getByRole("link", { name: "Delete…" }).count(), 0);
    await page.getByRole("button", { name: /^Colours/ }).click();
    await page.locator("html[data-theme=light]").waitFor();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.waitForURL("**/sign-in");
    assertEquals(wrong, []);
  });

  it("misses nothing and shows nothing twice when the server comes back", async () => {
    await using opened = await open("/");
    const { page } = opened;
    await isLive(page);
    const ids = [await house.send({ title: "Before" })];
    await row(page, ids[0]).waitFor();
    await house.stopServing();
    await page.locator("#word[data-word=reconnecting]").waitFor();
    for (const title of ["Meanwhile", "And again"]) {
      const { messageId } = await house.services.inbox.accept({
        id: newId(),
        webhookType: "demo",
        source: "generic",
        verification: "unverified",
        envelope: {
          url: `${house.url}/webhook/demo`,
          client_ip: "",
          delivery_id: null,
          headers: [],
        },
        body: new TextEncoder().encode(JSON.stringify({ title })),
        receivedAt: new Date(),
      });
      ids.push(messageId);
    }
    await house.startServing();
    await isLive(page);
    ids.push(await house.send({ title: "After" }));
    for (const id of ids) {
      await row(page, id).locator(".state.done").waitFor();
      assertEquals(await row(page, id).count(), 1);
    }
    const shown = await page.locator("#messages > li").evaluateAll((all) =>
      all.map(({ id }) => id)
    );
    assertEquals(shown, shown.toSorted().toReversed());
    assertEquals(new Set(shown).size, shown.length);
  });

  async function taskOf(messageId: string): Promise<string> {
    const { database } = house.services;
    return await until(async () => {
      const [task] = await database.query(
        "look",
        (sql) =>
          sql<{ id: string }[]>`
          select id from tasks where message_id = ${messageId} and status = 'waiting_input'`,
      );
      return task?.id;
    }, { what: "a task that waits" });
  }
  const call = (tool: string, args: unknown) => ({ calls: [{ tool, args }] });
  const finish = (summary: string) => call("finish", { status: "completed", summary });

  it("lets an agent's call be approved with its exact arguments shown, and shows it go on before one's eyes", async () => {
    house.model.script = [
      call("notify", { destination: "web:web", text: "A <b>customer</b> cannot call" }),
      finish("I have **told** them, see [the docs](https://example.com/docs)."),
    ];
    const task = await taskOf(await house.sendIssue("No calls at all"));
    const page = await browser.newPage({ baseURL: house.url });
    await page.goto(`/tasks/${task}`);
    await page.getByRole("heading", { name: "May the agent call notify?" }).waitFor();
    assertStringIncludes(
      await page.locator("#asks pre").innerText(),
      '"text": "A <b>customer</b> cannot call"',
    );
    await page.getByRole("button", { name: "Approve" }).click();
    await page.locator("#result strong", { hasText: "told" }).waitFor();
    assertStringIncludes(await page.locator("#result a").first().innerText(), "(example.com)");
    await page.locator(".waterfall .badge", { hasText: "approved" }).waitFor();
    await page.close();
  });

  it("lets it be denied", async () => {
    house.model.script = [
      call("notify", { destination: "web:web", text: "Spam" }),
      finish("I was not allowed to."),
    ];
    const task = await taskOf(await house.sendIssue("Tell everybody"));
    const page = await browser.newPage({ baseURL: house.url });
    await page.goto(`/tasks/${task}`);
    await page.getByRole("button", { name: "Deny" }).click();
    await page.locator("#result", { hasText: "not allowed" }).waitFor();
    await page.close();
  });

  it("takes the answer to an agent's question", async () => {
    house.model.script = [
      call("ask_human", { question: "Which of the two?" }),
      ({ text }) =>
        finish(text.includes("the second one") ? "It is the second." : "I do not know."),
    ];
    const task = await taskOf(await house.sendIssue("Two of them"));
    const page = await browser.newPage({ baseURL: house.url });
    await page.goto(`/tasks/${task}`);
    await page.getByText("Which of the two?").first().waitFor();
    await page.getByLabel("Your answer").fill("the second one");
    await page.getByRole("button", { name: "Answer" }).click();
    await page.locator("#result", { hasText: "It is the second." }).waitFor();
    await page.close();
  });
});

async function isWithinItsWidth(page: Page): Promise<boolean> {
  return await page.evaluate(
    "document.documentElement.scrollWidth <= document.documentElement.clientWidth",
  );
}
