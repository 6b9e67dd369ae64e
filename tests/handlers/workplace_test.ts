import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import { sign } from "@octokit/webhooks-methods";
import { makeLike } from "../../handlers/webhook/like.ts";
import { readHistory } from "../../lib/message/history.ts";
import { json, openOtto, type Otto } from "../otto.ts";

const ADMIN_TOKEN = "a token of the operator's own";
const READ_TOKEN = "a token that only looks";
const SECRET = "the secret of github";
const HOSTILE = `</pre><script>hacked=1</script>'"`;
const BODY = JSON.stringify({ action: "opened", zen: HOSTILE, hook_id: 7 });
const bearer = { authorization: `Bearer ${ADMIN_TOKEN}` };

describe("the message as a workplace", () => {
  let otto: Otto;
  let first: string;
  beforeAll(async () => {
    otto = await openOtto({ ADMIN_TOKEN, READ_TOKEN, GITHUB_WEBHOOK_SECRET: SECRET });
    first = await sendPing("11111111-0000-4000-8000-000000000001");
  });
  afterAll(() => otto[Symbol.asyncDispose]());

  async function sendPing(delivery: string, headers: Record<string, string> = {}) {
    const answer = await otto.ask("/webhook/github", {
      method: "POST",
      body: BODY,
      headers: {
        "content-type": "application/json",
        "x-hub-signature-256": await sign(SECRET, BODY),
        "x-github-event": "ping",
        "x-github-delivery": delivery,
        ...headers,
      },
    });
    await answer.body?.cancel();
    return answer.headers.get("x-message-id") ?? "";
  }
  const page = async (path: string, headers: Record<string, string> = bearer) =>
    await (await otto.ask(path, { headers: { accept: "text/html", ...headers } })).text();
  const found = async (query: string) =>
    (await json(await otto.ask(`/api/messages?${query}`, { headers: bearer }))).items
      .map(({ message_id }: { message_id: string }) => message_id);

  it("finds what stands in headers, and never what is masked there", async () => {
    assertEquals(await found("header=x-github-event:%20PING"), [first]);
    assertEquals(await found("q=header:x-github-delivery:%2011111111"), [first]);
    const signature = (await sign(SECRET, BODY)).slice(7);
    assertEquals(await found(`header=${signature.slice(0, 12)}`), []);
    assertEquals(await found(`header=${signature.slice(-12)}`), []);
    assertEquals(await found("header=x-hub-signature-256"), [first]);
    const secretUrl = await sendPing("11111111-0000-4000-8000-000000000002", {
      referer: "https://a.example/hook?token=hush-hush",
      "x-from": "https://b.example/open",
    });
    assertEquals(await found("header=hush"), []);
    assertEquals(await found("header=b.example"), [secretUrl]);
    assertEquals(await found("header=x-from&body=hook_id"), [secretUrl]);
  });

  it("shows a message beside its list, whose filter stays in every link", async () => {
    const shown = await page(`/messages?source=github&open=${first}`);
    assertStringIncludes(shown, 'id="pane"');
    assertMatch(shown, /href="\/messages\?source=github" ?>/);
    assertMatch(
      shown,
      /data-key="k" data-instead rel="prev"\s+href="\/messages\?source=github&amp;open=/,
    );
    assert(!shown.includes("<script>hacked"));
    assertStringIncludes(
      await page("/messages?open=0190a1b2-0000-7000-8000-000000000000"),
      "is gone",
    );
  });

  it("leaves empty parameters out of the URL", async () => {
    const answer = await otto.ask("/messages?q=&source=github&phase=", {
      headers: { accept: "text/html", ...bearer },
      redirect: "manual",
    });
    assertEquals([answer.status, answer.headers.get("location")], [302, "/messages?source=github"]);
  });

  it("counts what matches, within a time of one's own", async () => {
    assertStringIncludes(await page("/messages?source=github"), "<strong>2 messages</strong>");
    assertEquals(await found("until=2020-01-01"), []);
    assertEquals((await found("since=2020-01-01T00:00&until=2100-01-01T00:00:00Z")).length, 2);
  });

  it("explains a message on its page to an admin alone", async () => {
    const shown = await page(`/messages/${first}?tab=explain`);
    assertStringIncludes(shown, "The signature fits the secret in GITHUB_WEBHOOK_SECRET");
    assert(!shown.includes("<script>hacked"));
    const reader = await page(`/messages/${first}?tab=explain`, {
      authorization: `Bearer ${READ_TOKEN}`,
    });
    assertStringIncludes(reader, "Only an admin sees");
    assert(!reader.includes("fits the secret"));
  });

  it("tries a payload that is pasted, and keeps nothing of it", async () => {
    const before = (await found("")).length;
    const tryIt = async (headers: string) =>
      await (await otto.ask("/sources/github/try", {
        method: "POST",
        body: new URLSearchParams({ headers, body: BODY }),
        headers: { accept: "text/html", ...bearer },
      })).text();
    const shown = await tryIt("x-github-event: ping\ncontent-type: application/json");
    assertStringIncludes(shown, "signature_missing");
    assert(!shown.includes("<script>hacked"));
    assertStringIncludes(await tryIt("no header at all"), "Line 1 of the headers is none");
    assertStringIncludes(await page(`/sources/github/try?like=${first}`), "x-github-event: ping");
    assertEquals((await found("")).length, before);
  });

  it("tells of a release and of repeats", async () => {
    const delivery = "11111111-0000-4000-8000-000000000003";
    await sendPing(delivery, { "x-hub-signature-256": `sha256=${"0".repeat(64)}` });
    await otto.services.quarantine.idle();
    const [refused] = await found("phase=refused");
    assertStringIncludes(await page(`/messages/${refused}`), "Received, answered 401");
    assertEquals((await otto.ask(`/messages/${first}/replay`, { headers: bearer })).status, 200);
    assertEquals(await sendPing("11111111-0000-4000-8000-000000000001"), first);
    const kinds = (await readHistory(otto.services.database, first)).map(({ kind }) => kind);
    assertEquals(kinds, ["repeated"]);
    assertStringIncludes(
      await page(`/messages/${first}`),
      "Sent again, answered 200 as the first time",
    );
    const right = (await sign(SECRET, BODY)).slice(7);
    await otto.services.database.query(
      "right the signature",
      (sql) =>
        sql`update message_contents set envelope = replace(envelope, ${"0".repeat(64)}::text,
        ${right}::text) where message_id = ${refused}`,
    );
    const answer = await otto.ask(`/api/messages/${refused}/release`, {
      method: "POST",
      headers: bearer,
    });
    assertEquals(answer.status, 200);
    const shown = await page(`/messages/${refused}`);
    for (
      const what of ["Received, answered 401", "Refused", "Released by admin", "Signature verified"]
    ) {
      assertStringIncludes(shown, what);
    }
  });

  it("is sent again as a new delivery, signed anew", async () => {
    const server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen() {} },
      (request) => {
        const { pathname, search } = new URL(request.url);
        return otto.ask(pathname + search, { method: request.method, headers: bearer });
      },
    );
    const origin = `http://127.0.0.1:${server.addr.port}`;
    const { request, notes } = await makeLike(otto.services, {
      id: first,
      from: origin,
      origin,
      signal: new AbortController().signal,
    });
    await server.shutdown();
    assertEquals(notes, []);
    const delivery = request.headers.get("x-github-delivery");
    assert(delivery && delivery !== "11111111-0000-4000-8000-000000000001");
    assertEquals(request.headers.get("x-hub-signature-256"), await sign(SECRET, BODY));
    assertEquals(await request.text(), BODY);
  });
});
