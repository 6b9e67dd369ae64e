import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { about, assertTold, summary } from "./told.ts";

describe("what a Slack message is about", () => {
  const told = (event: Record<string, unknown>, more = {}) => ({
    type: "event_callback",
    team_id: "T1",
    event: { type: "message", channel: "C1", user: "U1", text: "Hi", ...event },
    ...more,
  });

  it("is its thread, which the first message and the replies agree on", () => {
    assertTold("slack", [
      [told({ ts: "1700000000.000100" }), "opens T1:C1:1700000000.000100"],
      // Some events give the starter its own time as the thread's.
      [
        told({ ts: "1700000000.000100", thread_ts: "1700000000.000100", type: "app_mention" }),
        "opens T1:C1:1700000000.000100",
      ],
      [
        told({ ts: "1700000005.000200", thread_ts: "1700000000.000100" }),
        "continues T1:C1:1700000000.000100",
      ],
      [
        told({ ts: "1700000005.000200", thread_ts: "1700000000.000100", bot_id: "B1" }),
        "notes T1:C1:1700000000.000100",
      ],
    ]);
    const found = about("slack", told({ ts: "1700000000.000100" }));
    assertEquals(found?.name, 'Thread "Hi" in C1');
    assertEquals(found?.at, 1_700_000_000_000);
    assertEquals(about("slack", told({ ts: "2.1", thread_ts: "1.1" }))?.name, undefined);
  });

  it("is nothing for edits, joins, reactions and commands, or without a part of the key", () => {
    assertTold("slack", [
      [told({ ts: "1.1", subtype: "message_changed" }), undefined],
      [told({ ts: "1.1", subtype: "channel_join" }), undefined],
      [told({ type: "reaction_added", event_ts: "1.1" }), undefined],
      [{ command: "/otto", team_id: "T1", channel_id: "C1" }, undefined],
      [told({ ts: "1.1", channel: undefined }), undefined],
      [told({ ts: "1.1", thread_ts: "1\n1" }), undefined],
      [told({ ts: "1.1" }, { team_id: undefined }), undefined],
    ]);
  });
});

describe("what a Linear webhook is about", () => {
  const issue = { id: "i-1", identifier: "OTT-12", title: "Drops", url: "https://linear.test/1" };

  it("is one issue, with its comments", () => {
    const AT = "2026-01-02T03:04:05.000Z";
    const changed = (type: string, updatedFrom?: Record<string, unknown>) => ({
      type: "Issue",
      action: "update",
      data: { ...issue, state: { type } },
      updatedFrom,
    });
    assertTold("linear", [
      [{ type: "Issue", action: "create", data: issue }, "opens i-1"],
      [{ type: "Issue", action: "remove", data: issue }, "closes i-1"],
      [changed("completed", { stateId: "s" }), "closes i-1"],
      [changed("canceled"), "closes i-1"],
      [changed("completed", { title: "Drop" }), "notes i-1"],
      [changed("started", { stateId: "s" }), "notes i-1"],
      [changed("started", { stateId: "s", completedAt: AT }), "opens i-1"],
      [changed("unstarted", { stateId: "s", canceledAt: AT }), "opens i-1"],
      [changed("completed", { stateId: "s", canceledAt: AT }), "closes i-1"],
      [changed("completed", { stateId: "s", completedAt: null }), "closes i-1"],
      [{ type: "Comment", action: "create", data: { id: "c", issue } }, "continues i-1"],
      [{ type: "Comment", action: "create", data: { id: "c", issueId: "i-1" } }, "continues i-1"],
      [{ type: "Comment", action: "update", data: { id: "c", issue } }, "notes i-1"],
      [{ type: "Project", action: "create", data: { id: "p" } }, undefined],
      [{ type: "Issue", action: "create", data: {} }, undefined],
    ]);
    const found = about("linear", { type: "Comment", action: "create", data: { issue } });
    assertEquals([found?.name, found?.link], ['OTT-12 "Drops"', "https://linear.test/1"]);
  });

  it("is a session of an agent, until a person stops it", () => {
    const told = (action: string, agentActivity?: unknown) => ({
      type: "AgentSessionEvent",
      action,
      agentSession: { id: "s-1", issue },
      agentActivity,
    });
    assertTold("linear", [
      [told("created"), "opens session:s-1"],
      [told("prompted"), "continues session:s-1"],
      [told("prompted", { signal: "stop" }), "closes session:s-1"],
    ]);
  });
});

describe("what a Jira webhook is about", () => {
  const self = "https://otto.atlassian.net/rest/api/2/issue/10002";
  const issue = (status = "new") => ({
    id: "10002",
    self,
    key: "OTT-12",
    fields: { summary: "Drops", status: { statusCategory: { key: status } } },
  });
  const told = (webhookEvent: string, more = {}) => ({
    webhookEvent,
    timestamp: 1_767_322_645_000,
    issue: issue(),
    ...more,
  });
  const KEY = "otto.atlassian.net:10002";

  it("is one issue of one Jira, which ends by the change that ends it", () => {
    const resolved = (to: string | null) => ({ field: "resolution", from: "10000", to });
    const items = (field: string) => ({ changelog: { items: [{ field }] } });
    assertTold("jira", [
      [told("jira:issue_created"), `opens ${KEY}`],
      [told("comment_created"), `continues ${KEY}`],
      [told("comment_updated"), `notes ${KEY}`],
      [told("jira:issue_updated"), `notes ${KEY}`],
      [told("jira:issue_updated", { issue: issue("done"), ...items("status") }), `closes ${KEY}`],
      [told("jira:issue_updated", { issue: issue("done"), ...items("labels") }), `notes ${KEY}`],
      [
        told("jira:issue_updated", { changelog: { items: [{ field: "status" }, resolved(null)] } }),
        `opens ${KEY}`,
      ],
      [told("jira:issue_updated", { changelog: { items: [resolved("7")] } }), `notes ${KEY}`],
      [told("jira:issue_deleted"), `closes ${KEY}`],
      // An automation sends the issue alone.
      [issue(), `continues ${KEY}`],
      [
        { webhookEvent: "worklog_created", worklog: { self, issueId: "10002" } },
        `notes ${KEY}`,
      ],
    ]);
    const found = about("jira", told("comment_created"));
    assertEquals(found?.name, 'OTT-12 "Drops"');
    assertEquals(found?.link, "https://otto.atlassian.net/browse/OTT-12");
    assertEquals(found?.at, 1_767_322_645_000);
  });

  it("is gone on with by a comment of Jira Server, whose own event names no issue", () => {
    const onServer = (name: string, host: string) => ({
      webhookEvent: "jira:issue_updated",
      issue_event_type_name: name,
      issue: { id: "10002", self: `https://${host}/rest/api/2/issue/10002`, key: "OTT-12" },
      comment: { body: "Still drops" },
    });
    assertTold("jira", [
      [
        onServer("issue_commented", "jira.example.com"),
        "continues jira.example.com:10002",
      ],
      [onServer("issue_comment_edited", "jira.example.com"), "notes jira.example.com:10002"],
      // Cloud tells of it by `comment_created`, too.
      [onServer("issue_commented", "otto.atlassian.net"), "notes otto.atlassian.net:10002"],
      [{ webhookEvent: "comment_created", comment: { body: "Still drops" } }, undefined],
    ]);
  });

  it("is a sprint or a version by ids that are no issue's, and nothing without a host", () => {
    assertTold("jira", [
      [{ webhookEvent: "sprint_started", sprint: { id: 5, self } }, `notes ${sprintKey(5)}`],
      [told("comment_created", { issue: { id: "10002" } }), undefined],
      [told("comment_created", { issue: { self } }), undefined],
      [told("comment_created", { issue: { self, id: "1\n2" } }), undefined],
      [{ webhookEvent: "user_created", user: {} }, undefined],
    ]);
  });

  const sprintKey = (id: number) => `otto.atlassian.net:sprint/${id}`;
});

describe("what a Zendesk webhook is about", () => {
  const told = (type: string, event: unknown = {}, more = {}) => ({
    type: `zen:event-type:${type}`,
    subject: "zen:ticket:123",
    account_id: 1,
    detail: { id: "123", subject: "Drops" },
    event,
    ...more,
  });

  it("is one ticket, which only the customer's words go on with", () => {
    assertTold("zendesk", [
      [told("ticket.created"), "opens 1:123"],
      [told("ticket.comment_added", { actor: { type: "end_user" } }), "continues 1:123"],
      [told("ticket.comment_added", { actor: { type: "agent" } }), "notes 1:123"],
      [told("ticket.comment_added", { actor: { type: "trigger" } }), "notes 1:123"],
      [
        told("ticket.comment_added", { comment: { author: { is_staff: false } } }),
        "continues 1:123",
      ],
      [told("ticket.comment_added", { comment: { author: { is_staff: true } } }), "notes 1:123"],
      [
        told("messaging_ticket.message_added", { actor: { type: "end_user" } }),
        "continues 1:123",
      ],
      [told("ticket.status_changed", { current: "SOLVED" }), "closes 1:123"],
      [told("ticket.status_changed", { current: "CLOSED" }), "closes 1:123"],
      [told("ticket.status_changed", { current: "OPEN" }), "opens 1:123"],
      [told("ticket.status_changed", { current: "PENDING" }), "notes 1:123"],
      [told("ticket.tags_changed"), "notes 1:123"],
      [told("ticket.created", {}, { account_id: undefined }), undefined],
      [told("ticket.created", {}, { subject: "zen:ticket:1}" }), undefined],
      [{ ticket: { id: 7 }, message: "What a trigger wrote" }, undefined],
    ]);
    assertEquals(about("zendesk", told("ticket.created"))?.name, 'Ticket #123 "Drops"');
  });
});

describe("what an Intercom webhook is about", () => {
  const told = (topic: string, type = "conversation", more = {}) => ({
    app_id: "w1",
    topic,
    created_at: 1_700_000_000,
    data: { item: { type, id: "9", ...more } },
  });

  it("is one conversation or ticket, which only the customer's words go on with", () => {
    const roles: [topic: string, role: string][] = [
      ["conversation.user.created", "opens"],
      ["conversation.user.replied", "continues"],
      ["conversation.admin.replied", "notes"],
      ["conversation.admin.noted", "notes"],
      ["conversation.operator.replied", "notes"],
      ["conversation.admin.closed", "closes"],
      ["conversation.deleted", "closes"],
      ["conversation.admin.opened", "opens"],
    ];
    for (const [topic, role] of roles) {
      assertEquals(summary("intercom", told(topic)), `${role} w1:conversation:9`, topic);
    }
    assertTold("intercom", [
      [told("ticket.created", "ticket"), "opens w1:ticket:9"],
      [told("ticket.contact.replied", "ticket"), "continues w1:ticket:9"],
      [told("ticket.closed", "ticket"), "closes w1:ticket:9"],
      [told("ticket.closed", "ticket", { id: undefined }), undefined],
      [{ ...told("ticket.closed"), app_id: "a\0" }, undefined],
    ]);
    const titled = told("ticket.created", "ticket", {
      ticket_attributes: { _default_title_: "<p>The line drops</p>" },
    });
    assertEquals(about("intercom", titled)?.name, 'Ticket "The line drops"');
    assertEquals(about("intercom", titled)?.at, 1_700_000_000_000);
  });
});
