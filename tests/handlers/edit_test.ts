import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import { createHmac } from "node:crypto";
import { createApp } from "../../handlers/mod.ts";
import { editableOf, typedBytes } from "../../lib/message/edit.ts";
import { newId } from "../../lib/store/id.ts";
import { findJsonFault } from "../../lib/config/json_fault.ts";
import { indentJson } from "../../lib/message/json_indent.ts";
import { readMessage } from "../../lib/message/message.ts";
import { storeRejected } from "../../lib/message/quarantine.ts";
import { json, openOtto, type Otto } from "../otto.ts";
import { messageOf } from "../queue/contract.ts";

const SECRET = "github-secret-4711";
const ORIGIN = { origin: "http://localhost:8000" };

describe("a fault in JSON", () => {
  it("has a line, a column and a reason", () => {
    const faults: [text: string, line: number, column: number, says: RegExp][] = [
      ['{"a":1,}', 1, 8, /comma stands before the }/],
      ['{\n  "a": 1\n  "b": 2\n}', 3, 3, /comma is missing/],
      ['{\r\n"a" 1}', 2, 5, /colon is missing/],
      ["{'a':1}", 1, 2, /double quotes/],
      ['["a\nb"]', 1, 2, /not closed/],
      ['["\\x"]', 1, 2, /escape/],
      ["[01]", 1, 3, /comma is missing/],
      ['{"a":[1,2', 1, 10, /too early/],
      ["[1]]", 1, 4, /after the end/],
      ["", 1, 1, /nothing/],
    ];
    for (const [text, line, column, says] of faults) {
      const found = findJsonFault(text);
      assertEquals([found?.line, found?.column], [line, column], text);
      assertMatch(found!.says, says);
    }
  });

  it("is found exactly where the engine finds one, whatever is broken", () => {
    const whole = '{"a":[1,2.5e3,-0,{"b":"x\\u00e9\\n","c":null}],"d":true}';
    for (let at = 0; at < whole.length; at++) {
      for (
        const put of ["", "{", "}", "[", "]", ",", ":", '"', "\\", "0", "-", "e", ".", "t", "\n"]
      ) {
        const text = whole.slice(0, at) + put + whole.slice(put === "" ? at + 1 : at);
        let isJson = true;
        try {
          JSON.parse(text);
        } catch {
          isJson = false;
        }
        const found = findJsonFault(text);
        assertEquals(found === undefined, isJson, text);
        assert(found?.says !== "it is not JSON", text);
      }
    }
  });
});

describe("a body in a person's hands", () => {
  const editable = (text: string) => {
    const body = new TextEncoder().encode(text);
    const found = editableOf({
      body,
      size: body.length,
      headers: new Headers({ "content-type": "application/json" }),
    });
    assert(!("why" in found));
    return found;
  };

  it("is laid out without any value being changed", () => {
    const text = '{"id":12345678901234567890,"id":1.0,"a":[],"b":{},"c":["[,:]\\"",2]}';
    assertEquals(
      indentJson(text),
      '{\n  "id": 12345678901234567890,\n  "id": 1.0,\n  "a": [],\n  "b": {},\n  "c": [\n' +
        '    "[,:]\\"",\n    2\n  ]\n}',
    );
  });

  it("is unchanged when only a browser's line ends differ", () => {
    const typed = (text: string) => text.replaceAll("\n", "\r\n");
    for (const text of ['{"a":\n1}', '{"a":\r\n1}', '{"a":\r1,\n"b":2}', "one\ntwo", ""]) {
      assertEquals(typedBytes(editable(text), typed(text.replaceAll(/\r\n?/g, "\n"))), undefined);
    }
    assertEquals(typedBytes(editable('{"a":1}'), typed('{\n  "a": 1\n}')), undefined);
  });

  it("keeps the line ends that it came with", () => {
    const text = (of: string, typed: string) =>
      new TextDecoder().decode(typedBytes(editable(of), typed));
    assertEquals(text("a\nb", "a\r\nc"), "a\nc");
    assertEquals(text("a\r\nb", "a\r\nc"), "a\r\nc");
  });

  it("cannot be edited when it is no text, or large", () => {
    for (const body of [Uint8Array.of(0xff, 0xfe), Uint8Array.of(0x61, 0)]) {
      assert("why" in editableOf({ body, size: body.length, headers: new Headers() }));
    }
    const body = new Uint8Array(120 * 1024 + 1).fill(0x61);
    assert("why" in editableOf({ body, size: body.length, headers: new Headers() }));
  });
});

describe("an edited replay", () => {
  let otto: Otto;
  let id: string;
  const payload = '{"action":"opened","issue":{"number":7,"title":"Old"},"sender":{"login":"ada"}}';
  beforeAll(async () => {
    otto = await openOtto({ GITHUB_WEBHOOK_SECRET: SECRET });
    id = await otto.send("github", payload, {
      "content-type": "application/json",
      "x-github-event": "issues",
      "x-github-delivery": "d-1",
      "x-hub-signature-256": `sha256=${createHmac("sha256", SECRET).update(payload).digest("hex")}`,
    });
  });
  afterAll(() => otto[Symbol.asyncDispose]());

  const post = (path: string, app = otto.app, body: unknown = { body: "x" }) =>
    app.fetch(
      new Request(`http://localhost:8000${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", host: "localhost:8000" },
        body: JSON.stringify(body),
      }),
      { address: () => "127.0.0.1" },
    );
  const edit = (of: string, body: unknown) => post(`/api/messages/${of}/edit`, otto.app, body);
  const submit = (of: string, fields: Record<string, string>) => {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.set(name, value);
    return otto.ask(`/messages/${of}/edit`, { method: "POST", body: form, headers: ORIGIN });
  };
  const read = async (of: string) => (await readMessage(otto.services.database, of))!;
  const text = async (of: string) => new TextDecoder().decode((await read(of)).body);

  it("is a new message that nobody vouches for, with what did not vouch for the old bytes", async () => {
    const body = payload.replace("Old", "New");
    const made = await json(await edit(id, { body }), 201);
    assertEquals(made.replay_of, id);
    const found = await otto.get(`/api/messages/${made.message_id}`);
    assertEquals(
      [found.verification, found.edited, found.replay_of, found.size],
      ["unverified", true, id, body.length],
    );
    assertEquals(await text(made.message_id), body);
    assertEquals(found.headers["x-github-event"], "issues");
    for (const name of ["x-hub-signature-256", "content-length"]) assert(!(name in found.headers));
    await otto.workOff();
    assertMatch((await read(made.message_id)).title!, /New/);
    const again = await otto.post(`/api/messages/${made.message_id}/replay`, undefined, 201);
    const { edited, verification } = await read(again.message_id);
    assertEquals([edited, verification], [true, "unverified"], "a replay of it is edited, too");
    assert(!(await read(id)).edited);
  });

  it("with the very same bytes is an ordinary replay", async () => {
    const answer = await edit(id, { body: payload });
    assertEquals(
      [answer.status, answer.headers.get("location")],
      [307, `/api/messages/${id}/replay`],
    );
    const page = await submit(id, { body: indentJson(payload)!.replaceAll("\n", "\r\n") });
    assertEquals([page.status, page.headers.get("location")], [307, `/messages/${id}/replay`]);
  });

  it("needs no JSON in the API, but a text of a sensible size", async () => {
    const made = await json(await edit(id, { body: "not JSON" }), 201);
    assertEquals(await text(made.message_id), "not JSON");
    await json(await edit(id, { body: "x".repeat(120 * 1024 + 1) }), 413);
    await json(await edit(id, {}), 400);
    await json(await edit(newId(), { body: "x" }), 404);
  });

  it("on its page shows where JSON is broken with what was typed, and sends it if one insists", async () => {
    const typed = '{\r\n"title": "</textarea><script>"\r\n"b": 1}';
    const refused = await submit(id, { body: typed });
    assertEquals(refused.status, 422);
    const html = await refused.text();
    assertStringIncludes(html, "Line 3, column 1: a comma is missing");
    assertStringIncludes(html, "&quot;&lt;/textarea&gt;&lt;script&gt;&quot;");
    const sent = await submit(id, { body: typed, as_is: "yes" });
    assertEquals(sent.status, 303);
    const made = sent.headers.get("location")!.replace("/messages/", "");
    assertEquals(await text(made), typed.replaceAll("\r\n", "\n"));
    const page = await (await otto.ask(`/messages/${made}`)).text();
    assertStringIncludes(page, "Edited by a person before it was replayed.");
    const tooLong = await submit(id, { body: `"${"x".repeat(120 * 1024)}"` });
    assertEquals(tooLong.status, 413);
    assertStringIncludes(await tooLong.text(), "at most 122880 are taken");
  });

  it("is refused for what was refused, for what is no text, and where all must be verified", async () => {
    const { database, config } = otto.services;
    const rejected = newId();
    const message = messageOf({ id: rejected, body: "{}" });
    await storeRejected(database, { ...message, id: rejected, size: 2 }, "wrong secret");
    const binary = await otto.send("demo", Uint8Array.of(0xff, 0));
    for (const [of, code] of [[rejected, "wrong_state"], [binary, "not_editable"]]) {
      const { error } = await json(await edit(of, { body: "x" }), 409);
      assertEquals(error.code, code);
      const page = await otto.ask(`/messages/${of}/edit`);
      assertEquals(page.status, 409);
      assert(!(await page.text()).includes("<textarea"));
    }
    const strict = createApp({
      services: { ...otto.services, config: { ...config, requireVerified: true } },
      stop: new AbortController().signal,
    });
    const made = await json(await edit(id, { body: "edited before" }), 201);
    for (const [of, how] of [[id, "edit"], [made.message_id, "replay"]]) {
      const { error } = await json(await post(`/api/messages/${of}/${how}`, strict), 409);
      assertEquals(error.code, "verified_only");
    }
  });
});
