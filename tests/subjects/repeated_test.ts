import { assertEquals } from "@std/assert";
import { createHmac } from "node:crypto";
import { describe, it } from "@std/testing/bdd";
import { settle, withModel } from "./model_stage.ts";
import { closed, comment, opened, repository, SECRET, type SubjectStage } from "./stage.ts";

/** Sends these very bytes, whatever was sent before. */
async function sendBytes(stage: SubjectStage, event: string, payload: object): Promise<string> {
  const body = JSON.stringify({ repository, sender: { login: "ada" }, ...payload });
  return await stage.otto.send("github", body, {
    "content-type": "application/json",
    "x-github-event": event,
    "x-hub-signature-256": `sha256=${createHmac("sha256", SECRET).update(body).digest("hex")}`,
  });
}

describe("a captured message that is sent again", () => {
  it("closes nothing, cancels nothing and is no news", () =>
    withModel(() => Promise.resolve({}), async ({ stage, tasks }) => {
      await stage.send("pull_request", opened());
      await sendBytes(stage, "pull_request", closed());
      await settle(stage);
      await stage.send("pull_request", { ...opened(), action: "reopened" });
      await settle(stage);
      const [before] = await tasks();
      assertEquals(before.status, "pending");
      const copy = await sendBytes(stage, "pull_request", closed());
      await settle(stage);
      assertEquals((await stage.message(copy)).state, "filtered");
      assertEquals((await tasks()).map(({ status }) => status), ["pending", "cancelled"]);
      const [subject] = (await stage.get("/api/subjects")).items;
      assertEquals([subject.state, subject.messages], ["open", 4]);
      const [row] = await stage.otto.services.database.query(
        "look",
        (sql) =>
          sql<
            { news: number; closed_by: string | null }[]
          >`select news, closed_by from tasks order by id desc`,
      );
      assertEquals(row, { news: 0, closed_by: null });
    }));

  it("closes nothing, though its original had nothing to close", () =>
    withModel(() => Promise.resolve({}), async ({ stage, tasks }) => {
      const original = await sendBytes(stage, "pull_request", closed());
      await settle(stage);
      assertEquals((await stage.message(original)).reason, "Nothing was open");
      await stage.send("pull_request", { ...opened(), action: "reopened" });
      await settle(stage);
      const copy = await sendBytes(stage, "pull_request", closed());
      await settle(stage);
      assertEquals((await stage.message(copy)).state, "filtered");
      assertEquals((await tasks()).map(({ status }) => status), ["pending"]);
      assertEquals((await stage.get("/api/subjects")).items[0].state, "open");
    }));
});

describe("a message that its sender delivers again", () => {
  it("is told once, whether it was read before or not", () =>
    withModel(() => Promise.resolve({}), async ({ stage, tasks, fake }) => {
      const body = JSON.stringify({ repository, sender: { login: "ada" }, ...comment("Twice") });
      const deliver = () =>
        stage.otto.send("github", body, {
          "content-type": "application/json",
          "x-github-event": "issue_comment",
          "x-github-delivery": "d-1",
          "x-hub-signature-256": `sha256=${
            createHmac("sha256", SECRET).update(body).digest("hex")
          }`,
        });
      fake.script = [{ text: "Read" }];
      await stage.send("pull_request", opened());
      const ids = [await deliver()];
      await settle(stage);
      ids.push(await deliver());
      await settle(stage);
      await stage.otto.workOff();
      ids.push(await deliver());
      await stage.otto.workOff();
      assertEquals(new Set(ids).size, 1);
      const [only, ...others] = await tasks();
      assertEquals([only.status, others.length], ["completed", 0]);
      const rows = await stage.otto.services.database.query(
        "look",
        (sql) => sql`select from task_inbox`,
      );
      assertEquals(rows.length, 1);
    }));
});

describe("an opening that is older than the close that came first", () => {
  const at = (time: string) => ({ updated_at: time });
  for (
    const [how, apart] of [["in one batch", false], ["in batches of their own", true]] as const
  ) {
    it(`makes no task, ${how}`, () =>
      withModel(() => Promise.resolve({}), async ({ stage, tasks }) => {
        await stage.send("pull_request", closed(at("2026-11-30T11:00:00Z")));
        if (apart) await settle(stage);
        const late = await stage.send("pull_request", opened(at("2026-11-30T10:00:00Z")));
        await settle(stage);
        assertEquals(await tasks(), []);
        assertEquals((await stage.message(late)).reason, "It is over already: its end came first");
        assertEquals((await stage.get("/api/subjects")).items[0].state, "closed");
      }));
  }
});

describe("an unsigned opening from the future", () => {
  it("keeps no signed close of the same batch from closing", () =>
    withModel(() => Promise.resolve({}), async ({ stage, tasks }) => {
      await stage.send("pull_request", opened({ updated_at: "2026-11-30T10:00:00Z" }));
      await settle(stage);
      const forged = await stage.send(
        "pull_request",
        opened({ updated_at: "2999-01-01T00:00:00Z" }),
      );
      await stage.otto.services.database.query(
        "make it unverified",
        (sql) => sql`update messages set verification = 'unverified' where id = ${forged}`,
      );
      await stage.send("pull_request", closed({ updated_at: "2026-11-30T11:00:00Z" }));
      await settle(stage);
      const statuses = (await tasks()).map(({ status }) => status);
      assertEquals(statuses.toSorted(), ["cancelled", "pending"]);
      assertEquals((await stage.get("/api/subjects")).items[0].state, "closed");
    }));
});
