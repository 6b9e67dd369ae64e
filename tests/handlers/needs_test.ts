import { assert, assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { newId } from "../../lib/store/id.ts";
import { json, openOtto, type Otto } from "../otto.ts";

const JSON_TYPE = { "content-type": "application/json" };

const live = async (otto: Otto) => await (await otto.ask("/")).text();

async function update(otto: Otto, id: string, change: "ask" | "fail", text: string) {
  await otto.services.database.query(
    "change a task",
    (sql) =>
      change === "ask"
        ? sql`update tasks set status = 'waiting_input', question = ${text} where message_id = ${id}`
        : sql`update tasks set status = 'failed', error_code = 'agent_failed',
          error_message = ${text}, finished_at = now() where message_id = ${id}`,
  );
}

describe("what needs a person", () => {
  it("is nothing where all is done", async () => {
    await using otto = await openOtto();
    await otto.send("demo", "{}", JSON_TYPE);
    await otto.workOff();
    assert(!(await live(otto)).includes("Needs you"));
  });

  it("is a question, which is answered right there", async () => {
    await using otto = await openOtto();
    const id = await otto.send("demo", "{}", JSON_TYPE);
    await otto.workOff();
    await update(otto, id, "ask", "Which <b>house</b>?");
    const page = await live(otto);
    assertMatch(page, /Needs you[^]*Which &lt;b&gt;house/);
    const [, action] = page.match(/action="(\/tasks\/[^"]+\/answer)"/)!;
    const [, question_id] = page.match(/name="question_id" value="(\d+)"/)!;
    const answered = await otto.ask(action, {
      method: "POST",
      headers: { origin: "http://localhost:8000" },
      body: new URLSearchParams({ question_id, text: "The red one" }),
    });
    assertEquals(answered.status, 303);
    assert(!(await live(otto)).includes("Which"));
    for (let n = 0; n < 12; n++) {
      const more = await otto.send("demo", `{"n":${n}}`, JSON_TYPE);
      await otto.workOff();
      await update(otto, more, "ask", "Which one?");
    }
    assertMatch(await live(otto), /phase=needs_you">2 more to answer or to decide/);
  });

  it("is each reason once, with how many, of whom, and what can be done", async () => {
    await using otto = await openOtto({ WEBHOOK_SECRET_GITLAB: "right" });
    for (let n = 0; n < 3; n++) {
      const answer = await otto.ask("/webhook/gitlab", {
        method: "POST",
        headers: { ...JSON_TYPE, "x-gitlab-token": "wrong" },
        body: JSON.stringify({ n }),
      });
      assertEquals(answer.status, 401);
      await answer.body?.cancel();
    }
    await otto.services.quarantine.idle();
    const ids = [];
    for (let n = 0; n < 5; n++) ids.push(await otto.send("billing", `{"n":${n}}`, JSON_TYPE));
    await otto.workOff();
    for (const [n, id] of ids.entries()) {
      await update(otto, id, "fail", n < 4 ? `the model answered 400 (request ${n})` : "no budget");
    }
    const page = await live(otto);
    assertMatch(page, /GitLab:\s+3 refused/);
    assertMatch(page, /billing:\s+4 failed[^]*the model answered 400/);
    assertMatch(page, /billing:\s+1 failed[^]*no budget/);
    const [, act] = page.match(/href="(\/messages\/many\?[^"]+)">Verify again/)!;
    assertMatch(
      await (await otto.ask(act.replaceAll("&amp;", "&"))).text(),
      /Verify again and release 3/,
    );
    for (const id of ids) {
      await (await otto.ask(`/api/messages/${id}`, { method: "DELETE" })).body?.cancel();
    }
    assert(!(await live(otto)).includes("no budget"));
    assertEquals((await json(await otto.ask("/api/messages?phase=refused"))).items.length, 3);
  });

  it("is marked as seen all at once, as far as it was shown", async () => {
    await using otto = await openOtto();
    const id = await otto.send("billing", "{}", JSON_TYPE);
    await otto.workOff();
    await update(otto, id, "fail", "no budget");
    const { task_id } = await json(await otto.ask(`/api/messages/${id}`));
    const tell = async (text: string) =>
      await otto.services.database.query("tell", (sql) =>
        sql`
          insert into notifications (id, cause, task_id, channel, destination, kind, text, state)
          values (${newId()}, ${crypto.randomUUID()}, ${task_id}, 'web', 'web', 'note', ${text},
            'sent')`);
    for (let n = 0; n < 14; n++) await tell(`Notice ${n}`);
    const page = await live(otto);
    assertMatch(page, /And 4 more that Otto has to say/);
    const needs = await json(await otto.ask("/api/needs"));
    assertEquals([needs.notices.length, needs.more_notices, needs.count], [10, 4, 15]);
    assertEquals(needs.notices[0].task_id, task_id);
    const [, form] = page.match(/<form[^>]*>((?:<input[^>]*>|\s)*)<button[^>]*>Mark all as seen/)!;
    const fields = [...form.matchAll(/name="([^"]+)" value="([^"]*)"/g)].map(([, ...field]) =>
      field
    );

    // It comes while somebody looks.
    await tell("A later notice");
    const press = async (body: string[][]) =>
      await otto.ask("/needs/seen", {
        method: "POST",
        headers: { origin: "http://localhost:8000" },
        body: new URLSearchParams(body),
      });
    assertEquals((await press(fields)).status, 303);
    const left = await json(await otto.ask("/api/needs"));
    assertEquals(
      left.notices.map(({ text }: { text: string }) => text),
      ["A later notice", "Notice 3", "Notice 2", "Notice 1", "Notice 0"],
    );
    assertEquals([left.count, left.troubles[0].seen], [5, true]);
    await press(left.notices.slice(1).map(({ id }: { id: string }) => ["notice", id]));
    // One thing has its own button.
    assert(!(await live(otto)).includes("Mark all as seen"));
    for (const wrong of [[], [["notice", "x"]], [["key", "failed:billing:1"]]]) {
      assertEquals((await press(wrong)).status, 400);
    }
  });
});
