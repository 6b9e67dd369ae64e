import { assertEquals, assertNotEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import * as clickup from "../../sources/clickup.ts";
import { request } from "./request.ts";

const user = { username: "Ada" };

describe("a ClickUp event", () => {
  it("is told from what to what", () => {
    for (
      const [title, event, item] of [
        ["Task abc status updated by Ada: status to do → done", "taskStatusUpdated", {
          field: "status",
          before: { status: "to do" },
          after: { status: "done" },
        }],
        ["Task abc created by Ada", "taskCreated", {
          field: "status",
          before: null,
          after: { status: "x" },
        }],
        ["Task abc assignee updated by Ada: assignee add Grace", "taskAssigneeUpdated", {
          field: "assignee_add",
          after: { username: "Grace" },
        }],
        ["Task abc due date updated by Ada: due date none → 2026-01-02", "taskDueDateUpdated", {
          field: "due_date",
          before: null,
          after: "1767323045000",
        }],
        ["Task abc comment posted by Ada: Still", "taskCommentPosted", {
          field: "comment",
          before: null,
          after: "649",
          comment: { text_content: "Still" },
        }],
        ["Task abc updated by Ada", "taskUpdated", { field: "custom_field", after: { x: 1 } }],
      ] as const
    ) {
      const told = clickup.describe({
        event,
        task_id: "abc",
        history_items: [{ ...item, user }],
      });
      assertEquals([told.title, told.actor], [title, "Ada"]);
      assertEquals(told.link, "https://app.clickup.com/t/abc");
    }
    assertEquals(
      clickup.describe({ event: "taskDeleted", task_id: "abc" }).title,
      "Task abc deleted",
    );
    assertEquals(clickup.describe({ event: "listCreated", list_id: "7" }).title, "List 7 created");
  });

  it("is known by the webhook, the event and what it lists; others come as often as they are sent", () => {
    const idOf = (event: string, ...ids: string[]) =>
      clickup.deliveryId(
        request(
          JSON.stringify({ event, webhook_id: "w", history_items: ids.map((id) => ({ id })) }),
        ),
      );
    assertEquals(idOf("taskUpdated", "1"), idOf("taskUpdated", "1"));
    assertNotEquals(idOf("taskUpdated", "1"), idOf("taskStatusUpdated", "1"));
    assertNotEquals(idOf("taskUpdated", "1"), idOf("taskUpdated", "2"));
    assertEquals(idOf("taskDeleted"), undefined);
  });
});
