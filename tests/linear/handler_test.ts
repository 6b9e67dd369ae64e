import { assert, assertEquals, assertMatch } from "@std/assert";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import process from "node:process";
import { createBodyBudget, readBody } from "../../handlers/webhook/body.ts";
import { json, openOtto, type Otto } from "../otto.ts";
import { assertLinear, reader } from "./measure.ts";

const BYTES = 65_000;
/** As in the table of readers: for caches, and collections of garbage. */
const MOST_RATIO = 8;
const ADMIN_TOKEN = "a token of the operator's own";

/** Wrong signatures, each as its sender writes them. */
const HEX = "0".repeat(64);
const SENDERS: Record<string, [variable: string, header: string, value: string]> = {
  github: ["GITHUB_WEBHOOK_SECRET", "x-hub-signature-256", `sha256=${HEX}`],
  meta: ["META_APP_SECRET", "x-hub-signature-256", `sha256=${HEX}`],
  notion: ["NOTION_WEBHOOK_SECRET", "x-notion-signature", `sha256=${HEX}`],
  dropbox: ["DROPBOX_APP_SECRET", "x-dropbox-signature", HEX],
  linear: ["LINEAR_WEBHOOK_SECRET", "linear-signature", HEX],
  sentry: ["SENTRY_CLIENT_SECRET", "sentry-hook-signature", HEX],
  asana: ["ASANA_WEBHOOK_SECRET", "x-hook-signature", HEX],
  vercel: ["VERCEL_WEBHOOK_SECRET", "x-vercel-signature", "0".repeat(40)],
};

const ORDINARY = JSON.stringify({ text: "a word and another ".repeat(BYTES / 19) });
const DEPTH = 2_000;
const HOSTILE = {
  "line breaks before an x": `${"\n".repeat(BYTES)}x`,
  "pairs of them": `${"\r\n".repeat(BYTES / 2)}x`,
  "lists in lists": `${"[".repeat(DEPTH)}${"1,".repeat(BYTES / 2 - DEPTH)}1${"]".repeat(DEPTH)}`,
  "quotation marks": JSON.stringify('"'.repeat(BYTES / 2)),
};

describe("eight refused bodies of", () => {
  let otto: Otto;
  beforeAll(async () => {
    const secrets = Object.values(SENDERS).map(([variable], at) => [variable, `secret ${at}`]);
    otto = await openOtto(Object.fromEntries(secrets));
    // The first are those of a cold engine.
    await refuse(ORDINARY);
  });
  afterAll(() => otto[Symbol.asyncDispose]());

  const readReasons = () =>
    otto.services.database.query(
      "read what was refused",
      (sql) =>
        sql<{ reason: string }[]>`
        select reason from messages where state = 'rejected' order by id desc`,
    );

  /**
   * Sends a body to eight senders' webhooks, wrongly signed, and looks at /health beside it.
   *
   * @returns the processor's time until all are diagnosed, in ms; only a few of a flood are, so
   * that it is sent again where some were not.
   */
  async function refuse(body: string): Promise<number> {
    const kept = (await readReasons()).length;
    const before = process.cpuUsage();
    const answers = await Promise.all(
      Object.entries(SENDERS).map(([name, [, header, value]]) =>
        otto.ask(`/webhook/${name}`, { method: "POST", body, headers: { [header]: value } })
      ),
    );
    const health = await otto.ask("/health");
    await otto.services.quarantine.idle();
    const { user, system } = process.cpuUsage(before);
    assertEquals(health.status, 200, await health.text());
    for (const answer of answers) await json(answer, 401);
    const fresh = (await readReasons()).slice(0, -kept || undefined);
    for (const { reason } of fresh) assertMatch(reason, /none of the usual writings/);
    return fresh.length === answers.length ? (user + system) / 1_000 : await refuse(body);
  }

  for (const [what, body] of Object.entries(HOSTILE)) {
    it(`${what} take no longer than of words`, async () => {
      assert(body.length <= 64 * 1024, "a longer body is not written anew");
      const times: [ordinary: number[], hostile: number[]] = [[], []];
      for (let run = 0; run < 3; run++) {
        times[0].push(await refuse(ORDINARY));
        times[1].push(await refuse(body));
      }
      const [usual, worst] = times.map((each) => each.toSorted((one, other) => one - other)[1]);
      assert(worst < MOST_RATIO * usual, `${worst} ms, and ${usual} ms of ordinary ones`);
    });
  }
});

describe("the time for a request grows no faster than it:", () => {
  let otto: Otto;
  beforeAll(async () => {
    otto = await openOtto({ ADMIN_TOKEN });
  });
  afterAll(() => otto[Symbol.asyncDispose]());

  const MOST = 64 * 1024;
  const filled = (part: string, size: number) => part.repeat(Math.ceil(size / part.length));
  const asking = (name: string, ask: (size: number) => [path: string, headers: HeadersInit]) =>
    it(name, () =>
      assertLinear(reader({
        name,
        worst: ask,
        read: async ([path, headers]) => {
          await (await otto.ask(path, { headers })).body?.cancel();
        },
        most: MOST,
      })));

  asking("a path of many steps", (size) => [`/${filled("a/", size)}`, {}]);
  asking("a path of many webhooks", (size) => [filled("/webhook", size), {}]);
  asking("a path of slashes", (size) => [filled("/", size), {}]);
  asking("a path of percent signs", (size) => [`/messages/${filled("%25", size)}`, {}]);
  asking("a query of many names", (size) => [`/messages?${filled("a=b&", size)}`, {}]);
  asking("a search of percent signs", (size) => [`/messages?q=${filled("%25", size)}`, {}]);
  asking("many cookies", (size) => ["/", { cookie: filled("a=b; ", size) }]);
  asking("cookies of quotation marks", (size) => ["/", { cookie: `otto="${filled('\\"', size)}` }]);
  asking(
    "a token of spaces",
    (size) => ["/api/tasks", { authorization: `Bearer a${filled(" ", size)}b` }],
  );
  asking("many addresses", (size) => ["/health", { "x-forwarded-for": filled("1,", size) }]);
  asking("a long Accept", (size) => ["/", { accept: filled("text/html,", size) }]);

  it("a body in chunks of a byte", async () => {
    await assertLinear(reader({
      name: "reading chunks of a byte",
      worst: (size) => size,
      read: async (size) => {
        const { bytes, release } = await readBody(
          new Request("http://a.example/", { method: "POST", body: dripping(size) }),
          size,
          createBodyBudget(),
        );
        assertEquals(bytes.length, size);
        release();
      },
      most: 200_000,
    }));
  });

  it("a body in chunks is copied as they come, so that none of them is kept", async () => {
    const size = 100_000;
    const chunk = new Uint8Array(1);
    const { bytes } = await readBody(
      new Request("http://a.example/", { method: "POST", body: dripping(size, chunk) }),
      size,
      createBodyBudget(),
    );
    assertEquals(bytes, Uint8Array.from({ length: size }, (_, at) => at % 251));
  });
});

/** A body of single bytes, which count up; of one chunk that is written anew each time, if it is given. */
function dripping(size: number, chunk?: Uint8Array): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at === size) return controller.close();
      const next = chunk ?? new Uint8Array(1);
      next[0] = at++ % 251;
      controller.enqueue(next);
    },
  }, { highWaterMark: 0 });
}
