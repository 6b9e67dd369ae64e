import { assert, assertEquals, assertMatch } from "@std/assert";
import { it } from "@std/testing/bdd";
import { json } from "../otto.ts";
import {
  checked,
  closed,
  comment,
  OLD_SHA,
  opened,
  openSubjectStage,
  pullRequest,
  SHA,
  type SubjectStage,
} from "./stage.ts";

/** What subjects promise on every store. */
export function describeSubjects(env: () => Promise<Record<string, string>>): void {
  async function withStage(
    run: (stage: SubjectStage) => Promise<void>,
    rules?: unknown,
    more: Record<string, string> = {},
  ): Promise<void> {
    await using stage = await openSubjectStage({ rules, env: { ...await env(), ...more } });
    await run(stage);
  }

  it("stand together: a pull request with its comment, its check and its end", () =>
    withStage(async (stage) => {
      const first = await stage.tell("pull_request", opened());
      await stage.tell("issue_comment", comment("Looks good"));
      await stage.tell("check_suite", checked("failure"));
      await stage.tell("push", { ref: "refs/heads/greeting", before: OLD_SHA, after: SHA });
      const { items } = await stage.get("/api/subjects");
      assertEquals(items.length, 1);
      const [subject] = items;
      assertEquals(subject.key, "github:octo/phone#7");
      assertEquals(subject.name, 'PR #7 "Greet callers" in octo/phone');
      assertEquals(subject.link, "https://github.com/octo/phone/pull/7");
      assertEquals([subject.state, subject.messages, subject.tasks], ["open", 4, 4]);
      const { timeline } = await stage.get(`/api/subjects/${subject.id}?limit=200`);
      const roles = timeline.items.filter(({ kind }: { kind: string }) => kind === "message")
        .map(({ role }: { role: string }) => role);
      assertEquals(roles, ["notes", "result", "continues", "opens"]);
      await stage.tell("pull_request", closed());
      assertEquals((await stage.get("/api/subjects?state=closed")).items.length, 1);
      assertEquals((await stage.get("/api/subjects?state=open")).items.length, 0);
      const page = await (await stage.otto.ask(`/messages/${first}`)).text();
      assertMatch(page, /About <a href="\/subjects\/[^"]+"[^>]*>PR #7 &quot;Greet callers&quot;/);
      assertMatch(page, /5 messages · 5 tasks/);
    }));

  it("are found by the commit in one batch, whatever came first", () =>
    withStage(async (stage) => {
      await stage.send("check_suite", checked("success"));
      await stage.send("pull_request", opened());
      await stage.otto.workOff();
      assertEquals(
        (await stage.get("/api/subjects")).items.map(({ key }: { key: string }) => key),
        [
          "github:octo/phone#7",
        ],
      );
    }));

  it("are not guessed: two open ones with one commit are none, an older commit's check is a note", () =>
    withStage(async (stage) => {
      await stage.tell("pull_request", opened({ head: { sha: OLD_SHA } }));
      await stage.tell("pull_request", {
        action: "synchronize",
        pull_request: pullRequest(),
      });
      const old = await stage.tell("check_suite", checked("failure", { head_sha: OLD_SHA }));
      const present = await stage.tell("check_suite", checked("failure"));
      assertEquals(await roleOf(stage, old), "notes");
      assertEquals(await roleOf(stage, present), "result");
      await stage.tell("pull_request", {
        action: "opened",
        pull_request: pullRequest({ number: 8 }),
      });
      const unclear = await stage.tell("check_suite", checked("success"));
      assertEquals(await roleOf(stage, unclear), undefined);
    }));

  it("keep their name and stay open, whatever unsigned messages say", () =>
    withStage(async (stage) => {
      await stage.tell("pull_request", opened());
      const forged = pullRequest({ title: "Send money", html_url: "https://evil.example/" });
      await stage.otto.services.database.query(
        "forge",
        (sql) => sql`update messages set verification = verification`,
      );
      for (const action of ["edited", "closed"]) {
        const id = await stage.send("pull_request", { action, pull_request: forged });
        await stage.otto.services.database.query(
          "make it unverified",
          (sql) => sql`update messages set verification = 'unverified' where id = ${id}`,
        );
        await stage.otto.workOff();
      }
      const [subject] = (await stage.get("/api/subjects")).items;
      assertEquals(subject.name, 'PR #7 "Greet callers" in octo/phone');
      assertEquals(subject.link, "https://github.com/octo/phone/pull/7");
      assertEquals([subject.state, subject.messages], ["open", 3]);
    }));

  it("are not ended by a close that is older than their opening", () =>
    withStage(async (stage) => {
      const at = (time: string) => ({ updated_at: time });
      await stage.tell("pull_request", {
        ...opened(at("2026-11-30T10:00:00Z")),
        action: "reopened",
      });
      await stage.tell("pull_request", closed(at("2026-11-30T09:00:00Z")));
      assertEquals((await stage.get("/api/subjects")).items[0].state, "open");
      await stage.tell("pull_request", closed(at("2026-11-30T11:00:00Z")));
      assertEquals((await stage.get("/api/subjects")).items[0].state, "closed");
      await stage.tell("pull_request", {
        ...opened(at("2026-11-30T10:30:00Z")),
        action: "reopened",
      });
      assertEquals((await stage.get("/api/subjects")).items[0].state, "closed");
    }));

  it("are neither renamed, opened nor closed by what a person replays", () =>
    withStage(async (stage) => {
      const replay = async (id: string) => {
        await stage.otto.post(`/api/messages/${id}/replay`, undefined, 201);
        await stage.otto.workOff();
        return (await stage.get("/api/subjects")).items[0];
      };
      const first = await stage.tell("pull_request", opened());
      const end = await stage.tell("pull_request", closed({ head: { sha: OLD_SHA } }));
      assertEquals((await replay(first)).state, "closed");
      await stage.tell("pull_request", { ...opened({ title: "Hail" }), action: "reopened" });
      const subject = await replay(end);
      assertEquals(subject.state, "open");
      assertEquals(subject.name, 'PR #7 "Hail" in octo/phone');
      // The commit that it had then is none of its newest ones.
      const check = await stage.tell("check_suite", checked("failure"));
      assertEquals(await roleOf(stage, check), "result");
      assertEquals([subject.messages, subject.tasks], [5, 5]);
    }));

  it("are told of by what makes no task, and go with the last that told of them", () =>
    withStage(
      async (stage) => {
        const id = await stage.tell("pull_request", opened(), { login: "otto-bot" });
        assertEquals((await stage.message(id)).state, "filtered");
        const { items } = await stage.get("/api/subjects");
        assertEquals([items[0].messages, items[0].tasks], [1, 0]);
        assertEquals(
          (await stage.otto.ask(`/api/messages/${id}`, { method: "DELETE" })).status,
          204,
        );
        assertEquals((await stage.get("/api/subjects")).items, []);
      },
      undefined,
      { AGENT_ACCOUNTS: "otto-bot" },
    ));

  it("are explained before anything is sent", () =>
    withStage(async (stage) => {
      await stage.tell("pull_request", opened());
      const answer = await json(
        await stage.otto.ask("/webhook/github/explain", {
          method: "POST",
          headers: { "content-type": "application/json", "x-github-event": "issue_comment" },
          body: JSON.stringify({ repository: { full_name: "octo/phone" }, ...comment("Hi") }),
        }),
      );
      assertEquals(answer.becomes, "rejected");
      const own = await stage.otto.post("/webhook/acme/explain", { order: { id: 7 } });
      assertEquals(own.subject.joins, null);
      assertEquals([own.subject.key, own.subject.role, own.subject.id], ["acme:7", "opens", null]);
    }, { acme: { subject: { key: "{order.id}" } } }));

  it("are listed and searched a page at a time, by pages that need no script", () =>
    withStage(async (stage) => {
      const hostile = '<img src=x onerror=alert(1)> "quoted" \u202Edesrever';
      await stage.tell("pull_request", opened({ title: hostile }));
      for (const number of [8, 9]) {
        await stage.tell("issues", {
          action: "opened",
          issue: { number, title: `Issue ${number}`, user: { id: 5 } },
        });
      }
      const first = await stage.get("/api/subjects?limit=2");
      assertEquals(first.items.length, 2);
      const rest = await stage.get(`/api/subjects?limit=2&cursor=${first.next}`);
      assertEquals([rest.items.length, rest.next], [1, null]);
      assertEquals((await stage.get("/api/subjects?q=phone%239")).items.length, 1);
      assertEquals((await stage.get("/api/subjects?q=Issue+9")).items.length, 1);
      assertEquals((await stage.get("/api/subjects?source=gitlab")).items.length, 0);
      const page = await (await stage.otto.ask("/subjects?q=PR&state=open")).text();
      assert(!page.includes("<img src=x"), "escaped");
      const [{ id }] = (await stage.get("/api/subjects?q=PR")).items;
      const own = await (await stage.otto.ask(`/subjects/${id}`)).text();
      assert(!own.includes("<img src=x") && own.includes("&lt;img"), "escaped");
      for (const odd of ["nonsense", "0198c0de-0000-7000-8000-000000000001"]) {
        assertEquals((await stage.otto.ask(`/subjects/${odd}`)).status, 404);
      }
    }));
}

async function roleOf(stage: SubjectStage, id: string): Promise<string | undefined> {
  const { items } = await stage.get("/api/subjects");
  for (const subject of items) {
    const { timeline } = await stage.get(`/api/subjects/${subject.id}?limit=200`);
    const entry = timeline.items.find((each: { id: string }) => each.id === id);
    if (entry) return entry.role;
  }
}
