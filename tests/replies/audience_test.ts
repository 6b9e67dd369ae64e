import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { type Any, call, finish } from "../agent/stage.ts";
import { openReplies, type ReplyStage, SAID } from "./stage.ts";

const project = { id: 42, path_with_namespace: "octo/phone" };
const issue = (iid = 7, more: Any = {}) => ({
  object_kind: "issue",
  project,
  object_attributes: { iid, action: "open", title: "It crashes", ...more },
});
let notes = 0;
const note = (said: string, { iid = 7, ...more }: Any = {}) => ({
  object_kind: "note",
  project,
  issue: { iid, title: "It crashes" },
  object_attributes: {
    noteable_type: "Issue",
    id: 9_000 + ++notes,
    type: "DiscussionNote",
    discussion_id: "b".repeat(40),
    note: said,
    ...more,
  },
});
const internal = (said: string) => note(said, { internal: true });
const open = (subject?: unknown) =>
  openReplies({
    rules: { default: { tools: ["reply", "wait_for_event", "list_subject"] } },
    sources: { gitlab: { later: "continue", ...subject ? { subject } : {} } },
  });
const WAIT = call("wait_for_event", { events: [], minutes: 60 });
const sentIn = ({ vendors }: ReplyStage) =>
  vendors.said.map(({ path, body }) => [path.replace("/api/v4/projects/42", ""), body.internal]);

async function wake(stage: ReplyStage): Promise<void> {
  await stage.otto.services.database.query(
    "let the quiet pass",
    (sql) => sql`update tasks set wake_at = now() where wake_at is not null`,
  );
  await stage.work();
}

describe("what fewer may read than read the place", () => {
  it("comes to the task about it, and from then on that answers for those alone", async () => {
    await using stage = await open();
    stage.fake.script = [
      call("reply", { text: "Which version?" }),
      WAIT,
      call("reply", { text: "Let us wait for her" }),
      finish("Done"),
    ];
    const { task_id } = await stage.send("gitlab", issue());
    const heard = await stage.send("gitlab", internal("She has not paid"));
    assertEquals(heard.task_id, task_id);
    await wake(stage);
    assertStringIncludes(stage.told(), "She has not paid");
    assertEquals(sentIn(stage), [["/issues/7/notes", undefined], ["/issues/7/notes", true]]);
  });

  it("is answered in no thread that others read", async () => {
    await using stage = await open();
    stage.fake.script = [WAIT, call("reply", { text: SAID }), finish("Done")];
    await stage.send("gitlab", note("Why?"));
    await stage.send("gitlab", internal("She has not paid"));
    await wake(stage);
    assertEquals(sentIn(stage), [["/issues/7/notes", true]]);
  });

  it("is told nowhere else: where there is no such answer, it is refused in words", async () => {
    const places: [Any, Any][] = [
      [{ object_kind: "pipeline", project, object_attributes: { id: 3, sha: "a".repeat(40) } }, [
        internal("She has not paid"),
      ]],
      [issue(8), [internal("She has not paid")]],
      [issue(8), [issue(7, { action: "reopen", confidential: true })]],
    ];
    for (const [first, later] of places) {
      await using stage = await open({ key: "{project.id}" });
      stage.fake.script = [WAIT, call("reply", { text: SAID }), finish("Done")];
      await stage.send("gitlab", first);
      for (const each of later) await stage.send("gitlab", each);
      await wake(stage);
      assertEquals(sentIn(stage), []);
      assertMatch(stage.told(), /was told what not all may read who read octo\/phone[#@]/);
    }
  });

  it("of a confidential issue is answered there as ever", async () => {
    await using stage = await open();
    stage.fake.script = [WAIT, call("reply", { text: SAID }), finish("Done")];
    await stage.send("gitlab", issue(7, { confidential: true }));
    await stage.send("gitlab", {
      ...note("It is urgent", { internal: false }),
      event_type: "confidential_note",
      issue: { iid: 7, confidential: true },
    });
    await wake(stage);
    assertEquals(sentIn(stage), [["/issues/7/notes", undefined]]);
  });

  it("is told to no later task about it, but to one for the same people", async () => {
    await using stage = await open();
    const told = async (payload: Any) => {
      stage.fake.asked.length = 0;
      stage.fake.script = [call("list_subject", {}), finish("It is about her bill")];
      await stage.send("gitlab", payload);
      return JSON.stringify(stage.fake.asked.map(({ body }) => body));
    };
    await told(internal("She has not paid"));
    const open_ = await told(note("Any news?"));
    assert(!open_.includes("not paid") && !open_.includes("about her bill"), open_);
    const theirs = await told(internal("And now?"));
    assertStringIncludes(theirs, "She has not paid");
    assertStringIncludes(theirs, "about her bill");
  });

  it("of a confidential issue is told to its team, and what that says to it alone", async () => {
    await using stage = await open();
    const told = async (payload: Any, summary: string) => {
      stage.fake.asked.length = 0;
      stage.fake.script = [call("list_subject", {}), finish(summary)];
      await stage.send("gitlab", payload);
      return JSON.stringify(stage.fake.asked.map(({ body }) => body));
    };
    const confidential = (said: string, more: Any = {}) => ({
      ...note(said, more),
      event_type: "confidential_note",
      issue: { iid: 7, confidential: true },
    });
    await told(issue(7, { confidential: true }), "It is about her bill");
    // Most versions do not say whether a note on such an issue is internal.
    assertStringIncludes(await told(confidential("Unclear"), "She is broke"), "about her bill");
    const theirs = await told(confidential("For all of them", { internal: false }), "Told");
    assertStringIncludes(theirs, "about her bill");
    assert(!theirs.includes("broke") && !theirs.includes("Unclear"), theirs);
  });

  it("stays so in a burst that makes one task", async () => {
    await using stage = await openReplies({
      sources: { gitlab: { merge: { seconds: 60, key: "{project.id}" } } },
    });
    await stage.send("gitlab", issue());
    await stage.send("gitlab", internal("She has not paid"));
    await stage.otto.services.database.query(
      "let the burst end",
      (sql) => sql`update bursts set due_at = now()`,
    );
    await stage.work();
    assertEquals(sentIn(stage), [["/issues/7/notes", true]]);
  });
});
