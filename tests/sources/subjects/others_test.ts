import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { about, assertTold } from "./told.ts";

describe("what other senders' webhooks are about", () => {
  it("is a card, a task or a page, with what people write on it", () => {
    const card = { id: "c1", name: "Drops", shortLink: "abc" };
    const trello = (type: string, data: Record<string, unknown> = { card }) => ({
      action: { type, date: "2026-01-02T03:04:05Z", data },
    });
    const closed = { ...card, closed: true };
    assertTold("trello", [
      [trello("createCard"), "opens c1"],
      [trello("commentCard"), "continues c1"],
      [trello("updateCard"), "notes c1"],
      [trello("updateCard", { card: closed, old: { closed: false } }), "closes c1"],
      [trello("updateCard", { card: closed, old: { name: "Drop" } }), "notes c1"],
      [trello("deleteCard"), "closes c1"],
      [trello("updateBoard", { board: { id: "b1" } }), undefined],
    ]);
    const task = { gid: "1200", resource_type: "task" };
    const story = (resource_subtype?: string) => ({
      action: "added",
      resource: { gid: "5", resource_type: "story", resource_subtype },
      parent: task,
    });
    const on = (action: string) => ({ action, resource: task });
    assertTold("asana", [
      [{ events: [on("added")] }, "opens 1200"],
      [{ events: [on("changed")] }, "notes 1200"],
      [{ events: [on("deleted")] }, "closes 1200"],
      [{ events: [story()] }, "continues 1200"],
      [{ events: [story("comment_added"), on("changed")] }, "continues 1200"],
      [{ events: [story("assigned")] }, "notes 1200"],
      [{ events: [on("added"), { ...on("added"), resource: { gid: "7" } }] }, undefined],
      [{ events: [] }, undefined],
    ]);
    assertTold("notion", [
      [{ type: "page.created", entity: { id: "p1", type: "page" } }, "opens p1"],
      [{ type: "page.content_updated", entity: { id: "p1", type: "page" } }, "notes p1"],
      [{ type: "page.deleted", entity: { id: "p1", type: "page" } }, "closes p1"],
      [
        { type: "comment.created", entity: { id: "k1" }, data: { page_id: "p1" } },
        "continues p1",
      ],
      [{ type: "comment.created", entity: { id: "k1" } }, undefined],
    ]);
    assertTold("airtable", [[{ base: { id: "app1" } }, "continues app1"], [{}, undefined]]);
    const accounts = (...all: string[]) => ({ list_folder: { accounts: all } });
    assertTold("dropbox", [
      [accounts("dbid:A"), "continues dbid:A"],
      [accounts("dbid:A", "dbid:B"), undefined],
    ]);
  });

  it("is a customer's object, a meeting or an answer", () => {
    const item = (subscriptionType: string, objectId = 123) => ({
      portalId: 6,
      subscriptionType,
      objectId,
      eventId: `${subscriptionType}${objectId}`,
    });
    assertTold("hubspot", [
      [[item("deal.creation")], "opens 6:deal:123"],
      [[item("deal.propertyChange")], "continues 6:deal:123"],
      [[item("deal.deletion")], "closes 6:deal:123"],
      [[item("contact.merge")], "closes 6:contact:123"],
      [[item("deal.creation"), item("deal.creation", 124)], undefined],
      [[item("deal.creation"), item("deal.propertyChange")], "continues 6:deal:123"],
      [[{ ...item("object.creation"), objectTypeId: "0-3" }], "opens 6:0-3:123"],
      [[item("object.creation")], undefined],
    ]);
    const scheduled_event = { uri: "https://api.calendly.com/scheduled_events/1" };
    const calendly = (event: string, more = {}) => ({
      event,
      payload: { scheduled_event, ...more },
    });
    assertTold("calendly", [
      [calendly("invitee.created"), `opens ${scheduled_event.uri}`],
      [calendly("invitee.canceled"), `closes ${scheduled_event.uri}`],
      [calendly("invitee.canceled", { rescheduled: true }), `notes ${scheduled_event.uri}`],
      [{ event: "invitee.created", payload: {} }, undefined],
    ]);
    const form_response = { token: "t1" };
    assertTold("typeform", [
      [{ event_type: "form_response_partial", form_response }, "continues t1"],
      [{ event_type: "form_response", form_response }, "opens t1"],
    ]);
    assertTold("clerk", [
      [{ type: "user.created", data: { id: "user_1" } }, "opens user_1"],
      [{ type: "user.updated", data: { id: "user_1" } }, "continues user_1"],
      [{ type: "user.deleted", data: { id: "user_1" } }, "closes user_1"],
    ]);
    assertTold("okta", [
      [{ data: { events: [{ uuid: "1", target: [{ id: "u1" }] }] } }, "continues u1"],
      [{ data: { events: [{ uuid: "1" }] } }, undefined],
    ]);
  });

  it("is a payment, an order or a subscription", () => {
    const square = (type: string, kind: string, object: unknown = {}) => ({
      merchant_id: "M1",
      type,
      data: { type: kind, id: "1", object },
    });
    assertTold("square", [
      [square("payment.created", "payment"), "opens M1:payment:1"],
      [square("payment.updated", "payment"), "continues M1:payment:1"],
      [
        square("payment.updated", "payment", { payment: { status: "COMPLETED" } }),
        "closes M1:payment:1",
      ],
      [square("dispute.created", "dispute"), "opens M1:dispute:1"],
      [
        square("dispute.state.updated", "dispute", { dispute: { state: "WON" } }),
        "closes M1:dispute:1",
      ],
      // An order's kind tells what was done to it.
      [square("order.created", "order_created"), "opens M1:order:1"],
      [square("order.updated", "order_updated"), "continues M1:order:1"],
    ]);
    const paypal = (event_type: string, resource_type: string, resource: unknown) => ({
      event_type,
      resource_type,
      resource,
    });
    const related = { supplementary_data: { related_ids: { order_id: "O1" } } };
    assertTold("paypal", [
      [
        paypal("CHECKOUT.ORDER.APPROVED", "checkout-order", { id: "O1" }),
        "notes checkout-order:O1",
      ],
      [
        paypal("PAYMENT.CAPTURE.COMPLETED", "capture", { id: "C1", ...related }),
        "closes checkout-order:O1",
      ],
      [paypal("PAYMENT.CAPTURE.COMPLETED", "capture", { id: "C1" }), "closes capture:C1"],
      [paypal("CUSTOMER.DISPUTE.CREATED", "dispute", { dispute_id: "D1" }), "opens dispute:D1"],
      [paypal("CUSTOMER.DISPUTE.RESOLVED", "dispute", { dispute_id: "D1" }), "closes dispute:D1"],
      [paypal("CUSTOMER.DISPUTE.RESOLVED", "dispute", {}), undefined],
    ]);
    const paddle = (event_type: string, data: unknown) => ({ event_type, data });
    const transaction = { id: "txn_1", subscription_id: "sub_1" };
    assertTold("paddle", [
      [paddle("transaction.created", transaction), "opens sub_1"],
      [paddle("transaction.completed", transaction), "closes sub_1"],
      [paddle("transaction.past_due", { id: "txn_1", subscription_id: null }), "opens txn_1"],
      [paddle("subscription.updated", { id: "sub_1" }), "continues sub_1"],
      [paddle("subscription.canceled", { id: "sub_1" }), "closes sub_1"],
      [paddle("transaction.created", { id: "txn_1", subscription_id: "s\n" }), undefined],
    ]);
  });

  it("is a deployment, a job, an alarm or a resource", () => {
    const deployment = { deployment: { id: "dpl_1", name: "phone" } };
    assertTold("vercel", [
      [{ type: "deployment.created", payload: deployment }, "opens dpl_1"],
      [{ type: "deployment.succeeded", payload: deployment }, "closes dpl_1"],
      [{ type: "deployment.error", payload: deployment }, "closes dpl_1"],
      [{ type: "domain.created", payload: {} }, undefined],
    ]);
    assertTold("openai", [
      [{ type: "response.completed", data: { id: "resp_1" } }, "result resp_1"],
      [{ type: "batch.failed", data: { id: "batch_1" } }, "result batch_1"],
    ]);
    assertTold("replicate", [
      [{ id: "p1", status: "starting" }, "opens p1"],
      [{ id: "p1", status: "succeeded" }, "result p1"],
    ]);
    const alarm = (state: string, AlarmArn: unknown = "arn:aws:1") => ({
      Type: "Notification",
      Message: JSON.stringify({
        AlarmName: "Down",
        AlarmArn,
        NewStateValue: state,
        StateChangeTime: "2026-01-02T03:04:05.000+0000",
      }),
    });
    assertTold("sns", [
      [alarm("ALARM"), "opens arn:aws:1"],
      [alarm("INSUFFICIENT_DATA"), "notes arn:aws:1"],
      [alarm("OK"), "closes arn:aws:1"],
      [alarm("OK", 1.5), undefined],
      [{ Type: "Notification", Message: "Hello" }, undefined],
    ]);
    assertEquals(about("sns", alarm("OK"))?.at, Date.UTC(2026, 0, 2, 3, 4, 5));
    const grid = (subject?: string, id = "1") => ({ id, topic: "/t", subject });
    assertTold("eventgrid", [
      [[grid("/blobs/1")], "continues /t:/blobs/1"],
      [[grid("/blobs/1"), grid("/blobs/1", "2")], "continues /t:/blobs/1"],
      [[grid("/blobs/1"), grid("/blobs/2", "2")], undefined],
      [[grid()], undefined],
    ]);
    assertTold("cloudevents", [
      [{ id: "1", source: "/s", subject: "line 1" }, "continues /s:line 1"],
      [{ id: "1", source: "/s" }, undefined],
      [{ a: 1 }, "continues /s:line 1", {
        "ce-type": "x",
        "ce-id": "1",
        "ce-source": "/s",
        "ce-subject": "line%201",
      }],
    ]);
    const graph = (changeType: string) => ({
      id: changeType,
      subscriptionId: "s1",
      resource: "users/1",
      changeType,
    });
    assertTold("msgraph", [
      [{ value: [graph("created")] }, "opens s1:users/1"],
      [{ value: [graph("created"), graph("updated")] }, "continues s1:users/1"],
      [{ value: [graph("deleted")] }, "closes s1:users/1"],
      [{ value: [{ subscriptionId: "s1", resource: "x", lifecycleEvent: "missed" }] }, undefined],
    ]);
    assertTold("homeassistant", [[{ entity_id: "light.hall" }, "continues light.hall"]]);
    const twitch = (type: string) => ({
      subscription: { type },
      event: { broadcaster_user_id: "5" },
    });
    assertTold("twitch", [
      [twitch("stream.online"), "opens stream:5"],
      [twitch("stream.offline"), "closes stream:5"],
      [twitch("channel.follow"), undefined],
    ]);
  });
});
