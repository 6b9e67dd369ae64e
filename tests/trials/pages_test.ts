import { assert, assertEquals, assertMatch } from "@std/assert";
import { afterEach, beforeEach, describe, it } from "@std/testing/bdd";
import { drain } from "../../lib/work/drain.ts";
import { searchAudit } from "../../lib/people/audit_search.ts";
import { call, finish, issue, KEY, openStage, type Stage } from "../agent/stage.ts";
import { json } from "../otto.ts";

const HOSTILE = '</textarea></pre><script>hacked=1</script><img src=x onerror="hacked=2">';

describe("the pages of trials", () => {
  let stage: Stage;
  let message: string;

  async function open(rules: unknown): Promise<void> {
    stage = await openStage(rules, { AGENT_TRIAL_MODELS: "gpt-5-nano" });
    stage.fake.script = [call("set_title", { title: "A crash" }), finish("It *crashes*.")];
    const task = await stage.task(await stage.signed(issue));
    message = task.message_id;
  }
  beforeEach(() =>
    open({ sources: { github: { instruction: "Give it a title.", tools: ["set_title"] } } })
  );
  afterEach(() => stage[Symbol.asyncDispose]());

  const work = () => drain(stage.otto.services, { maxMs: 20_000 });
  const page = async (path: string) => {
    const answer = await stage.otto.ask(path, { headers: { accept: "text/html" } });
    assertEquals(answer.status, 200, path);
    return (await answer.text()).replaceAll(/\s+/g, " ");
  };
  const post = (path: string, fields: Record<string, string> | [string, string][]) =>
    stage.otto.ask(path, { method: "POST", body: new URLSearchParams(fields) });
  async function begin(
    fields: Record<string, string> | [string, string][],
    path = `/messages/${message}/trials`,
  ): Promise<string> {
    const answer = await post(path, fields);
    assertEquals(answer.status, 303, await answer.text());
    return answer.headers.get("location")!;
  }

  it("begin with a form that has what the source has at present", async () => {
    const form = await page(`/messages/${message}/trials`);
    assertMatch(form, /<textarea name="instruction"[^>]*> Give it a title\.<\/textarea>/);
    assertMatch(form, /value="openai\/gpt-5-mini">openai\/gpt-5-mini \(in use\)</);
    assertMatch(form, /value="openai\/gpt-5-nano"/);
    assertMatch(form, /name="tool" value="set_title" checked ?>/);
    assertMatch(form, /name="tool" value="notify"> /);
    for (const path of [`/messages/${message}`, "/sources/github"]) {
      assertMatch(await page(path), /\/trials"/, `${path} leads there`);
    }
    const { task_id } = await stage.otto.get(`/api/messages/${message}`);
    assertMatch(await page(`/tasks/${task_id}`), new RegExp(`/messages/${message}/trials`));
  });

  it("show no secret that stands in the source's instruction, and change none by that", async () => {
    await stage[Symbol.asyncDispose]();
    await open({ default: { instruction: `Ask the desk,\r\nits key is ${KEY}.`, tools: [] } });
    const shown = await page(`/messages/${message}/trials`);
    assert(!shown.includes(KEY));
    const path = await begin({ instruction: "Ask the desk,\r\nits key is •••." });
    assertEquals((await stage.otto.get(`/api${path}`)).instruction, null);
  });

  it("ask for nothing that was left as the source has it", async () => {
    const path = await begin([
      ["instruction", "Give it a title."],
      ["model", "openai/gpt-5-mini"],
      ["tools_shown", "yes"],
      ["tool", "set_title"],
    ]);
    const { instruction, tools } = await stage.otto.get(`/api${path}`);
    assertEquals([instruction, tools], [null, null]);
    assertMatch(await page(path), /Nothing is to be written/);
    const changed = await begin([["instruction", "One\r\ntwo"], ["tools_shown", "yes"]]);
    const trial = await stage.otto.get(`/api${changed}`);
    assertEquals([trial.instruction, trial.tools], ["One\ntwo", []]);
  });

  it("show side by side what really came of it and what would have come", async () => {
    const path = await begin({ instruction: "Say who is to look.", model: "openai/gpt-5-nano" });
    assertMatch(await page(path), /http-equiv="refresh" content="3"/, "it reads itself anew");
    assertMatch(await page(path), /queued<\/span>/);
    assertMatch(await page(`/messages/${message}`), /tried by/);
    assertMatch(await page("/audit"), /tried message/);
    stage.fake.script = [
      call("set_title", { title: "For ada" }),
      finish("**Ada** should look."),
    ];
    await work();
    const shown = await page(path);
    assert(!shown.includes('http-equiv="refresh"'), "it has come to its end");
    assertMatch(shown, /What really came of it/);
    assertEquals(shown.match(/done<\/span>/g)?.length, 3, "in one word, here and there");
    assertMatch(shown, /<em>crashes<\/em>/);
    assertMatch(shown, /<strong>Ada<\/strong> should look/);
    assertMatch(shown, /would have<\/span> <code>set_title<\/code> ?<span class="badge">only here/);
    assertMatch(shown, /called<\/span> <code>set_title<\/code> ?<span class="badge">only here/);
    const rows = [...shown.matchAll(/<tr class="(\w*)"> <th scope="row">([\w ]+?) ?</g)]
      .map(([, differs, label]) => [label, differs]);
    assertEquals(rows, [
      ["Phase", ""],
      ["Result", "differs"],
      ["Tools", "differs"],
      ["Model", "differs"],
      ["Instruction", "differs"],
      ["Steps", ""],
      ["Tokens", ""],
      ["Money", ""],
      ["Time with the model", ""],
    ]);
    const settings = [...shown.matchAll(/<pre id="keep-\d"[^>]*>([^<]*)<\/pre>/g)]
      .map(([, text]) => text.replaceAll("&quot;", '"'));
    assertEquals(JSON.parse(settings[0]), {
      sources: { github: { instruction: "Say who is to look." } },
    });
    assertEquals(settings[1], "OPENAI_MODEL=gpt-5-nano");
  });

  it("say which instruction each side had, also when the source's has changed since", async () => {
    const { database } = stage.otto.services;
    await database.query(
      "have worked it with another one",
      (sql) => sql`update agent_runs set instruction = 'What it said then'`,
    );
    const path = await begin({});
    await work();
    const shown = await page(path);
    assertMatch(shown, /Instruction ?<span class="badge">differs/);
    assertMatch(shown, /aria-label="Instruction">What it said then<\/pre>/);
    await database.query(
      "have worked it before anybody wrote it down",
      (sql) => sql`update agent_runs set instruction = null`,
    );
    assertMatch(await page(path), /Instruction<\/th> <td[^>]*>\s*<span class="soft">not known/);
  });

  it("compare two trials, too", async () => {
    const first = await begin({ instruction: "One" });
    const second = await begin({ instruction: "Two" });
    stage.fake.script = [finish("The same.")];
    await work();
    const shown = await page(`${second}?with=${first.split("/").at(-1)}`);
    assertMatch(shown, /aria-label="Instruction">One<\/pre>/);
    assertMatch(shown, /aria-label="Instruction">Two<\/pre>/);
    assertMatch(shown, /Result ?<span class="badge">same/);
    assert(!shown.includes("<em>crashes"), "not what really came of it");
    const lost = await stage.otto.ask(`${second}?with=0198c0de-0000-7000-8000-000000000001`);
    assertEquals(lost.status, 404);
    await lost.body?.cancel();
  });

  it("show nothing as anything but text", async () => {
    await stage[Symbol.asyncDispose]();
    await open({ default: { instruction: HOSTILE, tools: ["set_title"] } });
    const { message_id } = await stage.task(
      await stage.signed({ ...issue, issue: { ...issue.issue, title: HOSTILE } }),
    );
    message = message_id;
    const path = await begin({ instruction: `${HOSTILE}!` });
    stage.fake.script = [call("set_title", { title: HOSTILE }), finish(HOSTILE)];
    await work();
    const batch = await begin({ instruction: `${HOSTILE}?`, count: "2" }, "/sources/github/trials");
    await work();
    for (const each of [path, batch, `/messages/${message}/trials`, "/sources/github/trials"]) {
      const shown = await page(each);
      assert(!/<script>hacked|<img src=x/.test(shown), each);
      assertMatch(shown, /&lt;script&gt;hacked/, each);
    }
  });

  it("let a reader look, and nobody else than an admin begin or cancel", async () => {
    await stage[Symbol.asyncDispose]();
    const admin = { authorization: "Bearer an-admin-token-of-ours" };
    const reader = { authorization: "Bearer a-token-that-only-looks" };
    await using other = await openStage({}, {
      ADMIN_TOKEN: "an-admin-token-of-ours",
      READ_TOKEN: "a-token-that-only-looks",
    });
    stage = await openStage();
    const id = await other.otto.send("demo", '{"title":"x"}', {});
    await drain(other.otto.services, { maxMs: 20_000 });
    const ask = (path: string, headers: Record<string, string>, method = "POST") =>
      other.otto.ask(path, {
        method,
        headers: { ...headers, "content-type": "application/json" },
        ...(method === "POST" ? { body: "{}" } : {}),
      });
    const status = async (answer: Promise<Response>) => {
      const { status, body } = await answer;
      await body?.cancel();
      return status;
    };
    assertEquals(await status(ask(`/api/messages/${id}/try`, reader)), 403);
    assertEquals(await status(ask(`/api/sources/demo/try`, reader)), 403);
    const begun = await json(await ask(`/api/messages/${id}/try`, admin), 201);
    assertEquals(await status(ask(`/api/trials/${begun.id}/cancel`, reader)), 403);
    for (
      const path of [
        `/api/messages/${id}/trials`,
        `/api/trials/${begun.id}`,
        `/messages/${id}/trials`,
        `/trials/${begun.id}`,
        "/sources/demo/trials",
      ]
    ) {
      assertEquals(await status(ask(path, reader, "GET")), 200, path);
      assertEquals(await status(ask(path, {}, "GET")), 401, path);
    }
    const { items } = await searchAudit(other.otto.services.database, {}, 5);
    const entry = items.find(({ act, outcome }) => act === "try" && outcome === "done");
    assertEquals([entry?.thing, entry?.ids, entry?.detail?.trial_id], [
      "message",
      [id],
      begun.id,
    ]);
  });

  it("stand under the name that their messages came by, also where Otto does not know it", async () => {
    await stage.unsigned({ title: "One" });
    const batch = await begin({ count: "2" }, "/sources/demo/trials");
    const [, trial] = /href="(\/trials\/[^"]*)"/.exec(await page(batch))!;
    assert((await page(trial)).includes(`href="${batch}"`));
    assertMatch(await page("/sources/demo/trials"), />1 message<\/a>/);
    assertMatch(await page("/sources/another/trials"), /Nothing yet/);
  });

  it("try many messages of a source at once, and say what came of each", async () => {
    await stage.signed({ ...issue, n: 2 });
    const path = await begin({ instruction: "Sort it.", count: "2" }, "/sources/github/trials");
    assertMatch(path, /^\/sources\/github\/trials\?batch=/);
    stage.fake.script = [finish("Sorted.")];
    await work();
    const shown = await page(path);
    assertEquals(shown.match(/Sorted\./g)?.length, 2);
    assertMatch(shown, /It crashes\./);
    assertMatch(shown, /aria-label="Instruction">Sort it\.<\/pre>/);
    assertMatch(await page("/sources/github/trials"), />2 messages<\/a>/);
    const over = await post("/sources/github/trials", { instruction: "x", count: "21" });
    assertEquals(over.status, 400);
    await over.body?.cancel();
  });
});
