import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import * as zlib from "node:zlib";
import { json, openOtto, type Otto } from "../otto.ts";

const GITHUB = "the secret of github";
const PUSH = JSON.stringify({
  ref: "refs/heads/main",
  before: "1".repeat(40),
  after: "2".repeat(40),
  commits: [{ id: "2".repeat(40), message: "Mend the phone" }],
  repository: { full_name: "octo/phone" },
  sender: { login: "ada" },
});
const SECRETS = {
  SLACK_SIGNING_SECRET: "the secret of slack",
  MONDAY_SIGNING_SECRET: "the secret of monday",
};
const zeros = (megabytes: number) => new Uint8Array(megabytes * 1024 * 1024);

let otto: Otto;

const read = (id: string) => otto.get(`/api/messages/${id}`);
const sign = (body: Uint8Array | string) => ({
  "x-hub-signature-256": `sha256=${createHmac("sha256", GITHUB).update(body).digest("hex")}`,
});

/** What became of a body that was sent so. */
async function sent(type: string, body: Uint8Array | string, headers: Record<string, string>) {
  const id = await otto.send(type, body as BodyInit, headers);
  await otto.workOff();
  return await read(id);
}

const ENCODED: [encoding: string, body: Uint8Array][] = [
  ["gzip", zlib.gzipSync(PUSH)],
  ["GZIP", zlib.gzipSync(PUSH)],
  ["x-gzip", zlib.gzipSync(PUSH)],
  ["deflate", zlib.deflateSync(PUSH)],
  ["deflate", zlib.deflateRawSync(PUSH)],
  ["br", zlib.brotliCompressSync(PUSH)],
  ["deflate, gzip", zlib.gzipSync(zlib.deflateSync(PUSH))],
  ["gzip, identity, br", zlib.brotliCompressSync(zlib.gzipSync(PUSH))],
  ["identity", Buffer.from(PUSH)],
  // A proxy has undone it and left the header.
  ["gzip", Buffer.from(PUSH)],
];

describe("an encoded body", () => {
  beforeAll(async () => {
    otto = await openOtto();
  });
  afterAll(() => otto[Symbol.asyncDispose]());

  for (const [encoding, body] of ENCODED) {
    it(`is read as what it says: ${encoding}, ${body.length} bytes`, async () => {
      const message = await sent("github", body, {
        "x-github-event": "push",
        "content-encoding": encoding,
      });
      assertStringIncludes(message.title, "octo/phone");
      assertEquals(message.payload.commits[0].message, "Mend the phone");
      const kept = await otto.ask(`/api/messages/${message.message_id}/body`);
      assertEquals(new Uint8Array(await kept.arrayBuffer()), new Uint8Array(body), "as it came");
    });
  }

  it("is known as gzip without its header, too", async () => {
    const message = await sent("acme", zlib.gzipSync('{"title":"Nightly export"}'), {});
    assertEquals([message.title, message.payload.title], [
      "acme: Nightly export",
      "Nightly export",
    ]);
  });

  it("has its delivery's id inside", async () => {
    const event = { id: "evt_1", type: "invoice.paid", data: { object: { object: "invoice" } } };
    const body = zlib.gzipSync(JSON.stringify(event));
    const headers = { "content-encoding": "gzip" };
    const first = await otto.send("stripe", body, headers);
    assertEquals(await otto.send("stripe", zlib.gzipSync(JSON.stringify(event)), headers), first);
    assertEquals((await read(first)).delivery_id, "evt_1");
  });

  it("that nobody here can decode is taken, and says so", async () => {
    const message = await sent("acme", new Uint8Array([1, 2, 200, 255]), {
      "content-encoding": "compress",
    });
    assertEquals(message.state, "processed");
    assertStringIncludes(message.payload.raw_body, "undecoded: its Content-Encoding is compress");
    assertStringIncludes(message.title, "compress");
    const page = await (await otto.ask(`/messages/${message.message_id}`)).text();
    assertStringIncludes(page, "kept as it came, undecoded");
  });

  it("that is none of what its header says is taken, and says so", async () => {
    const cut = zlib.gzipSync(PUSH).subarray(0, 60);
    const message = await sent("acme", cut, { "content-encoding": "gzip" });
    assertStringIncludes(message.payload.raw_body, "it is no gzip");
  });

  for (
    const [encoding, encode] of [["gzip", zlib.gzipSync], ["br", zlib.brotliCompressSync]] as const
  ) {
    it(`is not decoded to more than the sender may send: ${encoding}`, async () => {
      const message = await sent("acme", encode(zeros(64)), { "content-encoding": encoding });
      assertEquals(message.state, "failed");
      assertStringIncludes(message.error, `decoded from ${encoding} it has more than the 1048576`);
    });
  }

  it("of a sender with large bodies is read in a thread", async () => {
    const large = JSON.stringify({ ...JSON.parse(PUSH), padding: "x".repeat(3 * 1024 * 1024) });
    const body = zlib.gzipSync(large);
    assert(body.length < 1024 * 1024);
    const message = await sent("github", body, {
      "x-github-event": "push",
      "content-encoding": "gzip",
    });
    assertEquals(message.state, "processed", message.error);
    assertStringIncludes(message.title, "octo/phone");
  });

  it("is shown decoded on its page", async () => {
    const id = await otto.send("acme", zlib.gzipSync('{"title":"<Nightly>"}'), {
      "content-encoding": "gzip",
    });
    const page = await (await otto.ask(`/messages/${id}`)).text();
    assertStringIncludes(page, "Raw, decoded from gzip");
    assertStringIncludes(page, "&lt;Nightly&gt;");
  });

  it("meets the operator's filter decoded, and the explanation reads it so", async () => {
    const answer = await otto.ask("/webhook/github/explain", {
      method: "POST",
      body: zlib.gzipSync(PUSH) as BodyInit,
      headers: { "content-encoding": "gzip", "x-github-event": "push" },
    });
    assertStringIncludes((await json(answer)).title, "octo/phone");
  });
});

describe("a signature and an encoded body", () => {
  beforeAll(async () => {
    otto = await openOtto({ GITHUB_WEBHOOK_SECRET: GITHUB, ...SECRETS });
  });
  afterAll(() => otto[Symbol.asyncDispose]());

  const headers = { "x-github-event": "push", "content-encoding": "gzip" };

  it("is right over the bytes as they came, and over what they say", async () => {
    const body = zlib.gzipSync(PUSH);
    for (const signed of [body, PUSH]) {
      const message = await sent("github", body, { ...headers, ...sign(signed) });
      assertEquals(message.verification, "verified");
    }
  });

  it("makes no second task when somebody encodes what was captured anew", async () => {
    const text = JSON.stringify({ ...JSON.parse(PUSH), after: "3".repeat(40) });
    const first = await sent("github", zlib.gzipSync(text), { ...headers, ...sign(text) });
    assertEquals(first.state, "processed");
    const again = [zlib.gzipSync(text, { level: 0 }), Buffer.from(text)];
    for (const body of again) {
      const message = await sent("github", body, {
        ...headers,
        "x-github-delivery": crypto.randomUUID(),
        ...sign(text),
      });
      assertEquals(message.state, "filtered", "the same signed text");
    }
  });

  it("makes no second message of what was captured and encoded anew, nor of what was decoded", async () => {
    const { SLACK_SIGNING_SECRET: key } = SECRETS;
    const texts = ["1", "2"].map((text) =>
      JSON.stringify({ type: "event_callback", event_id: "Ev1", event: { type: "message", text } })
    );
    for (const text of texts) {
      const at = Math.floor(Date.now() / 1_000);
      const mac = createHmac("sha256", key).update(`v0:${at}:${text}`).digest("hex");
      const signature = { "x-slack-request-timestamp": `${at}`, "x-slack-signature": `v0=${mac}` };
      const send = (encoding: string, body: Uint8Array) =>
        otto.send("slack", body as BodyInit, { "content-encoding": encoding, ...signature });
      const first = await send("gzip", zlib.gzipSync(text));
      for (
        const [encoding, body] of [
          ["gzip", zlib.gzipSync(text, { level: 0 })],
          ["br", zlib.brotliCompressSync(text)],
          ["identity", Buffer.from(text)],
          ["deflate", zlib.deflateSync(text)],
        ] as const
      ) assertEquals(await send(encoding, body), first, `${encoding} of ${text}`);
    }
    const plain = JSON.stringify({ type: "x", data: { object: { id: "in_1" } }, id: "evt_9" });
    const headers = { "content-encoding": "gzip" };
    const first = await otto.send("stripe", plain, {});
    assertEquals(await otto.send("stripe", zlib.gzipSync(plain), headers), first);
  });

  it("is decoded to at most 4 MiB before its signature is right", async () => {
    const text = JSON.stringify({ ...JSON.parse(PUSH), padding: "x".repeat(5 * 1024 * 1024) });
    const body = zlib.gzipSync(text);
    const post = (signed: Uint8Array | string) =>
      otto.ask("/webhook/github", {
        method: "POST",
        body: body as BodyInit,
        headers: { ...headers, ...sign(signed) },
      });
    assertEquals((await post(text)).status, 401);
    assertEquals((await post(body)).status, 200);
  });

  it("is not decoded to see whether it is a greeting, which nobody encodes", async () => {
    const text = '{"challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmd"}';
    const post = (body: Uint8Array, encoding: string) =>
      otto.ask("/webhook/monday", {
        method: "POST",
        body: body as BodyInit,
        headers: { "content-encoding": encoding, "content-type": "application/json" },
      });
    assertEquals((await post(Buffer.from(text), "identity")).status, 200);
    assertEquals((await post(zlib.brotliCompressSync(text), "br")).status, 401);
    assertEquals((await post(zlib.gzipSync(text), "")).status, 401);
  });

  it("that fits neither is refused, and the diagnosis names the encoding", async () => {
    const answer = await otto.ask("/webhook/github", {
      method: "POST",
      body: zlib.gzipSync(PUSH) as BodyInit,
      headers: { ...headers, ...sign("another") },
    });
    assertEquals((await json(answer, 401)).error.code, "signature_mismatch");
    await otto.services.quarantine.idle();
    const { items } = await otto.get("/api/messages?state=rejected");
    assertStringIncludes(items[0].reason, "Its Content-Encoding is gzip");
  });

  it("that fits what was written anew is told so, whatever the encoding", async () => {
    const spaced = JSON.stringify(JSON.parse(PUSH), null, 2);
    await otto.ask("/webhook/github", {
      method: "POST",
      body: zlib.gzipSync(spaced) as BodyInit,
      headers: { ...headers, ...sign(PUSH) },
    });
    await otto.services.quarantine.idle();
    const { items } = await otto.get("/api/messages?state=rejected");
    assertStringIncludes(items[0].reason, "It fits its JSON written without spaces");
  });
});

describe("a text in another charset than UTF-8", () => {
  beforeAll(async () => {
    otto = await openOtto();
  });
  afterAll(() => otto[Symbol.asyncDispose]());

  const latin1 = (text: string) => Buffer.from(text, "latin1");

  it("is read by the charset of its content type: JSON", async () => {
    const message = await sent("acme", latin1('{"title":"Grüße aus Köln"}'), {
      "content-type": "application/json; charset=iso-8859-1",
    });
    assertEquals(message.title, "acme: Grüße aus Köln");
    assertEquals(message.payload.title, "Grüße aus Köln");
  });

  it("is UTF-8 where it reads as that, whatever its content type says", async () => {
    const message = await sent("acme", '{"title":"Grüße"}', {
      "content-type": "application/json;charset=ISO-8859-1",
    });
    assertEquals(message.payload.title, "Grüße");
  });

  it("may be UTF-16, with a mark or without", async () => {
    const text = '{"title":"Grüße"}';
    for (const body of [Buffer.from(`\ufeff${text}`, "utf16le"), Buffer.from(text, "utf16le")]) {
      assertEquals((await sent("acme", body, {})).payload.title, "Grüße");
    }
  });

  it("is read by it in a form, written as it is or with percents", async () => {
    for (const form of [latin1("subject=Grüße"), "subject=Gr%FC%DFe"]) {
      const message = await sent("acme", form, {
        "content-type": "application/x-www-form-urlencoded; charset=iso-8859-1",
      });
      assertEquals(message.payload.subject, "Grüße");
    }
  });

  it("is read by the field in which a form names it (PayPal's)", async () => {
    const message = await sent("acme", "first_name=J%FCrgen&charset=windows-1252&x=1%2B1+a", {
      "content-type": "application/x-www-form-urlencoded",
    });
    assertEquals([message.payload.first_name, message.payload.x], ["Jürgen", "1+1 a"]);
  });

  it("is read by what a mail's form says of each field (SendGrid's)", async () => {
    const japanese = Buffer.from("GyRCJDMkcyRLJEEkTxsoQg==", "base64");
    const part = (name: string, value: Uint8Array) =>
      Buffer.concat([
        Buffer.from(`--xYz\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n`),
        value,
        Buffer.from("\r\n"),
      ]);
    const body = Buffer.concat([
      part("subject", japanese),
      part("text", latin1("Schöne Grüße")),
      part("from", Buffer.from("Jürgen <j@example.com>")),
      part(
        "charsets",
        Buffer.from('{"subject":"iso-2022-jp","text":"iso-8859-1","from":"UTF-8","to":"nonsense"}'),
      ),
      Buffer.from("--xYz--\r\n"),
    ]);
    const { payload } = await sent("sendgrid", body, {
      "content-type": "multipart/form-data; boundary=xYz",
    });
    assertEquals([payload.subject, payload.text, payload.from], [
      "こんにちは",
      "Schöne Grüße",
      "Jürgen <j@example.com>",
    ]);
  });

  it("is read by what a part says of itself", async () => {
    const body = Buffer.concat([
      Buffer.from(
        '--b\r\nContent-Disposition: form-data; name="text"\r\n' +
          "Content-Type: text/plain; charset=windows-1251\r\n\r\n",
      ),
      Buffer.from([0xcf, 0xf0, 0xe8, 0xe2, 0xe5, 0xf2]),
      Buffer.from("\r\n--b--\r\n"),
    ]);
    const { payload } = await sent("acme", body, {
      "content-type": "multipart/form-data; boundary=b",
    });
    assertEquals(payload.text, "Привет");
  });
});
