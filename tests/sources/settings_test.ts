import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import fc from "fast-check";
import { createHmac, generateKeyPairSync, sign as signWithKey } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { ConfigError } from "../../lib/config/config.ts";
import { parseJson } from "../../lib/config/json_file.ts";
import { parsePayload } from "../../sources/kit/payload.ts";
import { type Filter, heldBackBy } from "../../sources/rules/filter.ts";
import { matchesGlob } from "../../sources/rules/glob.ts";
import { readFile } from "node:fs/promises";
import { WITHOUT_ACTOR } from "../../sources/rules/contradictions.ts";
import { createRegistry } from "../../sources/rules/registry.ts";
import { sourcesFile } from "../../sources/rules/settings.ts";
import { pathExpressionFault, valuesAt } from "../../sources/rules/path_expression.ts";
import { fillTemplate, templateFault } from "../../sources/rules/template.ts";
import { createAddressList, isSubnet } from "../../sources/rules/address_list.ts";
import { assertDescription, NOW, request } from "./request.ts";

const read = (text: string) => parseJson("sources.json (SOURCES_FILE)", text, sourcesFile);
const registryOf = (settings: unknown) => createRegistry(read(JSON.stringify(settings)));
const refusal = (text: string) => {
  const error = assertThrows(() => read(text), ConfigError) as Error;
  return error.message;
};
const hmac = (algorithm: string, key: string, text: string, encoding: "hex" | "base64" = "hex") =>
  createHmac(algorithm, key).update(text).digest(encoding);

describe("the file of sources", () => {
  it("is refused with the line of each mistake and what would be right", () => {
    const text = `{
  "acme": {
    "scheme": "bearr",
    "title": "Order {order number} is here",
    "filter": [
      { "path": "action", "equal": "opened" },
      { "path": "action" }
    ]
  },
  "Acme 2": {},
  "shop": {
    "allowed_ips": ["10.0.0.0/8", "10.0.0.0/33"],
    "colour": "red"
  }
}`;
    const message = refusal(text);
    assertMatch(message, /^Cannot start with sources\.json \(SOURCES_FILE\):\n/);
    for (
      const wanted of [
        /line 3: acme\.scheme.*"bearer"/,
        /line 4: acme\.title.*order number.*must be a path/,
        /line 6: acme\.filter\.all\.0.*equal/,
        /line 7: acme\.filter\.all\.1.*"equals", "glob" and "exists"/,
        /line 10: Acme 2.*must be a name for the URL/,
        /line 12: shop\.allowed_ips\.1.*"10\.0\.0\.0\/8"/,
        /line 13: shop.*colour/,
      ]
    ) assertMatch(message, wanted);
    assertMatch(refusal('{\n "a": {,}\n}'), /not JSON: look at line 2, column 8/);
  });

  it("refuses what would let everything in, or verify nothing", () => {
    const wrong: [settings: unknown, says: RegExp][] = [
      [{ filter: [] }, /let everything through/],
      [{ filter: {} }, /"all" or "any"/],
      [{ filter: [{ path: "a", equals: 1, glob: "x" }] }, /only one/],
      [{ filter: [{ path: "id", equals: 19007199254740992 }] }, /write it in quotes/],
      [{ filter: [{ path: "a..", exists: true, nope: 1 }] }, /nope/],
      [{ filter: [{ path: "$.order.id", exists: true }] }, /do not begin with \$: write order\.id/],
      [{ filter: [{ path: 'a["b', exists: true }] }, /must be a path.*\["a key"\]/],
      [{ title: 'Order {["a{b"]}' }, /brace/],
      [{ allowed_ips: [] }, /nobody could send/],
      [{ scheme: "token" }, /"header" or in a "parameter"/],
      [{ scheme: { type: "hmac", header: "X-Sig", signed: "{time}" } }, /\{body\} once/],
      [{ scheme: { type: "hmac", header: "X-Sig", signed: "{time}.{body}" } }, /header the time/],
      [
        { scheme: { type: "hmac", header: "X-Sig", time: { header: "X-Time" } } },
        /not signed proves nothing/,
      ],
      [{ scheme: { type: "hmac", header: "X Sig" } }, /name of a header/],
      [{ scheme: { type: "like", source: "nobody" } }, /source that verifies/],
      [{ scheme: { type: "hmac", header: "X", secret: "s3cret" } }, /secret/],
      [{ rate_limit: { requests: 0 } }, /rate_limit\.requests/],
      [{ merge: { key: "{a}" } }, /merge\.seconds/],
      [{ merge: { key: "{a", seconds: 5 } }, /brace/],
      [{ merge: { seconds: 5 } }, /merge.*no "key".*say it in "subject"/],
      [{ merge: { seconds: 5 }, subject: false }, /merge.*no "key".*"subject" is false/],
    ];
    for (const [settings, says] of wrong) {
      assertMatch(refusal(JSON.stringify({ acme: settings })), says);
    }
    const weaker = { homeassistant: { scheme: { type: "hmac", header: "X-Sig" } } };
    assertMatch(refusal(JSON.stringify(weaker)), /GET, whose query is the payload/);
    assertMatch(refusal('{"health": {}}'), /name of a page/);
    assertMatch(refusal('{"a-b": {}, "a_b": {}}'), /WEBHOOK_SECRET_A_B/);
    assert(
      !refusal(JSON.stringify({ acme: { scheme: { type: "hmac", secret: "s3cret" } } }))
        .includes("s3cret"),
    );
  });

  it("adds a source that says what its templates say, in one line", () => {
    const { find } = registryOf({
      acme: {
        label: "Acme",
        event: "order.{status}",
        title: "Order {order.number|?} for {order.items[0].name} was {status}",
        description: "Look after order {order.number}",
        link: "https://acme.example/orders/{order.number}",
        actor: "{header:X-Acme-User}",
      },
    });
    const { name, source } = find("ACME");
    assertEquals([name, source.label], ["acme", "Acme"]);
    const headers = new Headers({ "x-acme-user": "ada" });
    const told = source.describe({
      status: "shipped\nand\u202e gone",
      order: { number: 7, items: [{ name: "a <b>phone</b>" }] },
    }, { headers, type: "acme" });
    assertDescription(told);
    assertEquals(told.title, "Order 7 for a <b>phone</b> was shipped and gone");
    assertEquals(told.description, "Look after order 7");
    assertEquals(told.link, "https://acme.example/orders/7");
    assertEquals(told.actor, "ada");
    // Nothing of a title is there: the generic words are better than holes.
    assertEquals(source.describe({ a: 1 }, { type: "acme" }).title, "acme webhook");
    const link = registryOf({ acme: { link: "{url}" } }).find("acme").source
      .describe({ url: "javascript:alert(1)" }).link;
    assertEquals(link, undefined);
  });

  it("changes a source that is known, and leaves the rest of it alone", () => {
    const registry = registryOf({
      github: { title: "{repository.full_name}: {action}", body_limit: 2048 },
    });
    const { source } = registry.find("github");
    const payload = { action: "opened", repository: { full_name: "octo/phone" } };
    const told = source.describe(payload, { headers: new Headers({ "x-github-event": "issues" }) });
    assertEquals(told.title, "octo/phone: opened");
    assertEquals(told.event, "issues.opened");
    assertMatch(told.description, /^Process GitHub opened event/);
    assertEquals([source.bodyLimit, source.secretVariable], [2048, "GITHUB_WEBHOOK_SECRET"]);
    assertEquals(createRegistry().find("github").source.bodyLimit, 25 * 1024 * 1024);
  });

  it("finds the delivery's id where it is said to be", () => {
    const { find } = registryOf({
      header: { id: "header:X-Delivery" },
      both: { id: ["order.id", "header:X-Try"] },
    });
    const body = '{"order":{"id":5}}';
    const idOf = (name: string, headers: Record<string, string>) =>
      find(name).source.deliveryId?.(request(body, headers));
    assertEquals(idOf("header", { "x-delivery": "d-1" }), "d-1");
    assertEquals(idOf("header", {}), undefined);
    assertEquals(idOf("both", { "x-try": "2" }), '["5","2"]');
    assertEquals(idOf("both", {}), undefined);
    const { source } = registryOf({ many: { id: "events[*].id" } }).find("many");
    const idOfAll = (...ids: unknown[]) =>
      source.deliveryId?.(request(JSON.stringify({ events: ids.map((id) => ({ id })) })));
    assertEquals([idOfAll(1), idOfAll(1, 2), idOfAll()], ["1", '["1","2"]', undefined]);
    const long = Array.from({ length: 200 }, () => "an id");
    assert(idOfAll(...long, "a") !== idOfAll(...long, "b"));
    assertMatch(idOfAll(...long)!, /^[0-9a-f]{64}$/);
  });
});

describe("a rule of the file that can never hold", () => {
  const HMAC = { type: "hmac", header: "X-Sig" };
  const CASES: [wrong: unknown, says: RegExp][] = [
    [{ grafana: { ignore_actors: ["bot"] } }, /grafana\.ignore_actors.*does not say who did it/],
    [
      { two: { scheme: { type: "like", source: "airtable" }, ignore_actors: ["bot"] } },
      /two\.ignore_actors.*airtable does not say who did it/,
    ],
    [
      { a: { filter: [{ path: "x", equals: "1" }, { path: "x", equals: "2" }] } },
      /a\.filter.*can never be met: x equals "1" and x equals "2"/,
    ],
    [
      { a: { filter: [{ path: "x", exists: false }, { path: "x", glob: "a*" }] } },
      /a\.filter.*can never be met/,
    ],
    [
      { a: { ping: [{ path: "x", exists: true }, { path: "x", exists: true, not: true }] } },
      /a\.ping.*can never be met/,
    ],
    [
      { a: { filter: [{ path: "x", equals: 1 }, { path: "x", equals: 1, not: true }] } },
      /a\.filter.*can never be met/,
    ],
    [
      { a: { redact: ["user"], filter: [{ path: "user.name", equals: "x" }] } },
      /a\.filter.*user\.name, which "redact" takes away/,
    ],
    [{ a: { redact: ["items[*].id"], id: "items[0].id" } }, /a\.id.*"redact" takes away/],
    [{ a: { redact: ["name"], title: "Hello {name}" } }, /a\.title.*"redact" takes away/],
    [{ a: { redact: ["header:X-Id"], id: "header:x-id" } }, /a\.id.*"redact" takes away/],
    [{ whatsapp: { label: "Ours" } }, /whatsapp.*is another name of "meta"/],
    [{ a: { handshake: {} } }, /a\.handshake\.0\.when.*all events would be handshakes/],
    [{ a: { handshake: { method: "GET", challenge: "challenge" } } }, /a GET has no body/],
    [{ a: { handshake: { method: "GET", text: "{challenge}" } } }, /challenge.*is missing/],
    [{ a: { handshake: { challenge: "c", signed: true } } }, /a\.handshake.*nothing is verified/],
    [{ a: { answer: { status: 404 } } }, /a\.answer\.status.*must be from 200 to 299/],
    [{ a: { answer: { status: 204, text: "ok" } } }, /a\.answer\.text.*has no text/],
    [
      { a: { scheme: { type: "hmac_in_body", field: "sig", signed: "fixed" } } },
      /signed.*the signature would fit every request/,
    ],
    [{ a: { titles: { "order.paid": "{order number}" } } }, /titles\.order\.paid.*must be a path/],
  ];
  for (const [wrong, says] of CASES) {
    it(`is refused: ${JSON.stringify(wrong)}`, () => {
      assertMatch(refusal(JSON.stringify(wrong)), says);
    });
  }

  it("is not refused where it can hold", () => {
    read(JSON.stringify({
      a: { filter: [{ path: "x[*]", equals: "1" }, { path: "x[*]", equals: "2" }] },
      b: { filter: [{ path: "x", equals: 1, not: true }, { path: "x", equals: 2, not: true }] },
      c: { filter: { any: [{ path: "x", equals: 1 }, { path: "x", equals: 2 }] } },
      grafana: { ignore_actors: ["bot"], actor: "{user}" },
      d: { scheme: HMAC, handshake: { challenge: "c", signed: true } },
      whatsapp: { scheme: { type: "like", source: "meta" } },
      e: { redact: ["user.email"], title: "{user.name}" },
    }));
  });

  it("says so of the sources of which no module says who", async () => {
    for (const name of WITHOUT_ACTOR) {
      const text = await readFile(new URL(`../../sources/${name}.ts`, import.meta.url), "utf8");
      assert(!text.includes("actor"), `${name} says who did it now: take it out of WITHOUT_ACTOR`);
    }
  });
});

describe("a scheme of the file", () => {
  const verdict = async (
    scheme: unknown,
    secrets: string[],
    ...given: Parameters<typeof request>
  ) =>
    await registryOf({ acme: { scheme } }).find("acme").source.verify!(request(...given), secrets);
  const code = async (...given: Parameters<typeof verdict>) => {
    const found = await verdict(...given);
    return found.ok ? "ok" : found.code;
  };
  const SECRET = "a secret of acme";
  const BODY = '{"n":1}';

  it("checks an HMAC as it is described, with several secrets", async () => {
    const scheme = { type: "hmac", header: "X-Acme", prefix: "sha256=", encoding: "hex" };
    const signed = { "x-acme": `sha256=${hmac("sha256", SECRET, BODY)}` };
    assertEquals(await code(scheme, ["older", SECRET], BODY, signed), "ok");
    assertEquals(await code(scheme, ["older"], BODY, signed), "signature_mismatch");
    assertEquals(await code(scheme, [SECRET], `${BODY} `, signed), "signature_mismatch");
    assertEquals(await code(scheme, [SECRET], BODY, {}), "signature_missing");
    assertEquals(
      await code(scheme, [SECRET], BODY, { "x-acme": "sha256=zz" }),
      "signature_malformed",
    );
    const found = await verdict(scheme, ["older"], BODY, signed);
    assert(!found.ok && found.hint.includes("WEBHOOK_SECRET_ACME"));
    const sha1 = { type: "hmac", algorithm: "sha1", header: "X-Acme", encoding: "base64" };
    const header = { "x-acme": hmac("sha1", SECRET, BODY, "base64") };
    assertEquals(await code(sha1, [SECRET], BODY, header), "ok");
    const upper = { "x-acme": signed["x-acme"].toUpperCase().replace("SHA256", "sha256") };
    assertEquals(await code(scheme, [SECRET], BODY, upper), "ok");
    const sha512 = { type: "hmac", algorithm: "sha512", header: "X-Acme", encoding: "base64url" };
    const bare = createHmac("sha512", SECRET).update(BODY).digest("base64url");
    for (const [text, wanted] of [[bare, "ok"], [`${bare}==`, "ok"], [`${bare}=`, "malformed"]]) {
      const found = await code(sha512, [SECRET], BODY, { "x-acme": text });
      assertEquals(found.replace("signature_", ""), wanted, text);
    }
  });

  it("refuses a signed time that is too old or too far ahead", async () => {
    const scheme = {
      type: "hmac",
      header: "X-Acme",
      signed: "{time}.{body}",
      time: { header: "X-Time", tolerance_seconds: 60 },
    };
    for (
      const [offset, wanted] of [[0, "ok"], [-61, "timestamp_outside_window"], [
        61,
        "timestamp_outside_window",
      ]] as const
    ) {
      const time = String(NOW / 1000 + offset);
      const headers = { "x-time": time, "x-acme": hmac("sha256", SECRET, `${time}.${BODY}`) };
      assertEquals(await code(scheme, [SECRET], BODY, headers), wanted);
    }
  });

  it("checks a public key", async () => {
    const ed = generateKeyPairSync("ed25519");
    const key = ed.publicKey.export({ type: "spki", format: "der" }).subarray(-32).toString("hex");
    const scheme = { type: "ed25519", key: "hex", header: "X-Acme" };
    const signature = signWithKey(null, new TextEncoder().encode(BODY), ed.privateKey).toString(
      "hex",
    );
    assertEquals(await code(scheme, [key], BODY, { "x-acme": signature }), "ok");
    assertEquals(await code(scheme, [key], "{}", { "x-acme": signature }), "signature_mismatch");
    const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const spki = rsa.publicKey.export({ type: "spki", format: "der" }).toString("base64");
    const byRsa = { type: "rsa", key: "base64", header: "X-Acme", encoding: "base64" };
    const signed = {
      "x-acme": signWithKey("sha256", new TextEncoder().encode(BODY), rsa.privateKey)
        .toString("base64"),
    };
    assertEquals(await code(byRsa, [spki], BODY, signed), "ok");
    assertEquals(await code(byRsa, [spki], "{}", signed), "signature_mismatch");
    const { takes } = registryOf({ acme: { scheme: byRsa } }).find("acme").source;
    assertEquals([await takes!(spki), await takes!(btoa("no key"))], [true, false]);
  });

  it("takes a token by its header or its parameter, bearer and basic", async () => {
    const token = { type: "token", header: "X-Token" };
    assertEquals(await code(token, [SECRET], BODY, { "x-token": SECRET }), "ok");
    assertEquals(
      await code(token, [SECRET], BODY, { "x-token": `${SECRET}x` }),
      "signature_mismatch",
    );
    const url = (text: string) => ({ url: `https://o.example.com/webhook/acme?key=${text}` });
    const parameter = { type: "token", parameter: "key" };
    assertEquals(await code(parameter, ["abc"], BODY, {}, url("abc")), "ok");
    assertEquals(await code(parameter, ["abc"], BODY, {}, url("abd")), "signature_mismatch");
    const message = async (...given: Parameters<typeof verdict>) => {
      const found = await verdict(...given);
      return found.ok ? "ok" : found.message;
    };
    assertMatch(
      await message(parameter, ["abc"], BODY, {}, url("abd")),
      /what the parameter key of its URL holds is not the secret/,
    );
    assertMatch(await message(parameter, ["abc"], BODY), /has no parameter key of its URL/);
    assertMatch(
      await message("bearer", ["abc"], BODY, { authorization: "Bearer abd" }),
      /what the Authorization header holds is not the secret/,
    );
    assertEquals(await code("bearer", ["abc"], BODY, { authorization: "Bearer abc" }), "ok");
    const basic = `Basic ${btoa("otto:abc")}`;
    assertEquals(await code("basic", ["otto:abc"], BODY, { authorization: basic }), "ok");
    assertEquals(
      await code("basic", ["otto:abd"], BODY, { authorization: basic }),
      "signature_mismatch",
    );
  });

  it("takes a secret with a space, and one in UTF-8 as a header carries it", async () => {
    const carried = "t\u00c3\u00b6k en";
    for (const text of [carried, "tök en"]) {
      const headers = { authorization: `Bearer ${text}`, "x-token": text };
      assertEquals(await code("bearer", ["tök en"], BODY, headers), "ok");
      assertEquals(
        await code({ type: "token", header: "X-Token" }, ["tök en"], BODY, headers),
        "ok",
      );
      assertEquals(await code("bearer", ["tok en"], BODY, headers), "signature_mismatch");
    }
    const { sign } = registryOf({ acme: { scheme: "bearer" } }).find("acme").source;
    assertEquals(await sign!(request(BODY), "tök en"), { authorization: `Bearer ${carried}` });
  });

  it("signs like a sender that Otto knows, and names our own variable", async () => {
    const secret = `whsec_${btoa("0123456789abcdef0123456789abcdef")}`;
    const like = { type: "like", source: "standardwebhooks" };
    const headers = {
      "webhook-id": "msg_1",
      "webhook-timestamp": String(NOW / 1000),
      "webhook-signature": new Webhook(secret).sign("msg_1", new Date(NOW), BODY),
    };
    assertEquals(await code(like, [secret], BODY, headers), "ok");
    const github = { type: "like", source: "github" };
    const found = await verdict(github, ["x"], BODY, {
      "x-hub-signature-256": `sha256=${hmac("sha256", "y", BODY)}`,
    });
    assert(
      !found.ok && found.hint.includes("WEBHOOK_SECRET_ACME") && !found.hint.includes("GITHUB"),
    );
  });

  it("says as much as a sender that Otto knows, also of what that has no words for", () => {
    const { all } = registryOf({ shop2: { scheme: { type: "like", source: "square" } } });
    const payload = { survey: { title: "How do you like it?" } };
    const { title } = all.square.describe(payload);
    assertMatch(title, /How do you like it/);
    assertEquals(all.shop2.describe(payload).title, title);
  });

  it("greets like a sender that Otto knows, unless it is one itself", async () => {
    const { find } = registryOf({
      zoom2: { scheme: { type: "like", source: "zoom" } },
      meta2: { scheme: { type: "like", source: "meta" }, body_limit: 2048 },
      github: { scheme: { type: "like", source: "meta" } },
    });
    const known = { secrets: [SECRET], verifyTokens: ["ours"] };
    const asked = request('{"event":"endpoint.url_validation","payload":{"plainToken":"abc"}}');
    const reply = await find("zoom2").source.handshake!(asked, known);
    assertEquals(JSON.parse(reply!.body!), {
      plainToken: "abc",
      encryptedToken: hmac("sha256", SECRET, "abc"),
    });
    const { source } = find("meta2");
    const query = "hub.mode=subscribe&hub.verify_token=ours&hub.challenge=77";
    const visit = request("", {}, { method: "GET", url: `https://o.example.com/?${query}` });
    assertEquals((await source.probe!(visit, known))?.body, "77");
    assertEquals([source.verifyTokenVariable, source.bodyLimit], ["META_VERIFY_TOKEN", 2048]);
    const { source: github } = find("github");
    assertEquals([github.probe, github.bodyLimit], [undefined, 25 * 1024 * 1024]);
  });

  it("signs its own sample", async () => {
    const { find } = registryOf({
      acme: {
        scheme: {
          type: "hmac",
          header: "X-Acme",
          signed: "{time}:{body}",
          time: { header: "X-T" },
        },
        title: "{order.name} by {header:X-User}",
      },
    });
    const { source } = find("acme");
    const [sample] = source.samples!;
    const unsigned = request(sample.body, sample.headers);
    const added = await source.sign!(unsigned, SECRET);
    const signed = request(sample.body, { ...sample.headers, ...added });
    assertEquals(await source.verify!(signed, [SECRET]), { ok: true });
    const told = source.describe(JSON.parse(sample.body), { headers: unsigned.headers });
    assertEquals(told.title, "sample order.name by sample");
  });
});

describe("a filter", () => {
  const payload = {
    action: "opened",
    count: 5,
    draft: false,
    nothing: null,
    labels: [{ name: "bug" }, { name: "urgent" }],
    pull: { title: "Fix the phone" },
  };
  const headers = new Headers({ "x-event": "pull_request" });
  const passes = (filter: Filter) => heldBackBy(filter, { headers, payload }) === undefined;

  it("compares texts, numbers, headers and any of a list", () => {
    const conditions: [path: string, rest: Record<string, unknown>, passes: boolean][] = [
      ["action", { equals: "opened" }, true],
      ["action", { equals: "Opened" }, false],
      ["action", { equals: "opened", not: true }, false],
      ["count", { equals: 5 }, true],
      ["count", { equals: "5" }, true],
      ["draft", { equals: false }, true],
      ["draft", { equals: true }, false],
      ["nothing", { equals: null }, true],
      ["missing", { equals: null }, false],
      ["missing", { exists: false }, true],
      ["nothing", { exists: true }, true],
      ["pull.title", { glob: "Fix*" }, true],
      ["pull.title", { glob: "*phone?" }, false],
      ["labels[*].name", { equals: "urgent" }, true],
      ["labels[0].name", { equals: "urgent" }, false],
      ["labels[*].name", { equals: "wontfix", not: true }, true],
      ["pull", { equals: "[object Object]" }, false],
      ["header:X-Event", { glob: "pull_*" }, true],
      ["header:x-other", { exists: true }, false],
      ["constructor", { exists: true }, false],
    ];
    for (const [path, rest, wanted] of conditions) {
      assertEquals(passes({ all: [{ path, ...rest }] }), wanted, `${path} ${JSON.stringify(rest)}`);
    }
  });

  it("wants all of all and one of any, and says which it misses", () => {
    const opened = { path: "action", equals: "opened" };
    const closed = { path: "action", equals: "closed" };
    assert(passes({ any: [closed, opened] }));
    assert(!passes({ all: [opened], any: [closed] }));
    assertEquals(
      heldBackBy({ all: [closed] }, { headers, payload }),
      'action equals "closed": it is opened',
    );
    assertMatch(
      heldBackBy({ any: [closed, { path: "gone", exists: true }] }, { headers, payload })!,
      /^none of action equals "closed"; gone is there$/,
    );
  });

  it("lets nothing through that nobody could read, or that is too long to be looked at", () => {
    const isOther = (path: string) => ({ all: [{ path, equals: "x", not: true }] });
    const raw = { payload: { raw_body: "<xml/>" }, isRaw: true };
    assertMatch(heldBackBy(isOther("status"), raw)!, /the body could not be read/);
    assertMatch(heldBackBy({ any: isOther("status").all }, raw)!, /^the body could not be read/);
    assertEquals(heldBackBy(isOther("raw_body"), raw), undefined);
    assertEquals(heldBackBy(isOther("header:X-Event"), { ...raw, headers }), undefined);
    const many = (length: number) => ({ payload: { list: Array(length).fill("y") } });
    assertEquals(heldBackBy(isOther("list[*]"), many(10_000)), undefined);
    assertMatch(heldBackBy(isOther("list[*]"), many(10_001))!, /too many values/);
    const long = { payload: { text: `${"a".repeat(90_000)}b` } };
    assertEquals(heldBackBy({ all: [{ path: "text", glob: "*b" }] }, long), undefined);
  });

  it("lets nothing through that is not there, whatever the payload is", () => {
    fc.assert(fc.property(fc.jsonValue(), (payload) => {
      const held = heldBackBy({ all: [{ path: "no.such[0].place", equals: "x" }] }, { payload });
      assert(held !== undefined && !held.includes("\n"));
    }));
  });
});

describe("a pattern", () => {
  it("is as a regular expression would have it", () => {
    const letters = fc.string({ unit: fc.constantFrom("a", "b", "*", "?"), maxLength: 8 });
    fc.assert(
      fc.property(
        letters,
        fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 8 }),
        (pattern, text) => {
          const expression = new RegExp(
            `^${pattern.replaceAll("?", ".").replace(/\*+/g, ".*")}$`,
            "s",
          );
          assertEquals(matchesGlob(pattern, text), expression.test(text), `${pattern} ${text}`);
        },
      ),
      { numRuns: 500 },
    );
  });

  it("ends, whatever a sender writes", () => {
    assert(!matchesGlob("*a*a*a*a*a*a*a*a*a*b", "a".repeat(100_000)));
  });
});

describe("a place", () => {
  const payload = {
    "user[email]": "ada@example.com",
    "a key": { "b.c": [{ "d|e": 1 }, { "d|e": 2 }] },
    '"': "quote",
    "*": "star",
    list: ["zero"],
  };

  it("has any key in quotes, an index or any item in brackets", () => {
    const places: [place: string, found: unknown[]][] = [
      ['["user[email]"]', ["ada@example.com"]],
      ['["a key"]["b.c"][*]["d|e"]', [1, 2]],
      ['["a key"]["b.c"][1]["d|e"]', [2]],
      ['["\\""]', ["quote"]],
      ['["*"]', ["star"]],
      ["list[0]", ["zero"]],
      ["list[*]", ["zero"]],
      ['["list"][00]', ["zero"]],
      ["list[1]", []],
    ];
    for (const [place, found] of places) {
      assertEquals(
        [pathExpressionFault(place), valuesAt(place, { payload })],
        [undefined, found],
        place,
      );
    }
    fc.assert(fc.property(fc.string({ unit: "binary", minLength: 1 }), (key) => {
      const place = `a[${JSON.stringify(key)}].b`;
      const holder = Object.fromEntries([[key, { b: 1 }]]);
      assertEquals([pathExpressionFault(place), valuesAt(place, { payload: { a: holder } })], [
        undefined,
        [1],
      ]);
    }));
  });

  it("is nothing else, and that is found in no time", () => {
    for (
      const text of ["", ".", "a.", ".a", "a..b", "a b", "a.[0]", "[]", "[x]", '["a"', '["\\x"]']
    ) {
      assertMatch(pathExpressionFault(text)!, /must be a path/, text);
    }
    const start = performance.now();
    for (const text of ['["', '["\\', "a.", "[0", '["a"]["', "[*]"]) {
      pathExpressionFault(`${text.repeat(100_000)}!`);
      templateFault(`{${text.repeat(500)}!`);
    }
    assert(performance.now() - start < 2_000);
  });

  it("may stand in a template, where a sample has it, too", () => {
    const title = '{["user[email]"]} of {["a key"]["b.c"][0]["d|e"]|no|body} {["x|y"]|none}';
    assertEquals(fillTemplate(title, { payload }), "ada@example.com of 1 none");
    const { source } = registryOf({ acme: { title } }).find("acme");
    const [sample] = source.samples!;
    assertEquals(JSON.parse(sample.body)["user[email]"], 'sample ["user[email]"]');
    assertMatch(templateFault("{$.order.id}")!, /write order\.id/);
  });
});

describe("a template", () => {
  it("bears any payload, and is undefined only when nothing is there", () => {
    assertEquals(templateFault("no parts"), undefined);
    assertMatch(templateFault("{a b}")!, /must be a path/);
    assertEquals(fillTemplate("x {a|y}", { payload: {} }), undefined);
    assertEquals(fillTemplate("x {a|y} {b}", { payload: { b: 1 } }), "x y 1");
    assertEquals(fillTemplate("{a}", { payload: { a: "{b}", b: 2 } }), "{b}");
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (body) => {
      let payload: unknown;
      try {
        payload = parsePayload(body);
      } catch {
        return;
      }
      fillTemplate("{a.b[*].c} {raw_body}", { payload });
    }));
  });
});

describe("a list of addresses", () => {
  it("knows networks of both families, and IPv4 written as IPv6", () => {
    const has = createAddressList(["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"]);
    for (const address of ["10.255.0.1", "192.0.2.7", "2001:db8::1", "::ffff:10.1.2.3"]) {
      assert(has(address), address);
    }
    for (
      const address of [
        "11.0.0.1",
        "192.0.2.8",
        "2001:db9::1",
        "",
        "localhost",
        "10.0.0.1, 1.1.1.1",
        "010.0.0.1",
      ]
    ) {
      assert(!has(address), address);
    }
    for (const text of ["10.0.0.0/33", "10.0.0/8", "::/129", "1.1.1.1/", "fe80::1%eth0", "x"]) {
      assert(!isSubnet(text), text);
    }
  });
});
