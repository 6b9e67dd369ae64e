import { assert, assertEquals, assertMatch } from "@std/assert";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import { json, JSON_TYPE, openOtto, type Otto } from "../otto.ts";
import { freePort, runOtto, startOtto } from "./run_otto.ts";

const ADMIN_TOKEN = "a token of the admin's own".replaceAll(" ", "-");
const READ_TOKEN = "a token of a reader's own".replaceAll(" ", "-");
const GITHUB = { GITHUB_WEBHOOK_SECRET: "what GitHub signs with" };
/** Sets the clipboard, turns the line round, rings, moves the cursor. */
const HOSTILE = "evil \u001b]52;c;aGk=\u0007 \u202e \u009b2J \u2066";
// deno-lint-ignore no-control-regex -- it is what must not come through
const CONTROLS = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

/** All schemes of senders of one's own that a secret of theirs can sign for. */
const OWN = {
  hmac: { scheme: { type: "hmac", header: "X-Sig", signed: "{body}" }, event: "{invoice.state}" },
  bearer: { scheme: "bearer" },
  basic: { scheme: "basic" },
  token: { scheme: { type: "token", header: "X-Token" } },
  inurl: { scheme: { type: "token", parameter: "key" } },
  jwt: { scheme: "jwt" },
  inbody: {
    scheme: { type: "hmac_in_body", field: "sent.sig", signed: "{order.id}|{order.total}" },
    id: ["order.id"],
  },
  batch: {
    scheme: {
      type: "hmac_in_body",
      field: "sig",
      items: "list[*].item",
      signed: "{id}",
      encoding: "base64",
    },
  },
  like: { scheme: { type: "like", source: "stripe" } },
};

describe("the shell", () => {
  let otto: Otto;
  let server: Deno.HttpServer<Deno.NetAddr>;
  let folder: string;
  let env: Record<string, string>;
  const heads: Headers[] = [];
  const admin = { authorization: `Bearer ${ADMIN_TOKEN}` };
  const listed = async (query = "") =>
    (await json(await otto.ask(`/api/messages?${query}`, { headers: admin }))).items;

  beforeAll(async () => {
    // Within the folder that the task may read.
    folder = await Deno.makeTempDir({
      dir: new URL("../..", import.meta.url).pathname,
      prefix: ".test-",
    });
    await Deno.writeTextFile(`${folder}/sources.json`, JSON.stringify(OWN));
    env = {
      ADMIN_TOKEN,
      READ_TOKEN,
      SOURCES_FILE: `${folder}/sources.json`,
      ...GITHUB,
      ...Object.fromEntries(
        Object.keys(OWN).map((name) => [`WEBHOOK_SECRET_${name.toUpperCase()}`, `${name} secret`]),
      ),
    };
    otto = await openOtto(env);
    server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request, info) => {
      heads.push(request.headers);
      return otto.app.fetch(request, { address: () => info.remoteAddr.hostname });
    });
    env.PORT = String(server.addr.port);
  });
  afterAll(async () => {
    await server.shutdown();
    await otto[Symbol.asyncDispose]();
    await Deno.remove(folder, { recursive: true });
  });

  it("helps without being told what to do, and says what was meant", async () => {
    const [bare, asked, slip, odd, which] = await Promise.all([
      runOtto([]),
      runOtto(["--help"]),
      runOtto(["sned"]),
      runOtto(["send", "--what"]),
      runOtto(["--version"]),
    ]);
    assertEquals([bare.code, asked.code, slip.code, odd.code, which.code], [0, 0, 2, 2, 0]);
    assertEquals(bare.out, asked.out);
    for (const name of ["doctor", "send", "tail", "replay", "release", "explain"]) {
      assertMatch(asked.out, new RegExp(`^  ${name} `, "m"));
    }
    assertMatch(slip.error, /Did you mean send\?/);
    assertMatch(which.out, /^\d+\.\d+\.\d+/);
    assertEquals(slip.out + odd.out, "");
  });

  it("asks whether Otto is running where nobody answers, and ends with 7", async () => {
    const away = { PORT: await freePort() };
    for (const args of [["send", "github", "push"], ["tail"], ["explain", crypto.randomUUID()]]) {
      const { code, out, error } = await runOtto(args, away);
      assertEquals([code, out], [7, ""], args.join(" "));
      assertMatch(error, /connection refused\)\. Is Otto running\?/);
      assertEquals(error.trim().split("\n").length, 1, error);
    }
  });

  it("ends with 3 where a setting is wrong, and names it", async () => {
    const { code, error } = await runOtto(["tail"], { PORT: "x" });
    assertEquals(code, 3);
    assertMatch(error, /PORT must be a port number/);
  });

  it("sends a sample of each source of one's own, signed by its scheme", async () => {
    for (const name of Object.keys(OWN)) {
      const { code, out, error } = await runOtto(["send", name, "--no-wait"], env);
      assertEquals([code, error], [0, ""], name);
      const [message] = await listed();
      assertEquals([message.webhook_type, message.verification], [name, "verified"]);
      assert(out.includes(`/messages/${message.message_id}`), out);
    }
  });

  it("sends bytes of one's own, signed, also to a name that nobody knows", async () => {
    const body = '{"invoice": {"state":\t"paid", "u": "\\u00fc"}}\n';
    await Deno.writeTextFile(`${folder}/body.json`, body);
    for (const [name, verification] of [["hmac", "verified"], ["unheard-of", "unverified"]]) {
      const file = ["--no-wait", "--file", `${folder}/body.json`, "--header", "X-Event: by hand"];
      const { code, error } = await runOtto(["send", name, ...file], env);
      assertEquals([code, error], [0, ""]);
      const [{ message_id: id, ...message }] = await listed();
      assertEquals([message.webhook_type, message.verification], [name, verification]);
      const kept = await otto.ask(`/api/messages/${id}/body`, { headers: admin });
      assertEquals(await kept.text(), body);
      const whole = await json(await otto.ask(`/api/messages/${id}`, { headers: admin }));
      assertEquals(whole.headers["x-event"], "by hand");
    }
  });

  it("sends a kept message again: with a delivery id of its own, signed anew", async () => {
    const { out } = await runOtto(["send", "github", "push", "--no-wait"], env);
    const id = out.match(/messages\/([\w-]+)/)?.[1];
    assert(id, out);
    for (const OTTO_TOKEN of ["", READ_TOKEN]) {
      const { code, error } = await runOtto(["send", "--no-wait", "--like", id], {
        ...env,
        OTTO_TOKEN,
      });
      assertEquals([code, error], [0, ""]);
    }
    const all = await listed("webhook_type=github");
    assertEquals(all.length, 3);
    const [again, , first] = await Promise.all(
      all.map(async ({ message_id }: { message_id: string }) =>
        await json(await otto.ask(`/api/messages/${message_id}`, { headers: admin }))
      ),
    );
    assertEquals(
      [again.verification, again.event, again.title],
      ["verified", first.event, first.title],
    );
    assertEquals(new Set(all.map((each: { delivery_id: string }) => each.delivery_id)).size, 3);
    const page = await (await otto.ask(`/messages/${id}`, { headers: admin })).text();
    assertMatch(page, new RegExp(`deno task send --like ${id}`));
    const { GITHUB_WEBHOOK_SECRET: _, ...without } = env;
    const unsigned = await runOtto(["send", "--no-wait", "--like", id], without);
    assertEquals(unsigned.code, 1);
    assertMatch(unsigned.error, /Note: it is not signed: set GITHUB_WEBHOOK_SECRET/);
  });

  it("says why nothing is sent like a message", async () => {
    const none = "00000000-0000-7000-8000-000000000000";
    for (
      const [args, code, said] of [
        [["--like", "x"], 2, /needs a message's id/],
        [["github", "--like", none], 2, /name no source/],
        [["--like", none, "--file", "body.json"], 2, /cannot be used with option '--file/],
        [["--like", none], 5, /no message/i],
      ] as const
    ) {
      const told = await runOtto(["send", ...args], env);
      assertEquals([told.code, told.out], [code, ""], told.error);
      assertMatch(told.error, said);
    }
  });

  it("shows what happens while it happens, and nothing of it owns the terminal", async () => {
    await using followed = await follow([
      "tail",
      "--since",
      "1h",
      "--grep",
      "evil",
      "--color",
      "never",
    ], env);
    const id = await otto.send("demo", JSON.stringify({ title: HOSTILE }), JSON_TYPE);
    await otto.workOff();
    const line = await followed.find(id);
    assert(!CONTROLS.test(line), JSON.stringify(line));
    assert(line.includes("evil"), line);
    // The task has moved on, and the message with it.
    await followed.find(`done       demo`);
    followed.process.kill("SIGINT");
    assertEquals((await followed.process.status).code, 130);
  });

  it("shows tasks with their links", async () => {
    const { items: [{ id }] } = await json(await otto.ask("/api/tasks", { headers: admin }));
    await using followed = await follow(["tail", "tasks", "--since", "1h"], env);
    await followed.find(`/tasks/${id}`);
  });

  it("gives programs an object a line", async () => {
    await using followed = await follow(["tail", "--since", "1h", "--json"], env);
    const id = await otto.send("demo", JSON.stringify({ title: HOSTILE }), JSON_TYPE);
    const line = await followed.find(id);
    assert(!CONTROLS.test(line), JSON.stringify(line));
    assertEquals(JSON.parse(line).message_id, id);
  });

  it("replays what a filter finds once somebody agreed, and asks nobody who cannot answer", async () => {
    for (let at = 0; at < 3; at++) await otto.send("again", `{"at":${at}}`, JSON_TYPE);
    const which = ["replay", "--source", "again"];
    const asked = await runOtto(which, env);
    assertEquals(asked.code, 2);
    assertMatch(asked.error, /Replay 3 messages of http.*add --yes/);
    assertEquals((await runOtto([...which, "--dry-run"], env)).code, 0);
    assertEquals((await listed("webhook_type=again")).length, 3);
    const done = await runOtto([...which, "--yes"], env);
    assertEquals(done.code, 0, done.error);
    assertMatch(done.out, /^3 of 3 done$/m);
    assertEquals((await listed("webhook_type=again")).length, 6);
    assertEquals((await runOtto(["replay", "--source", "nobody", "--yes"], env)).code, 5);
    assertEquals((await runOtto(["replay", "--yes"], env)).code, 2);
  });

  it("releases what was refused, and says what is left as it is", async () => {
    await (await otto.ask("/webhook/hmac", { method: "POST", body: "{}", headers: JSON_TYPE }))
      .text();
    const { code, out } = await runOtto(["release", "--source", "hmac", "--yes"], env);
    assertEquals(code, 1);
    assertMatch(out, /^left .*still refused/m);
    assertMatch(out, /^0 of 1 done$/m);
  });

  it("explains a message, and a file", async () => {
    const [{ message_id }] = await listed("webhook_type=again");
    const kept = await runOtto(["explain", message_id], env);
    assertEquals(kept.code, 0, kept.error);
    assertMatch(kept.out, /^becomes +message$/m);
    await Deno.writeTextFile(`${folder}/body.json`, '{"invoice":{"state":"paid"}}');
    const file = await runOtto(
      ["explain", "--file", `${folder}/body.json`, "--source", "hmac"],
      env,
    );
    assertMatch(file.out, /^becomes +refused$/m);
    assertMatch(file.out, /^event +paid$/m);
  });

  it("ends with 4 where it is not signed in or may not, with 5 where there is no such thing", async () => {
    const there = { OTTO_URL: `http://127.0.0.1:${env.PORT}` };
    const id = "00000000-0000-7000-8000-000000000000";
    const ends = async (token?: string) =>
      (await runOtto(["explain", id], token ? { ...there, OTTO_TOKEN: token } : there)).code;
    assertEquals(await ends(), 4);
    assertEquals(await ends("nobody's-at-all-really"), 4);
    assertEquals(await ends(READ_TOKEN), 4);
    assertEquals(await ends(ADMIN_TOKEN), 5);
    await Deno.writeTextFile(`${folder}/token`, `${ADMIN_TOKEN}\n`);
    assertEquals(
      (await runOtto(["explain", id, "--token-file", `${folder}/token`], there)).code,
      5,
    );
  });

  it("sends a token of these settings to no other Otto, and none after a redirect", async () => {
    const seen: (string | null)[] = [];
    await using other = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen() {} },
      (request) => {
        seen.push(request.headers.get("authorization"));
        return Response.redirect(`http://127.0.0.1:${env.PORT}/api/stream`, 302);
      },
    );
    heads.length = 0;
    const url = ["--url", `http://127.0.0.1:${other.addr.port}`];
    assertEquals((await runOtto(["tail", ...url], env)).code, 7);
    const given = await runOtto(["tail", ...url], { ...env, OTTO_TOKEN: "meant-for-it" });
    assertMatch(given.error, /sends on to/);
    assertEquals(seen, [null, "Bearer meant-for-it"]);
    assertEquals(heads.length, 0);
  });

  it("colours where it is told to, and not where it is not", async () => {
    const found = async (args: string[], more: Record<string, string> = {}) => {
      const { out } = await runOtto(["doctor", "--remote", ...args], { ...env, ...more });
      return out.includes("\u001b[32m");
    };
    assertEquals(await found([]), false);
    assertEquals(await found(["--color", "always"]), true);
    assertEquals(await found([], { NO_COLOR: "", FORCE_COLOR: "1" }), true);
    assertEquals(await found(["--color", "never"], { NO_COLOR: "", FORCE_COLOR: "1" }), false);
  });

  it("says by the doctor where Otto runs, and whose the token is; the verdict is last", async () => {
    const { code, out } = await runOtto(["doctor", "--remote"], env);
    assertEquals(code, 0);
    assertMatch(out, /^ok +Otto +runs, version \d/m);
    assertMatch(out, /^ok +token +the admin's$/m);
    // What the tests before have sent with wrong secrets.
    assertMatch(out, /^refusing +github +nothing is let in: .*GITHUB_WEBHOOK_SECRET is set$/m);
    assertMatch(
      out.trimEnd().split("\n").at(-1)!,
      /^Otto runs at http:\/\/localhost:\d+\. It refuses all of github, hmac\. \d things need somebody\.$/,
    );
    const reader = await runOtto(["doctor", "--remote"], { ...env, OTTO_TOKEN: READ_TOKEN });
    assertMatch(reader.out, /^ok +token +a reader's/m);
    const lines = (await runOtto(["doctor", "--json"], env)).out.trim().split("\n")
      .map((line) => JSON.parse(line));
    assertEquals(lines.at(-1).exit_code, 0);
    // Set in the file, or seen: not the ninety others.
    const senders = lines.filter(({ kind }) => kind === "sender").map(({ name }) => name);
    assertEquals(senders.sort(), [...Object.keys(OWN), "github"].sort());
  });

  it("hears by the doctor that a clock is wrong, and who it was that answered", async () => {
    await using fake = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, () => {
      const date = new Date(Date.now() - 600_000).toUTCString();
      return Response.json({ status: "ok", version: "9.9.9\u001b[2J" }, { headers: { date } });
    });
    const url = ["--url", `http://127.0.0.1:${fake.addr.port}`];
    const { out } = await runOtto(["doctor", "--remote", ...url]);
    assertMatch(out, /^degraded +clock +(599|600|601) s behind/m);
    assert(!CONTROLS.test(out), JSON.stringify(out));
    const nobody = ["--url", `http://127.0.0.1:${await freePort()}`];
    assertEquals((await runOtto(["doctor", "--remote", ...nobody])).code, 7);
  });
});

/** Starts a command that goes on, and reads its lines. */
async function follow(args: string[], env: Record<string, string>) {
  const process = startOtto(args, env);
  const lines = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  // It follows once it says so.
  const told = process.stderr.getReader();
  await told.read();
  let text = "";
  return {
    process,
    async find(part: string): Promise<string> {
      for (;;) {
        const found = text.split("\n").slice(0, -1).find((line) => line.includes(part));
        if (found !== undefined) return found;
        const { value, done } = await lines.read();
        if (done) throw new Error(`${part} is not in ${text}`);
        text += value;
      }
    },
    async [Symbol.asyncDispose]() {
      try {
        process.kill("SIGKILL");
      } catch {
        // It has ended.
      }
      await lines.cancel();
      await told.cancel();
      await process.status;
    },
  };
}
