import { itSays } from "./told.ts";

itSays("okta", [
  ["User login to Okta by Ada (failure: INVALID_CREDENTIALS)", {
    data: {
      events: [{
        eventType: "user.session.start",
        displayMessage: "User login to Okta",
        outcome: { result: "FAILURE", reason: "INVALID_CREDENTIALS" },
        actor: { displayName: "Ada" },
      }],
    },
  }],
]);

itSays("zendesk", [
  [`Ticket #1 comment added "It drops" by Ada: Still`, {
    type: "zen:event-type:ticket.comment_added",
    detail: { id: "1", subject: "It drops" },
    event: { comment: { body: "Still", author: { name: "Ada" } } },
  }],
  [`Ticket #1 priority changed none → HIGH "It drops"`, {
    type: "zen:event-type:ticket.priority_changed",
    detail: { id: "1", subject: "It drops" },
    event: { previous: null, current: "HIGH" },
  }],
]);

itSays("pagerduty", [
  [`Ada reassigned incident #4 "Down" to Grace`, {
    event: {
      event_type: "incident.reassigned",
      agent: { summary: "Ada" },
      data: { number: 4, title: "Down", assignees: [{ summary: "Grace" }] },
    },
  }],
  [`Ada annotated incident "[#4] Down": looking`, {
    event: {
      event_type: "incident.annotated",
      agent: { summary: "Ada" },
      data: { content: "looking", incident: { summary: "[#4] Down" } },
    },
  }],
]);

itSays("x", [
  [`X favorite by @ada "hello"`, {
    favorite_events: [{ user: { screen_name: "ada" }, favorited_status: { text: "hello" } }],
  }],
  ["X follow by @ada of @otto", {
    follow_events: [{ source: { screen_name: "ada" }, target: { screen_name: "otto" } }],
  }],
  [`X direct message by @ada "Hi"`, {
    direct_message_events: [{
      message_create: { sender_id: "1", message_data: { text: "Hi" } },
    }],
    users: { 1: { screen_name: "ada" } },
  }],
]);
