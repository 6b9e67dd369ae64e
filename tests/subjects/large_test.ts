import { assert, assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { opened, openSubjectStage, type SubjectStage } from "./stage.ts";

const MESSAGES = 10_000;
const PAGE = 50;
const READ_TOKEN = "reader-4711-reader-4711";
const HOSTILE = [
  '<img src=x onerror="alert(1)">',
  "\u202Egnihtemos",
  "שלום עולם, زيارة",
  "<script>alert(1)</script>",
  "x".repeat(200),
];

/** One subject of ten thousand messages, whose titles and name are not what anybody would choose. */
async function openLarge(): Promise<SubjectStage & { id: string }> {
  const stage = await openSubjectStage({
    env: { READ_TOKEN, ADMIN_TOKEN: "admin-4711-admin-4711" },
  });
  const first = await stage.send("pull_request", opened({ title: "Large" }));
  await stage.otto.workOff();
  const { database } = stage.otto.services;
  await database.query("fill", (sql) =>
    sql`
      insert into messages (id, webhook_type, source, verification, envelope, body, size,
        received_at, state, title, event, subject_id, role)
      select ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'github', 'github',
        'verified', envelope, '{}', 2, now(), 'processed',
        (${JSON.stringify(HOSTILE)}::text::jsonb ->> (n % ${HOSTILE.length}::int)) || ' ' || n,
        'push', subject_id, 'notes'
      from messages, generate_series(1, ${MESSAGES - 1}) n where id = ${first}`, 60_000);
  const [{ id }] = await database.query(
    "look",
    (sql) => sql<{ id: string }[]>`select id from subjects`,
  );
  return Object.assign(stage, { id });
}

describe("a subject of ten thousand messages", () => {
  const asReader = (stage: SubjectStage, path: string) =>
    stage.otto.ask(path, { headers: { authorization: `Bearer ${READ_TOKEN}` } });

  it("is read page by page without a script, each message once, whatever it is called", async () => {
    await using stage = await openLarge();
    const seen = new Set<string>();
    let path: string | undefined = `/subjects/${stage.id}`;
    let pages = 0;
    while (path) {
      const html = await (await asReader(stage, path)).text();
      for (const [, id] of html.matchAll(/<a href="\/messages\/([\da-f-]{36})" dir="auto">/g)) {
        assert(!seen.has(id), `${id} stands on two pages`);
        seen.add(id);
      }
      // No page is longer for there being so many: neither of others, nor of what stands above.
      assert(html.length < 100_000, `a page of ${html.length} characters`);
      assert(
        !html.includes("<img src=x") && !html.includes("<script>alert"),
        "markup came through",
      );
      path = /<a rel="next" href="([^"]+)"/.exec(html)?.[1].replaceAll("&amp;", "&");
      pages++;
    }
    assertEquals(seen.size, MESSAGES);
    // One entry is the task of the first.
    assertEquals(pages, Math.ceil((MESSAGES + 1) / PAGE));
  });

  it("says that it does not count them all, in lists too", async () => {
    await using stage = await openLarge();
    for (const path of [`/subjects/${stage.id}`, "/messages?group=subject"]) {
      assertMatch(await (await asReader(stage, path)).text(), /10,000 or more messages · 1 task/);
    }
    const { timeline } = await (await asReader(stage, `/api/subjects/${stage.id}?limit=200`))
      .json();
    assertEquals(timeline.items.length, 200);
  });
});

describe("a subject's name", () => {
  for (const [index, title] of HOSTILE.entries()) {
    it(`is text wherever it stands (${index})`, async () => {
      await using stage = await openSubjectStage();
      const first = await stage.tell("pull_request", opened({ title }));
      const [{ id }] = (await stage.get("/api/subjects")).items;
      const { task_id } = await stage.message(first);
      const paths = [
        "/subjects",
        `/subjects/${id}`,
        `/messages/${first}`,
        `/tasks/${task_id}`,
        "/messages?group=subject",
        "/tasks?group=subject",
        `/messages/${first}?tab=explain`,
      ];
      for (const path of paths) {
        const html = await (await stage.otto.ask(path)).text();
        assert(!/<img src=x|<script>alert/.test(html), path);
        // Its direction is its own, and never the page's.
        for (const [, before] of html.matchAll(/([^>]*>)[^<>]*\u202E/g)) {
          assertMatch(before, /dir="auto"|<title>|^"/, `${path}: ${before}`);
        }
      }
    });
  }
});

describe("a reader", () => {
  it("sees what is told of a subject, and changes nothing of it", async () => {
    await using stage = await openSubjectStage({
      env: { READ_TOKEN, ADMIN_TOKEN: "admin-4711-admin-4711" },
    });
    const first = await stage.send("pull_request", opened());
    await stage.otto.workOff();
    const asked = async (path: string, method = "GET") =>
      await stage.otto.ask(path, { method, headers: { authorization: `Bearer ${READ_TOKEN}` } });
    const [{ id }] = (await (await asked("/api/subjects")).json()).items;
    const { task_id } = await (await asked(`/api/messages/${first}`)).json();
    for (
      const path of ["/subjects", `/subjects/${id}`, `/messages/${first}`, `/tasks/${task_id}`]
    ) {
      const answer = await asked(path);
      assertEquals(answer.status, 200, path);
      assertMatch(await answer.text(), /<body class="reader"/);
    }
    const changes = [
      `/api/subjects/${id}/stop`,
      `/api/subjects/${id}/resume`,
      `/subjects/${id}/stop`,
      `/subjects/${id}/resume`,
      `/api/messages/${first}/detach`,
      `/messages/${first}/detach`,
      `/api/tasks/${task_id}/wake`,
      `/tasks/${task_id}/wake`,
    ];
    for (const path of changes) {
      const answer = await asked(path, "POST");
      await answer.body?.cancel();
      assertEquals(answer.status, 403, path);
    }
    assertEquals((await (await asked(`/api/subjects/${id}`)).json()).state, "open");
  });
});
