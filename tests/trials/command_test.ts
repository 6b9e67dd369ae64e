import { assert, assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { call, finish } from "../agent/stage.ts";
import { openHouse } from "../browser/house.ts";
import { runOtto } from "../commands/run_otto.ts";
import { json } from "../otto.ts";
import { until } from "../servers/mod.ts";

describe("otto try", () => {
  it("waits for a trial, and says what would have come of the message", async () => {
    await using house = await openHouse({
      rules: { default: { unverified_tools: ["set_title"] } },
    });
    const { url, model } = house;
    model.script = [finish("Really.")];
    const id = await house.send({ title: "Hello" });
    await until(async () => {
      const { items: [task] } = await json(await fetch(`${url}/api/tasks`));
      return task?.status === "completed";
    }, { what: "the task to end" });
    model.script = [call("set_title", { title: "x\u001b[31m" }), finish("**Ada** should look.")];
    const env = { OTTO_URL: url };
    const { code, out, error } = await runOtto(["try", id, "--instruction", "Who?"], env);
    assertEquals(code, 0, error);
    assertMatch(out, /^completed openai\/gpt-5-mini$/m);
    assertMatch(out, /^would have +set_title \{"title":/m);
    assertMatch(out, /^\*\*Ada\*\* should look\.$/m);
    assert(!out.includes("\u001b"));
    assertMatch(error, new RegExp(`${url}/trials/[0-9a-f-]{36} shows it`));

    model.script = [{ status: 503, headers: { "retry-after": "3" } }, finish("Late.")];
    const late = await runOtto(["try", id], env);
    assertEquals(late.code, 0, late.error);
    assertMatch(late.error, /^It waits: .* answered 503/m);

    model.script = [finish("I cannot.", "failed")];
    const failed = await runOtto(["try", id, "--json"], env);
    assertEquals([failed.code, JSON.parse(failed.out).error.message], [1, "I cannot."]);
    assertEquals((await runOtto(["try", id, "--model", "nobody's"], env)).code, 1);
    assertEquals((await runOtto(["try", "nothing"], env)).code, 2);
    assertEquals((await runOtto(["try", crypto.randomUUID()], env)).code, 5);
  });
});
