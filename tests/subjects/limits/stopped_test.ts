import { assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import type { Say } from "../../fakes/server.ts";
import { change, meanwhile, within } from "./limit_stage.ts";
import { finish } from "../model_stage.ts";
import { type Any, comment } from "../stage.ts";

describe("failures in a row", () => {
  it("stop a subject whose tasks fail three times in a row, until a person resumes it", () =>
    within({}, async ({ stage, fake, tasks }) => {
      fake.script = [{ status: 400, message: "no such model" }];
      for (let at = 0; at < 4; at++) await stage.tell("issue_comment", comment(`Try ${at}`));
      assertEquals((await tasks()).length, 3);
      const [subject] = (await stage.get("/api/subjects?state=stopped")).items;
      assertMatch(subject.stopped_why, /last 3 tasks about it failed/);
      const told = (await stage.get("/api/notifications")).items
        .filter(({ kind }: Any) => kind === "subject_stopped");
      assertEquals(told.length, 1);
      await stage.otto.post(`/api/subjects/${subject.id}/resume`);
      // What was before it was resumed counts no more.
      await stage.tell("issue_comment", comment("Again"));
      assertEquals((await stage.get("/api/subjects?state=stopped")).items, []);
      assertEquals((await tasks()).length, 4);
    }));

  it("do not stop one whose tasks fail now and then, or whose strangers' do", () =>
    within({}, async ({ stage, fake, tasks }) => {
      const bad = { status: 400, message: "no such model" };
      fake.script = [bad, finish("Fine"), bad];
      for (let at = 0; at < 4; at++) await stage.tell("issue_comment", comment(`Try ${at}`));
      assertEquals((await stage.get("/api/subjects?state=stopped")).items, []);
      await change(
        stage,
        `update messages set verification = 'unverified'
        where id in (select message_id from tasks where status = 'failed')`,
      );
      await stage.tell("issue_comment", comment("Ours"));
      assertEquals((await stage.get("/api/subjects?state=stopped")).items, []);
      assertEquals((await tasks()).length, 5);
    }));

  it("keep what a task has left unread while its subject is stopped, for whoever resumes it", () =>
    within({}, async ({ stage, fake, tasks }) => {
      const bad: Say = { status: 400, message: "no such model" };
      fake.script = [bad, bad, meanwhile(stage, "Unread", bad), finish("Read after all")];
      for (let at = 0; at < 3; at++) await stage.tell("issue_comment", comment(`Try ${at}`));
      assertEquals((await tasks()).length, 3);
      const [subject] = (await stage.get("/api/subjects?state=stopped")).items;
      await stage.otto.post(`/api/subjects/${subject.id}/resume`);
      await stage.otto.workOff();
      const all = await tasks();
      assertEquals(all.map(({ status }) => status), ["completed", "failed", "failed", "failed"]);
      assertMatch(all[0].title, /comment/i);
    }));
});
