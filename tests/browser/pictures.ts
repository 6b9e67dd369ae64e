import { Buffer } from "node:buffer";
import { mkdir, writeFile } from "node:fs/promises";
import type { Browser } from "playwright-core";
import { call, finish } from "../agent/stage.ts";
import type { Asked, Say } from "../fakes/server.ts";
import { until } from "../servers/wait.ts";
import { startChromium } from "./chromium.ts";
import { type House, openHouse } from "./house.ts";
import { setClock } from "./pictures_clock.ts";

// The README's pictures: Otto as anybody starts it, with samples of some senders and a model whose
// words are written below. `deno task pictures` makes them anew; nobody makes one by hand.

const FOLDER = new URL("../../docs/pictures/", import.meta.url);
const THEMES = ["light", "dark"] as const;
const WIDTH = 1280;
/** Twice the pixels, for screens that have them. */
const SHARPNESS = 2;
/** Of WebP, from 0 to 100: text stays sharp, and a picture is some 100 KB. */
const QUALITY = 72;

const RULES = {
  sources: {
    github: {
      tools: ["get_payload", "search_payload", "notify", "ask_human", "finish"],
      approve: ["notify"],
      notify: ["web:web"],
    },
    stripe: { tools: ["get_payload", "ask_human", "finish"] },
  },
};
const SECRETS = {
  STRIPE_WEBHOOK_SECRET: "whsec_of_the_pictures",
  WEBHOOK_SECRET_SHOPIFY: "a secret of the pictures",
  WEBHOOK_SECRET_LINEAR: "a secret of the pictures",
  TWILIO_AUTH_TOKEN: "a secret of the pictures",
};

const ISSUE = "Calls drop after one minute on Pixel 9";
const REPORT =
  "Every call ends after 60 seconds since 4.2.0. Wi-Fi only, mobile data is fine. Log: " +
  "`SIP 408 Request Timeout`, keep-alive every 90 s.";

const ISSUE_WORDS: Say[] = [
  {
    text: "A crash of calls on one phone. I read the report before I judge it.",
    ...calls("get_payload", { path: "issue.body" }),
  },
  {
    text: "The keep-alive (**90 s**) is longer than what closes idle connections (**60 s**). Is " +
      "there more on the version?",
    ...calls("search_payload", { text: "4.2.0" }),
  },
  {
    text: "This began with a release, so whoever is on duty should know.",
    ...calls("notify", {
      destination: "web:web",
      text: "Calls over Wi-Fi drop after 60 s since 4.2.0 (keep-alive is 90 s)",
    }),
  },
  finish(
    "Calls over **Wi-Fi** end after 60 seconds since `4.2.0`: the keep-alive comes later than the " +
      "connection is closed.\n\n" +
      "| What | Found |\n| --- | --- |\n| Since | `4.2.0` |\n| Where | Wi-Fi, not mobile data |\n" +
      "| Log | `SIP 408 Request Timeout` |\n| Likely cause | keep-alive 90 s, idle limit 60 s |\n\n" +
      "**Next:** set the keep-alive below 60 s. The person on duty has been told.",
  ),
];

function calls(tool: string, args: unknown): { calls: { tool: string; args: unknown }[] } {
  return { calls: [{ tool, args }] };
}

/** What the model says, by what it is asked about. */
function say({ text, body }: Asked): Say {
  const turn = body.messages.filter(({ role }: { role: string }) => role === "assistant").length;
  if (text.includes(ISSUE)) return ISSUE_WORDS[Math.min(turn, ISSUE_WORDS.length - 1)];
  if (text.includes('source=\\"stripe\\"')) {
    return call("ask_human", {
      question: "The card was refused twice. May I write to the customer?",
    });
  }
  return finish("Nothing to do: this is **for information**.");
}

/** What came, oldest first, and how many minutes ago. */
async function send(house: House): Promise<void> {
  for (const source of ["shopify", "linear", "twilio", "stripe"]) await sendSample(house, source);
  await fetch(`${house.url}/webhook/github`, {
    method: "POST",
    body: JSON.stringify({ repository: { full_name: "octo/billing" }, ref: "refs/heads/main" }),
    headers: {
      "content-type": "application/json",
      "x-github-event": "push",
      "x-hub-signature-256": `sha256=${"0".repeat(64)}`,
    },
  }).then((answer) => answer.body?.cancel());
  await house.send({ title: "Nightly backup finished", status: "ok" }, "backups");
  await house.sendIssue(ISSUE, REPORT);
}

async function sendSample({ url }: House, source: string): Promise<void> {
  const answer = await fetch(`${url}/samples`, {
    method: "POST",
    body: new URLSearchParams({ source }),
    headers: { origin: url },
    redirect: "manual",
  });
  await answer.body?.cancel();
  if (answer.status !== 303) throw new Error(`${source}'s sample: ${answer.status}`);
}

/** Waits for the issue's task to ask, says yes, and waits for all to have ended or asked. */
async function workOff({ url, services: { database } }: House): Promise<string> {
  const id = await until(async () => {
    const [found] = await database.query(
      "look for what waits",
      (sql) =>
        sql<{ id: string; task_id: string }[]>`
        select id, task_id from approvals where state = 'pending'`,
    );
    if (!found) return undefined;
    const answer = await fetch(`${url}/api/tasks/${found.task_id}/approve`, {
      method: "POST",
      body: JSON.stringify({ approval_id: found.id }),
      headers: { "content-type": "application/json" },
    });
    await answer.body?.cancel();
    return answer.ok && found.task_id;
  }, { what: "the call that needs an approval", timeoutMs: 30_000 });
  await until(async () => {
    const [{ open }] = await database.query(
      "look for what is open",
      (sql) =>
        sql<{ open: number }[]>`
        select (select count(*) from tasks where status in ('pending', 'running'))::int
          + (select count(*) from messages where state = 'new')::int
          + (select count(*) from notifications where state = 'pending')::int as open`,
    );
    return open === 0;
  }, { what: "the end of all tasks", timeoutMs: 30_000 });
  return id;
}

/** Takes pictures of the top of a page. */
async function take(
  browser: Browser,
  { url, name, height }: { url: string; name: string; height: number },
): Promise<void> {
  for (const colorScheme of THEMES) {
    const context = await browser.newContext({
      colorScheme,
      viewport: { width: WIDTH, height },
      deviceScaleFactor: SHARPNESS,
      reducedMotion: "reduce",
    });
    const page = await context.newPage();
    await page.goto(url);
    await page.locator(".word[data-word='live']").waitFor();
    // The first tool call, opened.
    const details = page.locator(".waterfall li.tool details").first();
    if (await details.count() > 0) await details.locator("> summary").click();
    await page.mouse.move(0, 0);
    const session = await context.newCDPSession(page);
    const { data } = await session.send("Page.captureScreenshot", {
      format: "webp",
      quality: QUALITY,
    });
    await writeFile(new URL(`${name}-${colorScheme}.webp`, FOLDER), Buffer.from(data, "base64"));
    await context.close();
  }
}

/** Otto with all that the pictures show, and the id of the task on them. */
export async function openScene(): Promise<{ house: House; task: string }> {
  const house = await openHouse({ env: SECRETS, rules: RULES });
  house.model.script = [say];
  await send(house);
  const task = await workOff(house);
  await setClock(house.services.database);
  return { house, task };
}

if (import.meta.main) {
  await mkdir(FOLDER, { recursive: true });
  const scene = await openScene();
  await using house = scene.house;
  const browser = await startChromium();
  await take(browser, { url: house.url, name: "live", height: 860 });
  await take(browser, { url: `${house.url}/tasks/${scene.task}`, name: "task", height: 1_240 });
  await browser.close();
}
