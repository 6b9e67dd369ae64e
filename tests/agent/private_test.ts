import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { type Any, call, finish, issue, openStage, type Stage } from "./stage.ts";

const RULES = { sources: { github: { tools: ["ask_human", "notify"] } } };
const tell = (text: string) => call("notify", { destination: "web:web", text });

/** A task that has asked a person, and says in its result what they know. */
async function knowing(stage: Stage): Promise<string> {
  stage.fake.script = [call("ask_human", { question: "Why?" }), finish("It is the password")];
  const id = await stage.signed(issue);
  await stage.post(`/api/tasks/${id}/answer`, { text: "It is the password" });
  await stage.otto.workOff();
  assertEquals((await stage.task(id)).status, "completed");
  return id;
}

/** The next task about the same tells people something; which rule asked for a person's word, if one did. */
async function nextTells(stage: Stage): Promise<string | undefined> {
  stage.fake.script = [tell("It is the password"), finish("Told")];
  const { approvals } = await stage.task(await stage.signed(issue));
  return approvals[0]?.rule;
}

describe("what an earlier task about the same has learned in private", () => {
  it("does not get out by the next one without a person's word", async () => {
    await using stage = await openStage(RULES);
    await knowing(stage);
    assertEquals(await nextTells(stage), "rule_of_two");
    assert(stage.fake.asked.at(-1)!.text.includes("It is the password"));
    // It has not learned it from people, but knows it: so does the one after it.
    assertEquals(await nextTells(stage), "rule_of_two");
  });

  it("does not when nothing is left of the earlier run but its result, or a stranger's", async () => {
    const kept: [set: string, asks: string | undefined][] = [
      ["update agent_runs set state = null", "rule_of_two"],
      ["update tasks set result_data = '{}'", undefined],
      ["update tasks set result_data = '{}'; delete from agent_runs", "rule_of_two"],
      [
        'delete from agent_runs; update tasks set result_data = \'{"private":"maybe"}\'',
        "rule_of_two",
      ],
    ];
    for (const [change, asks] of kept) {
      await using stage = await openStage(RULES);
      if (asks) await knowing(stage);
      else {
        stage.fake.script = [finish("Nothing was asked")];
        await stage.signed(issue);
      }
      const { database } = stage.otto.services;
      for (const each of change.split("; ")) {
        await database.query("forget", (sql) => sql.unsafe(each));
      }
      assertEquals(await nextTells(stage), asks, change);
    }
  });

  it("holds up nobody whose earlier task has read nothing private", async () => {
    await using stage = await openStage(RULES);
    stage.fake.script = [finish("It crashes")];
    const { result }: Any = await stage.task(await stage.signed(issue));
    assertEquals(result.data.private, false);
    assertEquals(await nextTells(stage), undefined);
    // One that failed before its first step has read nothing, either.
    stage.fake.script = [{ status: 401 }];
    assertEquals((await stage.task(await stage.signed(issue))).status, "failed");
    assertEquals(await nextTells(stage), undefined);
  });
});
