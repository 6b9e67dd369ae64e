import { assertEquals } from "@std/assert";
import { createHmac } from "node:crypto";
import { describe, it } from "@std/testing/bdd";
import { settle, withModel } from "./model_stage.ts";
import { closed, opened, repository, SECRET, type SubjectStage } from "./stage.ts";

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
});
