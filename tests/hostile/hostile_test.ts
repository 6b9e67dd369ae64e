import { assert, assertEquals } from "@std/assert";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import {
  freePort,
  type Main,
  requireOrSkip,
  ROOT,
  type RuntimeName,
  startMain,
  until,
} from "../servers/mod.ts";
import { BODIES } from "./body.ts";
import { type Case, github, newDelivery, post, SECRETS, stripe } from "./case.ts";
import { ELSEWHERE } from "./elsewhere.ts";
import { check, expectedOf, piecesOf } from "./expected.ts";
import { FRAMING } from "./framing.ts";
import { AGENT, DASHBOARD, IDENTITY, SHOWN } from "./identity.ts";
import { ROUTING } from "./routing.ts";
import { SIGNATURES } from "./signature.ts";
import { type Conversation, type Piece, speak } from "./speak.ts";

const ROOMS: [name: string, cases: readonly Case[]][] = [
  ["framing", FRAMING],
  ["routing", ROUTING],
  ["bodies", BODIES],
  ["signatures", SIGNATURES],
  ["identity", IDENTITY],
  ["texts", SHOWN],
  ["pages elsewhere and the curious", DASHBOARD],
  ["words for the agent", AGENT],
];
const ALL = ROOMS.flatMap(([, cases]) => cases);

const CONNECTIONS = 200;
/** Node ends them after ten seconds and a look every two. */
const SILENT_MS = 15_000;
/** A deadline, not what it takes. */
const PATIENCE_MS = 40_000;
const WORK_MS = 60_000;

describe("the list of hostile inputs", () => {
  it("has all 136, here or in another test", () => {
    const numbers = new Set([
      ...ALL.map(({ number }) => number),
      ...ELSEWHERE.map(([number]) => number),
    ]);
    assertEquals(
      [...numbers].toSorted((one, other) => one - other),
      Array.from({ length: 136 }, (_, at) => at + 1),
    );
    for (const [, , test] of ELSEWHERE) {
      assert(existsSync(`${ROOT}/${test}`), test);
    }
  });
});

describe("Otto on Deno, before strangers", () => withstands("deno"));
requireOrSkip("Node")(
  "Otto on Node, before strangers",
  () => withstands("node"),
);

function withstands(runtime: RuntimeName): void {
  let folder: string;
  let main: Main;
  /** What was answered with 200 on the way. */
  const kept = new Map<string, Uint8Array>();
  const faults = new Map<string, Promise<string[]>>();
  let silent: Promise<Conversation[]>;

  beforeAll(async () => {
    folder = await mkdtemp(`${tmpdir()}/otto-hostile-`);
    main = await startMain({
      ...SECRETS,
      OTTO_DATA_DIR: folder,
      LOG_LEVEL: "info",
    }, { runtime });
    // The first room and these only wait most of the time; the others take turns meanwhile.
    silent = Promise.all(
      Array.from({ length: CONNECTIONS }, () => speak(main.port, [], { patienceMs: SILENT_MS })),
    );
    let before: Promise<unknown> = Promise.resolve();
    for (const [name, cases] of ROOMS) {
      const all = name === "framing" ? tryAll(cases) : before.then(() => tryAll(cases));
      if (name !== "framing") before = all;
      faults.set(name, all);
    }
  });
  afterAll(async () => {
    await main?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  for (const [name] of ROOMS) {
    it(`answers as it should: ${name}`, async () => assertEquals(await faults.get(name), []));
  }

  it("answers others while 200 connections say nothing", async () => {
    assertEquals((await speak(main.port, post("/webhook/demo"))).answers[0].status, 200);
    const ended = await silent;
    // Deno has no timeouts: there a proxy has to.
    if (runtime === "node") assertEquals(ended.filter(({ closed }) => !closed).length, 0);
  });

  /** Sends all of a room side by side, and says which were answered in another way. */
  async function tryAll(cases: readonly Case[]): Promise<string[]> {
    const tried = await Promise.all(cases.map(async (each) => {
      const expected = expectedOf(each, runtime);
      const said = await speak(main.port, piecesOf(each), {
        patienceMs: expected === "silence" ? SILENT_MS : PATIENCE_MS,
        answers: each.answers,
      });
      try {
        check(expected, said);
        const id = said.answers[0]?.headers.get("x-message-id");
        if (id && each.kept) kept.set(id, each.kept);
        return undefined;
      } catch (error) {
        return `${each.number}, ${each.what}: ${(error as Error).message}`;
      }
    }));
    return tried.filter((fault) => fault !== undefined);
  }

  it("takes a delivery once, however often and in whatever form it comes again", async () => {
    const id = newDelivery();
    const body = '{"action":"opened","number":89}';
    const [first] = await Promise.all(
      Array.from({ length: 100 }, () => take(github(body, { id }))),
    );
    assertEquals(await take(github(body, { id })), first);
    // Another body under the id is another message.
    const other = await take(github('{"action":"closed","number":89}', { id }));
    assert(other !== first);
    const [captured, stripes] = await Promise.all([
      take(github(body, { id: newDelivery() })),
      take(stripe(JSON.stringify({ id, action: "opened" }))),
    ]);
    const states = () => Promise.all([first, captured, stripes, other].map(stateOf));
    await until(async () => !(await states()).includes("new"), {
      what: "them to be worked",
      timeoutMs: WORK_MS,
    });
    // The signed bytes under another id make no second task.
    assertEquals(await states(), ["processed", "filtered", "processed", "processed"]);
    assertEquals((await ask(`/api/messages/${first}`)).repeats, 100);
  });

  it("answers a burst and a flood of wrong signatures, and keeps what it said it would", async () => {
    const burst = Array.from(
      { length: 300 },
      (_, at) => ({ body: `{"burst":${at}}` }),
    );
    const [said, wrong] = await Promise.all([
      Promise.all(burst.map(({ body }) => speak(main.port, github(body)))),
      Promise.all(
        burst.map(({ body }) =>
          speak(
            main.port,
            github(body, { signature: "X-Hub-Signature-256: sha256=00" }),
          )
        ),
      ),
    ]);
    for (const { answers } of said) {
      assert([200, 429, 503].includes(answers[0].status));
    }
    assertEquals(
      new Set(wrong.map(({ answers }) => answers[0].status)),
      new Set([401]),
    );
    for (const [at, { answers: [answer] }] of said.entries()) {
      const id = answer.headers.get("x-message-id");
      if (id) kept.set(id, new TextEncoder().encode(burst[at].body));
    }
  });

  it("fetches nothing that a payload names", async () => {
    let touched = 0;
    const port = await freePort();
    const tripwire = createServer(() => touched++).listen(port, "127.0.0.1");
    await once(tripwire, "listening");
    try {
      const urls = [
        `http://127.0.0.1:${port}/`,
        `http://127.1:${port}/`,
        `http://2130706433:${port}/`,
        `http://0x7f.1:${port}/`,
        `http://0.0.0.0:${port}/`,
        `http://[::ffff:7f00:1]:${port}/`,
        `http://localhost.:${port}/`,
        `http://good.example@127.0.0.1:${port}/`,
        `ftp://127.0.0.1:${port}/`,
        `gopher://127.0.0.1:${port}/`,
        "file:///etc/passwd",
        "data:text/html,hostile",
        "http://169.254.169.254/latest/meta-data/",
      ];
      const ids = await Promise.all(
        urls.map((url) =>
          take(
            post(
              "/webhook/shown",
              JSON.stringify({ title: "Look", url, image: url, link: url }),
            ),
          )
        ),
      );
      await until(
        async () => !(await Promise.all(ids.map(stateOf))).includes("new"),
        {
          what: "them to be worked",
          timeoutMs: WORK_MS,
        },
      );
      await allDone();
      assertEquals(touched, 0);
      for (const id of ids) {
        const page = await text(`/messages/${id}`);
        assert(!/href="(ftp|gopher|file|data|javascript):/i.test(page), id);
      }
    } finally {
      tripwire.close();
    }
  });

  it("has kept all that it answered with 200, byte for byte, and worked it", async () => {
    assert(kept.size > 100, `${kept.size}`);
    await allDone();
    for (const [id, bytes] of kept) {
      const answer = await fetch(`${main.origin}/api/messages/${id}/body`);
      const body = new Uint8Array(await answer.arrayBuffer());
      assertEquals(hash(body), hash(bytes), id);
      // Nobody's browser may take it for a page.
      assertEquals(answer.headers.get("x-content-type-options"), "nosniff");
      assert(
        /^attachment|sandbox/.test(
          `${answer.headers.get("content-disposition")} ${
            answer.headers.get("content-security-policy")
          }`,
        ),
        [...answer.headers].join("; "),
      );
    }
  });

  it("shows texts as texts, its secrets nowhere, and the sender's address as it is", async () => {
    const pages = await Promise.all(
      ["/messages", "/tasks", "/", "/system"].map((path) => text(path)),
    );
    const { items } = await ask("/api/messages?webhook_type=shown&limit=50");
    for (const { message_id, task_id, client_ip } of items) {
      pages.push(await text(`/messages/${message_id}`));
      if (task_id) pages.push(await text(`/tasks/${task_id}`));
      assertEquals(client_ip, "127.0.0.1");
    }
    for (const page of pages) {
      assert(!/<script>hostile|<img src=x|<svg\/onload/i.test(page));
      assert(!/href="javascript:/i.test(page));
      for (const secret of Object.values(SECRETS)) assert(!page.includes(secret));
    }
    for (const line of main.process.lines) {
      for (const secret of Object.values(SECRETS)) assert(!line.includes(secret), line);
      // deno-lint-ignore no-control-regex
      assert(!/[\x00-\x08\x0e-\x1f]/.test(line), line);
    }
  });

  it("is well after all of it, and takes a webhook as before", async () => {
    const health = await fetch(`${main.origin}/health`);
    assertEquals([health.status, (await health.json()).status], [200, "ok"]);
    assertEquals((await fetch(`${main.origin}/webhook/health`)).status, 200);
    const id = await take(github('{"action":"opened","number":1}'));
    await until(async () => await stateOf(id) === "processed", {
      what: "it to be worked",
      timeoutMs: WORK_MS,
    });
    assert(
      !main.process.lines.some((line) => /internal_error|UnhandledPromise/.test(line)),
    );
  });

  /** Sends what must be answered with 200, and returns the message's id. */
  async function take(pieces: readonly Piece[]): Promise<string> {
    const { answers: [answer] } = await speak(main.port, pieces);
    assertEquals(answer?.status, 200, answer?.body);
    return answer.headers.get("x-message-id")!;
  }

  // deno-lint-ignore no-explicit-any -- answers of many shapes
  async function ask(path: string): Promise<any> {
    return await (await fetch(main.origin + path)).json();
  }

  async function text(path: string): Promise<string> {
    return await (await fetch(main.origin + path, {
      headers: { accept: "text/html" },
    })).text();
  }

  const stateOf = async (id: string): Promise<string> => (await ask(`/api/messages/${id}`)).state;

  async function allDone(): Promise<void> {
    await until(async () => {
      const { queue, jobs } = await ask("/webhook/stats");
      return queue.depth + jobs.pending + jobs.running === 0;
    }, { what: "all to be worked", timeoutMs: WORK_MS });
  }
}

function hash(body: Uint8Array): string {
  return createHash("sha256").update(body).digest("hex");
}
