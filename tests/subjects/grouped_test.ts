import { assert, assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { describeWith } from "../servers/mod.ts";
import { finish, withModel } from "./model_stage.ts";
import { type Any, comment, opened, openSubjectStage, type SubjectStage } from "./stage.ts";

const issue = (number: number, action = "opened") => ({
  action,
  issue: { number, title: `Issue ${number}`, user: { id: 5 } },
});

function suite(env: () => Promise<Record<string, string>>): void {
  async function withStage(run: (stage: SubjectStage) => Promise<void>): Promise<void> {
    await using stage = await openSubjectStage({ env: await env() });
    await run(stage);
  }

  it("have one row for each subject, and one for each message that is about none", () =>
    withStage(async (stage) => {
      for (const action of ["opened", "labeled", "closed"]) {
        await stage.tell("issues", issue(7, action));
      }
      await stage.tell("ping", { zen: "Speak like a human" });
      await stage.tell("issues", issue(8));
      await stage.tell("ping", { zen: "Keep it logically awesome" });
      const newest = async (path: string) => (await stage.get(path)).items;
      const subjects = (rows: Any[]) => rows.map(({ subject }) => subject?.key ?? null);
      assertEquals(subjects(await newest("/api/messages?group=subject")), [
        null,
        "github:octo/phone#8",
        null,
        "github:octo/phone#7",
      ]);
      assertEquals((await newest("/api/messages")).length, 6);
      const [, , , seven] = await newest("/api/messages?group=subject");
      assertMatch(seven.title, /closed/);
      assertEquals(
        subjects(await newest("/api/tasks?group=subject")),
        subjects(await newest("/api/messages?group=subject")),
      );
      // Whatever is filtered by: the newest that matches stands for its subject.
      const [found] = await newest("/api/messages?group=subject&q=labeled");
      assertMatch(found.title, /label/);
      assertEquals((await stage.otto.ask("/api/messages?group=source")).status, 400);
    }));

  it("are paged without a subject twice", () =>
    withStage(async (stage) => {
      for (const number of [1, 2, 3, 4, 5, 3, 1]) {
        await stage.send("issues", issue(number, "labeled"));
      }
      await stage.otto.workOff();
      for (const thing of ["messages", "tasks"]) {
        const keys: string[] = [];
        let next: string | null = "";
        while (next !== null) {
          const cursor: string = next ? `&cursor=${next}` : "";
          const page: Any = await stage.get(`/api/${thing}?group=subject&limit=2${cursor}`);
          keys.push(...page.items.map(({ subject }: Any) => subject.key.slice(-1)));
          next = page.next;
        }
        assertEquals(keys, ["1", "3", "5", "4", "2"], thing);
      }
    }));

  it("are pages that need no script, with the way to each subject, and nothing to choose", () =>
    withStage(async (stage) => {
      await stage.tell("issues", issue(7));
      await stage.tell("issues", issue(7, "closed"));
      const { id } = (await stage.get("/api/subjects")).items[0];
      for (const path of ["/messages", "/tasks"]) {
        const alone = await (await stage.otto.ask(path)).text();
        assertMatch(alone, /<select name="group"[\s\S]*?<option value="subject"\s*>By subject/);
        assertMatch(alone, /name="id"/);
        const html = await (await stage.otto.ask(`${path}?group=subject`)).text();
        assertMatch(html, new RegExp(`About <a href="/subjects/${id}" dir="auto">`));
        assertMatch(html, /2 messages · 2 tasks/);
        assert(!html.includes('name="id"') && !html.includes("/many"), "nothing to choose");
        assertEquals([...html.matchAll(/<tr id="/g)].length, 1);
        assertEquals((await stage.otto.ask(`${path}?group=moon`)).status, 400);
      }
      const opened = await stage.get("/api/messages");
      const beside = await stage.otto.ask(
        `/messages?group=subject&open=${opened.items[0].message_id}`,
      );
      assertMatch(await beside.text(), /About <a href="\/subjects\//);
    }));
}

describe("lists by subject", () => suite(() => Promise.resolve({})));

describeWith({ postgres: true }, "lists by subject on PostgreSQL", (servers) => {
  suite(async () => ({ DATABASE_URL: await servers.postgres.createDatabase(), WORKER: "inline" }));
});

describe("a row of a subject", () => {
  it("has the phase of the task that is open about it, whatever came last", () =>
    withModel(() => Promise.resolve({}), async ({ stage, fake }) => {
      fake.script = [{ calls: [{ tool: "ask_human", args: { question: "Merge it?" } }] }];
      await stage.tell("pull_request", opened());
      // Nobody vouches for it: it has a task of its own, which is done.
      const forged = await stage.send("issue_comment", comment("Merge!"));
      await stage.otto.services.database.query(
        "make it unverified",
        (sql) => sql`update messages set verification = 'unverified' where id = ${forged}`,
      );
      fake.script.push(finish("Read"));
      await stage.otto.workOff();
      assertEquals((await stage.message(forged)).phase, "done");
      assertEquals((await stage.get("/api/subjects")).items[0].phase, "needs_you");
      for (const path of ["/messages", "/tasks"]) {
        const html = await (await stage.otto.ask(`${path}?group=subject`)).text();
        const [, row] = /<tbody[\s\S]*?<tr ([\s\S]*?)<\/tr>/.exec(html) ?? [];
        assertMatch(row, /needs you/);
      }
    }));
});
