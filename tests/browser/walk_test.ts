import { assertEquals } from "@std/assert";
import { afterAll, beforeAll, it } from "@std/testing/bdd";
import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import { ACCESS } from "../../handlers/access.ts";
import { call, finish } from "../agent/stage.ts";
import { type FakeMcp, startMcp } from "../fakes/mcp.ts";
import { json } from "../otto.ts";
import { until } from "../servers/wait.ts";
import { describeInBrowser, startChromium } from "./chromium.ts";
import { type House, openHouse } from "./house.ts";

/** A name that is markup, turns its line round, has no gap to break at, and is not in Latin letters. */
const NAME = `<b>שלום</b> \u202Egnihtemos https://example.com/${"Wm".repeat(60)} 価格を更新`;
const EVERYTHING = { resultTypes: ["violations"] };
const COLOURS = { ...EVERYTHING, runOnly: ["color-contrast"] };
/** How a page is looked at, and what axe looks for. */
const VIEWS = [
  { width: 375, colorScheme: "light", rules: EVERYTHING },
  { width: 1280, colorScheme: "dark", rules: EVERYTHING },
  { width: 1280, colorScheme: "light", rules: COLOURS },
] as const;
/** The page for a path that is none. */
const NOWHERE = "/nothing";
const NOT_PAGES = /^\/(?:api|static|webhook)\/|^\/(?:health|metrics|openapi\.json|live)$/;
const SOURCES = {
  acme: { subject: { key: "{order}", name: "Order of {who}" }, later: "continue" },
};
const TOOLS = ["ask_human", "wait_for_event", "add_note", "desk__search", "set_title"];

/** Every page in a state with data, on a phone and on a screen, in the light and in the dark. */
describeInBrowser("every page", () => {
  let house: House;
  let browser: Browser;
  let mcp: FakeMcp;
  let file: string;
  /** The pages of each route. */
  let pages: Record<string, string[]>;

  const post = async (path: string, body: unknown) =>
    await json(
      await fetch(house.url + path, {
        method: "POST",
        body: JSON.stringify(body),
        headers: { "content-type": "application/json" },
      }),
      201,
    );
  /** Sends a form, and says where that leads. */
  async function send(path: string, fields: [string, string][]): Promise<string> {
    const answer = await fetch(house.url + path, {
      method: "POST",
      body: new URLSearchParams(fields),
      redirect: "manual",
    });
    await answer.body?.cancel();
    assertEquals(answer.status, 303, path);
    return answer.headers.get("location")!;
  }
  const order = (number: number, text: string) =>
    house.send({ order: number, who: NAME, text, title: NAME }, "acme");
  const rows = async <T>(query: string) =>
    await house.services.database.query("look", (sql) => sql.unsafe(query)) as T[];
  const ended = async (message: string, status: string) => (await until(
    async () =>
      (await rows<{ id: string; subject: string }>(
        `select id, subject_id as subject from tasks
          where message_id = '${message}' and status = '${status}'`,
      ))[0],
    { what: `a task that is ${status}`, timeoutMs: 60_000 },
  ));

  beforeAll(async () => {
    file = await Deno.makeTempFile({ suffix: ".json" });
    await Deno.writeTextFile(file, JSON.stringify(SOURCES));
    const tool = (name: string, description: unknown = NAME) => ({
      name,
      description,
      inputSchema: { type: "object" },
    });
    mcp = startMcp([tool("search"), tool("broken", null), tool("undeclared")]);
    [house, browser] = await Promise.all([
      openHouse({
        env: {
          SOURCES_FILE: file,
          AGENT_TRIAL_MODELS: "gpt-5-nano",
          AGENT_PRICES: JSON.stringify({
            "openai/gpt-5-mini": { input: 1, output: 2, currency: "USD" },
            "openai/gpt-5-nano": { input: 1, output: 2, currency: "USD" },
          }),
          MCP_CONFIG_JSON: JSON.stringify({
            mcpServers: { desk: { url: mcp.url }, away: { url: "http://127.0.0.1:9/mcp" } },
          }),
        },
        rules: {
          default: { unverified_tools: TOOLS, tools: TOOLS, approve: ["add_note"] },
          mcp_tools: Object.fromEntries(
            ["desk__search", "desk__broken", "desk__gone", "away__tool"]
              .map((name) => [name, { reads: "public", effect: "none" }]),
          ),
        },
      }),
      startChromium(),
    ]);
    pages = await furnish();
  });
  afterAll(async () => {
    await browser?.close();
    await house?.[Symbol.asyncDispose]();
    await mcp?.[Symbol.asyncDispose]();
    await Deno.remove(file);
  });

  /** Makes something of everything that a page can show. */
  async function furnish(): Promise<Record<string, string[]>> {
    const says = (...script: House["model"]["script"]) => house.model.script = script;
    says(
      call("desk__search", { query: NAME }),
      call("set_title", { title: NAME }),
      call("unknown", {}),
      finish(
        `# ${NAME}\n\n[${NAME}](https://example.com/x)\n\n| a | b |\n| - | -: |\n| ${NAME} | 1 |` +
          "\n\n```\ncode\n```\n> quoted, with `code` and https://example.com/y in it",
      ),
    );
    const done = await order(1, "Broken");
    const doneTask = await ended(done, "completed");
    says(finish(`It failed: ${NAME}`, "failed"));
    const failed = await ended(await order(2, "Broken"), "failed");
    says(call("ask_human", { question: `**Refund** ${NAME}?` }));
    const askedMessage = await order(3, "Broken");
    const asked = await ended(askedMessage, "waiting_input");
    await order(3, "And late");
    says(call("add_note", { text: NAME }));
    const approval = await ended(await order(4, "Broken"), "waiting_input");
    says(call("add_note", { text: NAME }));
    says(finish("Seen"));
    await house.sendIssue(NAME, NAME);
    const many = Array.from({ length: 300 }, (_, at) => order(1, `${at}`));
    await Promise.all(many);
    await fetch(`${house.url}/webhook/slack`, { method: "POST", body: "{}" })
      .then((answer) => answer.body?.cancel());
    const user = await post("/api/users", { email: "ada@example.com", name: NAME });
    await post(`/api/users/${user.id}/tokens`, { name: NAME.slice(0, 90), role: "reader" });
    says(call("set_title", { title: NAME }), finish(NAME));
    const trial = await send(`/messages/${done}/trials`, [
      ["instruction", NAME],
      ["model", "openai/gpt-5-nano"],
      ["tool", "set_title"],
    ]);
    await until(
      async () => (await rows(`select from trials where status = 'completed'`))[0],
      { what: "a trial", timeoutMs: 60_000 },
    );
    const replays = await send("/messages/many/replay", [["ids", `${askedMessage},${done}`]]);
    const bulk = await send("/bulk", [["of", "messages"], ["action", "replay"], [
      "webhook_type",
      "acme",
    ]]);
    const [refused] = await rows<{ id: string }>(
      "select id from messages where verification = 'rejected'",
    );
    return {
      "/": ["/"],
      "/sign-in": ["/sign-in"],
      "/docs": ["/docs"],
      "/messages": [
        "/messages",
        "/messages?group=subject",
        "/messages?phase=needs_you",
        `/messages?open=${done}`,
      ],
      "/messages/replay": [`/messages/replay?id=${done}`],
      "/messages/replays": [replays],
      "/messages/many": [
        `/messages/many?id=${done}&id=${askedMessage}`,
        "/messages/many?webhook_type=acme",
      ],
      "/messages/:id": [`/messages/${done}`, `/messages/${refused.id}`],
      "/messages/:id/replay": [`/messages/${done}/replay`],
      "/messages/:id/edit": [`/messages/${done}/edit`],
      "/messages/:id/delete": [`/messages/${done}/delete`],
      "/messages/:id/trials": [`/messages/${done}/trials`],
      "/bulk": ["/bulk"],
      "/bulk/:id": [bulk],
      "/tasks": ["/tasks", "/tasks?group=subject"],
      "/tasks/many": [`/tasks/many?id=${failed.id}&action=retry`],
      "/tasks/:id": [doneTask, failed, asked, approval].map(({ id }) => `/tasks/${id}`),
      "/trials/:id": [trial],
      "/sources/:name/trials": ["/sources/acme/trials"],
      "/subjects": ["/subjects"],
      "/subjects/:id": [doneTask, asked].map(({ subject }) => `/subjects/${subject}`),
      "/sources": ["/sources"],
      "/sources/:name": ["/sources/acme", "/sources/github", "/sources/slack"],
      "/sources/:name/connect": ["/sources/github/connect"],
      "/sources/:name/try": ["/sources/github/try"],
      "/users": ["/users"],
      "/users/:id": [`/users/${user.id}`],
      "/audit": ["/audit"],
      "/system": ["/system"],
      "/routes": ["/routes"],
    };
  }

  it("is walked", () => {
    const routes = ACCESS.filter(([method, path]) => method === "GET" && !NOT_PAGES.test(path));
    assertEquals(Object.keys(pages).sort(), routes.map(([, path]) => path).sort());
  });

  it("keeps nobody out, and is as wide as what shows it", async () => {
    const context = await browser.newContext({ baseURL: house.url, reducedMotion: "reduce" });
    const wrong: string[] = [];
    try {
      const page = await context.newPage();
      page.on("pageerror", (error) => wrong.push(`${page.url()} threw ${error.message}`));
      page.on("request", (request) => {
        if (!request.url().startsWith(house.url)) wrong.push(`asked ${request.url()}`);
      });
      for (const path of [...Object.values(pages).flat(), NOWHERE]) {
        await page.setViewportSize({ width: VIEWS[0].width, height: 900 });
        const answer = await page.goto(path);
        const status = answer?.status();
        if (status !== (path === NOWHERE ? 404 : 200)) wrong.push(`${path} answered ${status}`);
        await page.evaluate("document.querySelectorAll('details').forEach((it) => it.open = true)");
        await page.evaluate(axe.source);
        for (const view of VIEWS) wrong.push(...await look(page, view));
      }
    } finally {
      await context.close();
    }
    assertEquals(wrong, []);
  });

  /** What is wrong with the page as it stands; a picture is taken of one where something is. */
  async function look(
    page: Page,
    { width, colorScheme, rules }: typeof VIEWS[number],
  ): Promise<string[]> {
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme });
    const { violations } = await page.evaluate(`axe.run(${JSON.stringify(rules)})`) as {
      violations: { id: string; nodes: { html: string; failureSummary: string }[] }[];
    };
    const wrong = violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`)
    );
    const [inner, outer] = await page.locator("html").evaluate((it) => [
      it.scrollWidth,
      it.clientWidth,
    ]);
    if (inner > outer) wrong.push(`it is ${inner} wide, and has ${outer}`);
    if (wrong.length === 0) return [];
    const picture = await Deno.makeTempFile({ prefix: "otto-walk-", suffix: ".png" });
    await page.screenshot({ path: picture, fullPage: true });
    return wrong.map((each) =>
      `${page.url()}, ${width} wide, ${colorScheme} (${picture}): ${each}`
    );
  }
});
