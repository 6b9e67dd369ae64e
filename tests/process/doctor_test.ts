import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import { listEvents, makeSample } from "../../handlers/webhook/sample.ts";
import { Problem } from "../../handlers/problem.ts";
import { readConfig } from "../../lib/config/config.ts";
import { checkUp } from "../../sources/diagnosis/checkup.ts";
import { sources } from "../../sources/mod.ts";
import { createRegistry } from "../../sources/rules/registry.ts";
import type { Source } from "../../sources/source.ts";
import { json, openOtto, type Otto } from "../otto.ts";
import { freePort, runOtto } from "../commands/run_otto.ts";
import { canProve, sampleSecrets, secretOf, variableOf } from "./sample_secrets.ts";

const ADMIN_TOKEN = "a token of the operator's own";
const verdictOf = (out: string) => out.trimEnd().split("\n").at(-1)!;

describe("the doctor", () => {
  it("finds nothing wrong where nothing is set, and names every sender, URL and variable", async () => {
    const { code, out, error } = await runOtto(["doctor", "--all"], { PORT: await freePort() });
    assertEquals([code, error], [0, ""]);
    for (const [name, source] of Object.entries<Source>(sources)) {
      assert(out.includes(`/webhook/${name}`), name);
      if (source.verify) assert(out.includes(`Set ${variableOf(name, source)}`), name);
      assert(source.setup, `${name} does not say where to set it up`);
    }
  });

  it("ends with 1 where what is set cannot work, says what, and shows no secret", async () => {
    const { code, out, error } = await runOtto(["doctor"], {
      PORT: await freePort(),
      DATABASE_URL: "postgres://otto:hush-hush@127.0.0.1:9/otto",
      GITHUB_WEBHOOK_SECRET: "good-one,good-two",
      DISCORD_PUBLIC_KEY: "not-a-key",
      CLERK_WEBHOOK_SIGNING_SECRET: "whsec_!!!",
      WEBHOOK_SECRET_GITHUBB: "misnamed",
    });
    assertEquals(code, 1);
    for (const name of ["PostgreSQL", "discord", "clerk", "settings"]) {
      assertMatch(out, new RegExp(`^FAILED +${name} `, "m"));
      assert(verdictOf(out).includes(name), out);
    }
    assertMatch(out, /^verified +github +by GITHUB_WEBHOOK_SECRET \(2 secrets between commas/m);
    for (const secret of ["hush-hush", "good-one", "not-a-key", "whsec_!!!", "misnamed"]) {
      assert(!(out + error).includes(secret), secret);
    }
  });

  it("passes every secret that its source takes", async () => {
    for (const [name, source] of Object.entries<Source>(sources)) {
      if (!source.verify || source.takes) continue;
      const found = await checkUp(name, source, {
        secrets: [secretOf(name)],
        variable: "X",
      });
      assertEquals(found.status, "verified", `${name}: ${found.detail}`);
      const url = "https://otto.example.com";
      const withUrl = { secrets: [secretOf(name)], variable: "X", publicUrl: url };
      assertEquals((await checkUp(name, source, withUrl)).hint, undefined, name);
    }
    const { publicKey } = await crypto.subtle.generateKey("Ed25519", true, [
      "sign",
      "verify",
    ]) as CryptoKeyPair;
    const raw = new Uint8Array(await crypto.subtle.exportKey("raw", publicKey));
    const secrets = [raw.toHex()];
    const found = await checkUp("discord", sources.discord, { secrets, variable: "X" });
    assertEquals(found.status, "verified", found.detail);
  });

  it("asks for no PUBLIC_URL where the secret stands in the URL", async () => {
    const scheme = { type: "token", parameter: "key" } as const;
    const { all } = createRegistry({ acme: { scheme } });
    for (const name of ["acme", "sns", "eventgrid"]) {
      const found = await checkUp(name, all[name], { secrets: ["a secret"], variable: "X" });
      assertEquals([found.status, found.hint], ["verified", undefined], name);
    }
  });

  it("asks for PUBLIC_URL where a signature covers the URL", async () => {
    for (const name of ["twilio", "square", "trello", "hubspot"] as const) {
      const { hint } = await checkUp(name, sources[name], { secrets: ["x"], variable: "X" });
      assertMatch(hint!, /PUBLIC_URL/, name);
    }
  });
});

describe("a sample", () => {
  let otto: Otto;
  let server: Deno.HttpServer<Deno.NetAddr>;
  const env: Record<string, string> = { ...sampleSecrets(), ADMIN_TOKEN };
  beforeAll(async () => {
    otto = await openOtto(env);
    server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen() {} },
      (request, info) => otto.app.fetch(request, { address: () => info.remoteAddr.hostname }),
    );
  });
  afterAll(async () => {
    await server.shutdown();
    await otto[Symbol.asyncDispose]();
  });
  const origin = () => `http://127.0.0.1:${server.addr.port}`;
  const messages = async () =>
    (await json(
      await otto.ask("/api/messages", { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } }),
    )).items;

  it("of every event of every source is accepted, and verified where we can sign", async () => {
    const config = readConfig(env);
    const registry = createRegistry();
    for (const [name, events] of listEvents(registry)) {
      const source: Source | undefined = (sources as Record<string, Source>)[name];
      for (const event of events) {
        const sample = await makeSample({ config, sources: registry }, {
          name,
          origin: origin(),
          event,
        });
        const answer = await fetch(sample.url, {
          method: "POST",
          headers: sample.headers,
          body: await sample.arrayBuffer(),
        });
        const said = await answer.text();
        assert(answer.ok, `${name} ${event}: ${answer.status} ${said}`);
        const [{ verification, webhook_type }] = await messages();
        if (source) assertEquals(webhook_type, name);
        const wanted = source && canProve(source) ? "verified" : "unverified";
        assertEquals(verification, wanted, `${name} ${event}`);
      }
    }
  });

  it("is sent by the task, signed with the secret that is set", async () => {
    const { code, out } = await runOtto(["send", "github", "push", "--to", origin()], env);
    assertEquals(code, 0);
    const [message] = await messages();
    assertMatch(out, /^push +200 http:/m);
    assert(out.includes(`${origin()}/messages/${message.message_id}`), out);
    assertEquals([message.webhook_type, message.verification], ["github", "verified"]);
  });

  it("that is signed has bytes of its own each time, so that each becomes a task", async () => {
    const config = { secrets: new Map([["GITHUB_WEBHOOK_SECRET", ["s3cret"]]]) };
    const make = async () =>
      await (await makeSample({ config, sources: createRegistry() }, {
        name: "github",
        event: "push",
        origin: origin(),
      })).text();
    const [one, other] = [await make(), await make()];
    assert(one !== other && JSON.parse(one).ref === JSON.parse(other).ref);
  });

  it("of an own source has the secret in its URL, and is sent where it has to go", async () => {
    const sources = createRegistry({ acme: { scheme: { type: "token", parameter: "key" } } });
    const config = { secrets: new Map([["WEBHOOK_SECRET_ACME", ["tök & en"]]]) };
    const sample = await makeSample({ config, sources }, {
      name: "acme",
      origin: origin(),
      path: "/hooks?from=here",
    });
    const { pathname, searchParams } = new URL(sample.url);
    assertEquals([pathname, ...searchParams.values()], ["/hooks", "here", "tök & en"]);
    assertEquals((await sample.json()).title, "A sample");
  });

  it("that its secret cannot sign is a problem that names the variable, and shows no secret", async () => {
    for (const [name, secret] of [["airtable", "no base64!"], ["telegram", "one\nline"]]) {
      const config = { secrets: new Map([[`WEBHOOK_SECRET_${name.toUpperCase()}`, [secret]]]) };
      const error = await assertRejects(
        () => makeSample({ config, sources: createRegistry() }, { name, origin: origin() }),
        Problem,
      );
      assertEquals(error.code, "cannot_sign");
      assertMatch(error.hint, /_WEBHOOK_SECRET|WEBHOOK_SECRET_/);
      assert(!`${error.message} ${error.hint}`.includes(secret));
    }
  });

  it("of a sender that nobody knows is not named after it", async () => {
    const sources = createRegistry({
      generic: { scheme: { type: "bearer" }, secret_required: true },
    });
    const config = { secrets: new Map() };
    const error = await assertRejects(
      () => makeSample({ config, sources }, { name: "generic", origin: origin() }),
      Problem,
    );
    assertMatch(error.message, /^Cannot send a generic sample: no secret/);
  });

  it("that is refused ends the task with 1", async () => {
    const wrong = { ...env, GITHUB_WEBHOOK_SECRET: "another" };
    const { code, out } = await runOtto(["send", "github", "--to", origin()], wrong);
    assertEquals(code, 1);
    assertMatch(out, /^push +401 .*signature_mismatch/m);
  });

  it("that there is none of is refused, saying which there are", async () => {
    for (const args of [["nobody"], ["github", "nothing"], ["github", "--to", "x"], ["--what"]]) {
      const { code, error } = await runOtto(["send", ...args], env);
      assertEquals(code, 2, args.join(" "));
      assert(error.trim().length > 10 && !error.includes(" at "), error);
    }
  });
});
