import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { INCIDENT, PAYMENT, PIPELINE, readRecipe, SMS, titles, TRIAGE } from "./recipe.ts";

describe("the recipes' page", () => {
  it("has those five, and two files in each", async () => {
    assertEquals(await titles(), [TRIAGE, PIPELINE, SMS, INCIDENT, PAYMENT]);
    for (const title of await titles()) {
      assertEquals(
        [...(await readRecipe(title)).files.keys()],
        ["sources.json", "agent.json"],
        title,
      );
    }
  });
});
