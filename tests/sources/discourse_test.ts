import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import * as discourse from "../../sources/discourse.ts";
import { request } from "./request.ts";

describe("a signed Discourse event", () => {
  const keysOf = (event: string, payload: unknown) =>
    discourse.signedContentKeys(
      request(JSON.stringify(payload), { "x-discourse-event": event }),
    ).map(String);

  it("is known by what was changed, when, and what its header says was done", () => {
    const post = { post: { id: 1, updated_at: "2026-01-02T03:04:05Z" } };
    assertEquals(keysOf("post_edited", post), keysOf("post_edited", post));
    assertEquals(keysOf("post_edited", post).length, 1);
    const events = ["post_created", "post_edited", "post_destroyed", "post_recovered"];
    assertEquals(new Set(events.flatMap((event) => keysOf(event, post))).size, events.length);
    // A word of somebody's own makes no new event.
    assertEquals(keysOf("one", post), keysOf("two", post));
  });

  it("may be said again where it says no time: a login, a category's old name", () => {
    assertEquals(keysOf("user_logged_in", { user: { id: 1, username: "ada" } }), []);
    assertEquals(keysOf("category_updated", { category: { id: 1, name: "A" } }), []);
    assertEquals(keysOf("category_updated", []), []);
  });
});
