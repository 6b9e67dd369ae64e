import { assertEquals, assertNotEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import * as mailchimp from "../../sources/mailchimp.ts";
import { described, form } from "./request.ts";

const at = "2026-01-02 03:04:05";

describe("a Mailchimp webhook", () => {
  it("is known by all it says, for its time has no fractions of a second", () => {
    const idOf = (fields: Record<string, string>) => mailchimp.deliveryId(form(fields));
    const one = { type: "profile", fired_at: at, "data[id]": "1", "data[merges][FNAME]": "Ada" };
    assertEquals(idOf(one), idOf(one));
    assertNotEquals(idOf(one), idOf({ ...one, "data[merges][FNAME]": "Grace" }));
    assertEquals(idOf({ type: "profile" }), undefined);
  });

  it("is told by whom and what, of fields as of JSON", () => {
    for (
      const [title, type, data] of [
        ["ada@example.com subscribed", "subscribe", { email: "ada@example.com" }],
        ["ada@example.com unsubscribed (manual)", "unsubscribe", {
          email: "ada@example.com",
          reason: "manual",
        }],
        ["Address changed from a@x.org to b@x.org", "upemail", {
          old_email: "a@x.org",
          new_email: "b@x.org",
        }],
        ["Address ada@example.com cleaned (hard)", "cleaned", {
          email: "ada@example.com",
          reason: "hard",
        }],
        [`Campaign "News" sent`, "campaign", { subject: "News", status: "sent" }],
      ] as const
    ) {
      const fields = Object.entries(data).map(([key, value]) => [`data[${key}]`, value]);
      const sent = form({ type, fired_at: at, ...Object.fromEntries(fields) });
      assertEquals(described(mailchimp, sent).title, title);
      assertEquals(mailchimp.describe({ type, fired_at: at, data }).title, title);
    }
    const named = { email: "ada@example.com", merges: { FNAME: "Ada", LNAME: "Byron" } };
    const told = mailchimp.describe({ type: "profile", data: named });
    assertEquals(told.title, "Ada Byron <ada@example.com> changed their profile");
    assertEquals(told.actor, "ada@example.com");
  });
});
