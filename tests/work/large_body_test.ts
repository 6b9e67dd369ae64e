import { assert, assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { createHmac } from "node:crypto";
import { createLog } from "../../lib/process/log.ts";
import { excerptOf } from "../../lib/reading/excerpt.ts";
import { openReader } from "../../lib/reading/reader.ts";
import { readDescribed } from "../../lib/reading/reading.ts";
import { createRegistry } from "../../sources/rules/registry.ts";
import { testFolder } from "../folder.ts";
import { openOtto, type Otto } from "../otto.ts";
import { until } from "../servers/mod.ts";

const MIB = 1024 * 1024;
const OPENED = { "x-github-event": "pull_request", "content-type": "application/json" };

/** A pull request as GitHub tells of it, with so many bytes of small objects and arrays behind it. */
function pullRequest(bytes: number, item = '{"id":1,"labels":[]},'): string {
  const head = JSON.stringify({
    action: "opened",
    number: 7,
    pull_request: {
      number: 7,
      title: "Ring twice",
      html_url: "https://github.com/octo/phone/pull/7",
    },
    repository: { full_name: "octo/phone" },
    sender: { login: "ada" },
  });
  return `${head.slice(0, -1)},"files":[${item.repeat(bytes / item.length)}null]}`;
}

/** The longest time in which this process answered nobody. */
function watchLoop(): { stop(): number } {
  let last = performance.now();
  let longest = 0;
  const timer = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  }, 1);
  return {
    stop() {
      clearInterval(timer);
      return Math.max(longest, performance.now() - last);
    },
  };
}

function timeHere(body: string): number {
  const began = performance.now();
  const message = { webhookType: "github", headers: new Headers(OPENED) };
  const config = { agentAccounts: [], publicUrl: undefined, maxBodyBytes: undefined };
  readDescribed({ config, sources: createRegistry() }, message, new TextEncoder().encode(body));
  return performance.now() - began;
}

/** The longest stretch of it, in milliseconds, in which nothing else had its turn. */
async function longestTurn(work: () => Promise<unknown>): Promise<number> {
  const watch = watchLoop();
  await work();
  return watch.stop();
}

/** Works off this body, and returns its message and task. */
async function worked(otto: Otto, body: string, headers: Record<string, string> = OPENED) {
  const id = await otto.send("github", body, headers);
  await otto.workOff();
  const { payload: _, ...message } = await otto.get(`/api/messages/${id}`);
  const task = message.task_id && await otto.get(`/api/tasks/${message.task_id}`);
  return { message, task };
}

/** Otto with another reader. */
async function openWith(instead: Parameters<typeof openReader>[1]) {
  const otto = await openOtto();
  const { config, sources, database } = otto.services;
  await otto.services.reader[Symbol.asyncDispose]();
  const reader = openReader({ config, sources, database, log: createLog("silent") }, instead);
  Object.assign(otto.services, { reader });
  return { otto, reader };
}

describe("a large body", () => {
  it("holds up nobody while it is read", async () => {
    await using otto = await openOtto();
    // The thread is there before anything is measured.
    await worked(otto, pullRequest(2 * MIB));
    const body = pullRequest(24 * MIB, "{},");
    const alone = timeHere(body);
    await otto.send("github", body, OPENED);
    const longest = await longestTurn(() => otto.workOff());
    assert(longest < alone / 2, `stood still for ${longest} ms; parsing it takes ${alone} ms`);
  });

  it("becomes the same task as a small one", async () => {
    await using otto = await openOtto();
    const small = await worked(otto, pullRequest(100));
    const large = await worked(otto, pullRequest(24 * MIB));
    assertEquals(small.task.title, 'ada opened PR #7 "Ring twice" in octo/phone');
    for (const same of ["title", "description", "status"]) {
      assertEquals(large.task[same], small.task[same]);
    }
    assertEquals(large.task.result.data, small.task.result.data);
    assertEquals(large.message.event, small.message.event);
  });

  it("is judged by the operator's rules", async () => {
    await using folder = await testFolder();
    const SOURCES_FILE = await folder.write("sources.json", {
      github: {
        title: "{number}: {pull_request.title}",
        filter: [{ path: "files[100000].id", exists: true }],
      },
    });
    await using otto = await openOtto({ SOURCES_FILE, AGENT_ACCOUNTS: "otto-bot" });
    assertEquals((await worked(otto, pullRequest(3 * MIB))).task.title, "7: Ring twice");
    const short = await worked(otto, pullRequest(1.5 * MIB));
    assertEquals(short.message.state, "filtered");
    assertMatch(short.message.reason, /^Held back by the filter in SOURCES_FILE/);
    const own = await worked(otto, pullRequest(3 * MIB).replace('"ada"', '"otto-bot"'));
    assertMatch(own.message.reason, /^Done by otto-bot/);
  });

  it("is told from a repeat by its signed bytes", async () => {
    const secret = "a secret of GitHub's";
    await using otto = await openOtto({ GITHUB_WEBHOOK_SECRET: secret });
    const body = pullRequest(2 * MIB);
    const signature = `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
    const send = (id: string) =>
      worked(otto, body, {
        ...OPENED,
        "x-github-delivery": id,
        "x-hub-signature-256": signature,
      });
    const first = await send("one");
    assertEquals(first.task.status, "completed");
    assertMatch(
      (await send("two")).message.reason,
      new RegExp(`same signed bytes came before, as message ${first.message.message_id}`),
    );
  });

  it("fails with words where it would explode in memory, and the next one is worked", async () => {
    await using otto = await openOtto();
    const { message } = await worked(otto, pullRequest(24 * MIB, '{"34":0},'));
    assertEquals(message.state, "failed");
    assertMatch(message.error, /too large to read, with more than 1000000 keys/);
    assertEquals((await worked(otto, pullRequest(2 * MIB))).task.status, "completed");
  });

  it("fails with the words that a small one fails with", async () => {
    await using otto = await openOtto();
    const deep = (bytes: number) => `${"[".repeat(600)}"${"x".repeat(bytes)}"${"]".repeat(600)}`;
    const small = await worked(otto, deep(1));
    const large = await worked(otto, deep(2 * MIB));
    assertEquals(large.message.state, "failed");
    assertMatch(large.message.error, /nests deeper than 512 levels/);
    assertEquals(large.message.error, small.message.error);
  });

  it("fails with words when its time is over, and the next one is worked", async () => {
    const { otto, reader } = await openWith({
      msFor: (bytes) => bytes > 20 * MIB ? 1 : 60_000,
    });
    await using _ = otto;
    await using _reader = reader;
    const { message } = await worked(otto, pullRequest(24 * MIB));
    assertEquals(message.state, "failed");
    assertMatch(message.error, /^Reading the body failed: its \d+ bytes are too large to read/);
    assertEquals((await worked(otto, pullRequest(2 * MIB))).task.status, "completed");
    assertEquals((await worked(otto, pullRequest(100))).task.status, "completed");
  });

  it("fails with words when the thread that reads it ends", async () => {
    const { otto, reader } = await openWith({
      entry: new URL("./ending_thread.ts", import.meta.url),
    });
    await using _ = otto;
    await using _reader = reader;
    const { message } = await worked(otto, pullRequest(2 * MIB));
    assertEquals(message.state, "failed");
    assertMatch(message.error, /too large to read/);
    assertEquals((await worked(otto, pullRequest(100))).task.status, "completed");
  });

  it("is read all the same where no thread can be started", async () => {
    const { otto, reader } = await openWith({
      entry: new URL("./broken_thread.ts", import.meta.url),
    });
    await using _ = otto;
    await using _reader = reader;
    assertEquals((await worked(otto, pullRequest(2 * MIB))).task.status, "completed");
  });

  it("stays new when Otto stops in the middle", async () => {
    const { otto, reader } = await openWith({});
    await using _ = otto;
    const id = await otto.send("github", pullRequest(24 * MIB), OPENED);
    const read = otto.workOff().catch((error) => error);
    await until(() => Promise.resolve(reader.isReading), { what: "the reading to begin" });
    await reader[Symbol.asyncDispose]();
    assertMatch(String(await read), /Otto stops/);
    assertEquals((await otto.get(`/api/messages/${id}`)).state, "new");
  });
});

describe("the excerpt of a payload", () => {
  const size = (value: unknown) => JSON.stringify(excerptOf(value)).length;

  it("is the whole of a small one", () => {
    const small = { a: [1, "two", null, { b: true }], c: {} };
    assertEquals(excerptOf(small), small);
  });

  it("says what it leaves out, and keeps what comes after it", () => {
    const excerpt = excerptOf({
      files: Array.from({ length: 1_000_000 }, (_, id) => ({ id })),
      text: "x".repeat(5 * MIB),
      sender: { login: "ada" },
    }) as { files: unknown[]; text: string; sender: unknown };
    assertEquals(excerpt.files[0], { id: 0 });
    assertMatch(String(excerpt.files.at(-1)), /^… \(9\d{5} more items\)$/);
    assertMatch(excerpt.text.slice(-40), /… \(\d+ more characters\)$/);
    assertEquals(excerpt.sender, { login: "ada" });
  });

  it("stays small whatever the payload", () => {
    let wide: unknown = "x".repeat(1_000);
    for (let level = 0; level < 8; level++) wide = Array(8).fill(wide);
    let deep: unknown = 1;
    for (let level = 0; level < 500; level++) deep = { ["k".repeat(10_000)]: deep, more: deep };
    for (
      const payload of [
        wide,
        deep,
        Array(3_000_000).fill({}),
        "x".repeat(20 * MIB),
        Object.fromEntries(Array.from({ length: 500_000 }, (_, n) => [`key ${n}`, n])),
      ]
    ) {
      assert(size(payload) < 1.5 * MIB);
    }
  });
});
