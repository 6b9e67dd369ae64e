import { assertEquals, assertNotEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { createHmac } from "node:crypto";
import * as mandrill from "../../sources/mandrill.ts";
import { assertTamperProof, described, form } from "./request.ts";

const URL_CALLED = "https://otto.example.com/webhook/mandrill?team=a";

/** The URL, then each field's name and value by name, as the page describes it. */
function signatureOf(fields: Record<string, string>, key: string, url = URL_CALLED): string {
  const text = Object.keys(fields).sort().map((name) => name + fields[name]).join("");
  return createHmac("sha1", key).update(url + text).digest("base64");
}

const post = (fields: Record<string, string>, signature?: string) =>
  form(fields, signature ? { "x-mandrill-signature": signature } : {}, { url: URL_CALLED });

async function code(incoming: ReturnType<typeof form>, secrets = ["key"]) {
  const verdict = await mandrill.verify(incoming, secrets);
  return verdict.ok || verdict.code;
}

describe("Mandrill's signature", () => {
  it("covers the URL as it was entered and each field", async () => {
    const fields = { mandrill_events: `[{"event":"send","n":"é & +"}]`, alpha: "1" };
    const right = signatureOf(fields, "key");
    assertEquals(await code(post(fields, right)), true);
    assertEquals(await code(post(fields, right), ["old", "key"]), true);
    assertEquals(await code(post({ ...fields, alpha: "2" }, right)), "signature_mismatch");
    assertEquals(
      await code(post(fields, signatureOf(fields, "key", `${URL_CALLED}/`))),
      "signature_mismatch",
    );
    assertEquals(await code(post(fields)), "signature_missing");
  });

  it("is of the same content however the form is written", () => {
    const keys = (body: string) =>
      mandrill.signedContentKeys(form("", {}, { body: new TextEncoder().encode(body) }));
    assertEquals(keys("mandrill_events=%5B1%5D&a=b"), keys("a=b&mandrill_events=[1]"));
    assertNotEquals(keys("mandrill_events=[1]"), keys("mandrill_events=[2]"));
  });

  it("of a form is none of JSON that is called one", async () => {
    const fields = { mandrill_events: `{"a":1}` };
    const body = new TextEncoder().encode(`{"a":1}&mandrill_events`);
    assertEquals(await code(post(fields, signatureOf(fields, "key"))), true);
    const json = new TextEncoder().encode(`{"&mandrill_events=":1}`);
    const text = "mandrill_events" + '":1}' + `{"`;
    for (const each of [body, json]) {
      const signature = createHmac("sha1", "key").update(
        URL_CALLED + (each === json ? text : "x"),
      ).digest("base64");
      const forged = { ...post({}, signature), body: each };
      assertEquals(await code(forged), "signature_mismatch");
    }
  });

  it("notices any change of a byte", async () => {
    // Without escapes, whose letters may be of either case.
    const fields = { mandrill_events: "abcdefghijklmnopqrstuvwxyz" };
    await assertTamperProof(mandrill, post(fields, signatureOf(fields, "key")), "key");
  });
});

describe("Mandrill's trial of the URL", () => {
  it("is answered, by HEAD and without events, and no event is taken for it", () => {
    assertEquals(mandrill.probe(form("", {}, { method: "HEAD" })), { status: 200 });
    assertEquals(mandrill.probe(form("mandrill_events=%5B%5D")), { status: 200 });
    for (const events of ["[{}]", "", "[", "x[]"]) {
      assertEquals(mandrill.probe(form({ mandrill_events: events })), undefined, events);
    }
    assertEquals(mandrill.probe(form("", {}, { method: "GET" })), undefined);
  });
});

describe("Mandrill's events", () => {
  const tell = (...events: unknown[]) =>
    described(mandrill, form({ mandrill_events: JSON.stringify(events) }));
  const msg = { email: "ada@example.com", subject: "Your invoice", sender: "b@example.com" };

  it("say what became of which mail, and what mail came in", () => {
    const bounced = { event: "hard_bounce", ts: 1, _id: "1", msg: { ...msg, diag: "550 no" } };
    assertEquals(
      tell(bounced).title,
      `Mail "Your invoice" bounced (hard) to ada@example.com: 550 no`,
    );
    const opened = { event: "open", ts: 2, _id: "1", msg };
    assertEquals(tell(opened).title, `Mail "Your invoice" opened by ada@example.com`);
    assertEquals(
      tell(opened, bounced, opened).title,
      `2 events: first Mail "Your invoice" opened by ada@example.com`,
    );
    const inbound = {
      event: "inbound",
      ts: 3,
      msg: { from_email: "ada@example.com", email: "otto@x.org", subject: "Hi", text: "It drops" },
    };
    const told = tell(inbound);
    assertEquals(told.title, `Mail from ada@example.com to otto@x.org "Hi": It drops`);
    assertEquals([told.actor, told.text], ["ada@example.com", "It drops"]);
    assertEquals(
      tell({ type: "blacklist", action: "add", reject: { email: "a@b.c" } }).title,
      "Mandrill blacklist a@b.c",
    );
  });

  it("are a repeat only together, for a mail is opened more than once", () => {
    const idOf = (...events: unknown[]) =>
      mandrill.deliveryId(form({ mandrill_events: JSON.stringify(events) }));
    const open = (ts: number) => ({ event: "open", _id: "1", ts });
    assertEquals(idOf(open(1)), idOf(open(1)));
    assertNotEquals(idOf(open(1)), idOf(open(2)));
    assertEquals(idOf({ event: "open", _id: "1" }), undefined);
    assertEquals(idOf(), undefined);
  });
});
