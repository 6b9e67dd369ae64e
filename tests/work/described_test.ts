import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { createWorker } from "../../lib/work/work.ts";
import { openOtto, type Otto } from "../otto.ts";

const PUSH = JSON.stringify({
  ref: "refs/heads/main",
  compare: "https://github.com/octo/phone/compare/1...2",
  repository: { full_name: "octo/phone" },
  sender: { login: "ada" },
  commits: [{ id: "2", message: "Ring twice", author: { name: "Ada" } }],
});
const HEADERS = { "content-type": "application/json", "x-github-event": "push" };

/** The result of a push's task, after something has happened between it and its agent. */
async function digestOf(between: (otto: Otto) => Promise<unknown>) {
  await using otto = await openOtto();
  await otto.send("github", PUSH, HEADERS);
  const worker = createWorker(otto.services);
  await worker.takeMessages(0, new AbortController().signal);
  await between(otto);
  assertEquals(await worker.runTasks(new AbortController().signal), 1);
  await worker.idle();
  const { items: [{ id }] } = await otto.get("/api/tasks");
  const { status, result } = await otto.get(`/api/tasks/${id}`);
  assertEquals(status, "completed");
  return { text: result.text.replace(/\*\*Received:.*/, ""), data: result.data };
}

describe("what a message said", () => {
  it("is kept with its task: nobody reads the message again for a digest", async () => {
    const { data } = await digestOf(({ services: { database } }) =>
      database.query("lose it", (sql) => sql`update message_contents set body = '[]'`)
    );
    assertEquals([data.actor, data.event], ["ada", "push"]);
    assert(data.link.startsWith("https://github.com/octo/phone/compare/"));
    assert(Object.keys(data.fields).length > 0);
  });

  it("is read again where it was not kept, as for tasks of the release before", async () => {
    const kept = await digestOf(() => Promise.resolve());
    const again = await digestOf(({ services: { database } }) =>
      database.query("as before", (sql) => sql`update tasks set described = null`)
    );
    assertEquals(again, kept);
  });
});
