import { assertEquals, assertNotEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import * as azure from "../../sources/azuredevops.ts";
import { request } from "./request.ts";

describe("an Azure DevOps service hook", () => {
  const event = (more: Record<string, unknown> = {}) => ({
    id: "27646e0e-b520-4d2b-9411-bba7524947cd",
    eventType: "workitem.updated",
    message: {
      text: "Bug #5 (It drops) updated by Ada Byron.",
      html: '<a href="https://dev.azure.com/octo/_workitems?id=5&amp;_a=edit">Bug #5</a> updated',
    },
    resource: { revision: { fields: { "System.ChangedBy": "Ada Byron <ada@example.com>" } } },
    ...more,
  });

  it("is told in Azure's own sentence, with who did it and the link in it", () => {
    const told = azure.describe(event());
    assertEquals(told.title, "Bug #5 (It drops) updated by Ada Byron.");
    assertEquals(told.actor, "Ada Byron");
    assertEquals(told.link, "https://dev.azure.com/octo/_workitems?id=5&_a=edit");
    assertEquals(
      azure.describe({ eventType: "build.complete" }).title,
      "Azure DevOps build.complete",
    );
  });

  it("may prove itself by its password, whatever the user's name", async () => {
    for (const user of ["", "otto", "a b"]) {
      const authorization = `Basic ${btoa(`${user}:secret`)}`;
      assertEquals(await azure.verify(request("{}", { authorization }), ["secret"]), { ok: true });
    }
    const wrong = { authorization: `Basic ${btoa("secret:other")}` };
    assertEquals((await azure.verify(request("{}", wrong), ["secret"])).ok, false);
  });

  it("is a repeat with the same content, and news with another, as tests have all one id", () => {
    const idOf = (body: unknown) => azure.deliveryId(request(JSON.stringify(body)));
    assertEquals(idOf(event()), idOf(event()));
    assertNotEquals(idOf(event()), idOf(event({ notificationId: 2 })));
    assertEquals(idOf({}), undefined);
  });
});
