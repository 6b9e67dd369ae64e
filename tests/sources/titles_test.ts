import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { sources } from "../../sources/mod.ts";
import type { Source } from "../../sources/source.ts";
import { assertDescription } from "./request.ts";

type Case = [name: keyof typeof sources, title: string, payload: unknown, headers?: HeadersInit];

function told([name, , payload, headers]: Case) {
  const source: Source = sources[name];
  return source.describe(payload, { headers: new Headers(headers) });
}

const project = { path_with_namespace: "octo/phone", web_url: "https://gitlab.com/octo/phone" };
const NONE = "0".repeat(40);
const repository = { full_name: "octo/phone" };
const actor = { display_name: "Ada" };
const alert = (instance: string, status = "firing") => ({
  status,
  labels: { alertname: "HighCPU", instance },
  annotations: { summary: `${instance} is hot` },
  startsAt: "2026-01-02T03:04:05Z",
  fingerprint: instance,
});
const whatsapp = (...messages: unknown[]) => ({
  object: "whatsapp_business_account",
  entry: [{ id: "1", changes: [{ field: "messages", value: { messages } }] }],
});
const hi = { id: "wamid.1", from: "15005550006", type: "text", text: { body: "Hi" } };
const hubspot = (eventId: number) => ({
  eventId,
  subscriptionId: 1,
  objectId: 7,
  occurredAt: 1,
  subscriptionType: "contact.creation",
  portalId: 9,
});

/** What a person would say of these, without knowing how they are written. */
const CASES: Case[] = [
  ["gitlab", "Ada pushed 3 commits to main in octo/phone: Greet callers", {
    object_kind: "push",
    user_name: "Ada",
    ref: "refs/heads/main",
    before: "1".repeat(40),
    after: "2".repeat(40),
    total_commits_count: 3,
    commits: [{ message: "Old" }, { message: "Greet callers" }],
    project,
  }],
  ["gitlab", "Ada deleted branch old in octo/phone", {
    object_kind: "push",
    user_name: "Ada",
    ref: "refs/heads/old",
    after: NONE,
    project,
  }],
  ["gitlab", "Ada created tag v1 in octo/phone", {
    object_kind: "tag_push",
    user_name: "Ada",
    ref: "refs/tags/v1",
    before: NONE,
    after: "2".repeat(40),
    project,
  }],
  ["gitlab", `Ada commented on MR !7 "Greeting" in octo/phone: Nice`, {
    object_kind: "note",
    user: { name: "Ada" },
    object_attributes: { note: "Nice", noteable_type: "MergeRequest" },
    merge_request: { iid: 7, title: "Greeting" },
    project,
  }],
  ["gitlab", `Ada closed issue #8 "It drops" in octo/phone`, {
    object_kind: "issue",
    user: { name: "Ada" },
    object_attributes: { iid: 8, title: "It drops", action: "close" },
    project,
  }],
  ["gitlab", `Job "unit" failed in stage test on main in octo/phone`, {
    object_kind: "build",
    build_name: "unit",
    build_status: "failed",
    build_stage: "test",
    ref: "main",
    project,
  }],
  ["gitlab", `Ada created wiki page "Home" in octo/phone`, {
    object_kind: "wiki_page",
    user: { name: "Ada" },
    object_attributes: { action: "create", title: "Home" },
    project,
  }],
  ["bitbucket", "Ada pushed to main (and 1 other ref) in OCTO/phone", {
    eventKey: "repo:refs_changed",
    actor: { displayName: "Ada" },
    repository: { slug: "phone", name: "phone", project: { key: "OCTO" } },
    changes: [
      { ref: { id: "refs/heads/main", displayId: "main", type: "BRANCH" }, type: "UPDATE" },
      { ref: { id: "refs/tags/v1", displayId: "v1", type: "TAG" }, type: "ADD" },
    ],
  }],
  ["bitbucket", `Ada commented on PR #7 "Greeting" in phone: Nice`, {
    eventKey: "pr:comment:added",
    actor: { displayName: "Ada" },
    pullRequest: { id: 7, title: "Greeting", toRef: { repository: { name: "phone" } } },
    comment: { text: "Nice" },
  }],
  ["bitbucket", "Bitbucket tests the connection", { test: true }, {
    "x-event-key": "diagnostics:ping",
  }],
  ["jira", `Version "1.0" released`, {
    webhookEvent: "jira:version_released",
    version: { name: "1.0" },
  }],
  ["twilio", "Twilio error 11200: HTTP retrieval failure", {
    Sid: "NO1",
    Level: "ERROR",
    PayloadType: "application/json",
    Payload: `{"error_code":"11200","more_info":{"Msg":"HTTP retrieval failure"}}`,
  }],
  ["twilio", "2 events: first Twilio messaging.message.delivered", [
    { id: "EZ1", type: "com.twilio.messaging.message.delivered", data: {} },
    { id: "EZ1", type: "com.twilio.messaging.message.delivered", data: {} },
    { id: "EZ2", type: "com.twilio.messaging.message.sent", data: {} },
  ]],
  ["cloudevents", "order.created (2 apples) from /shop", {
    specversion: "1.0",
    id: "1",
    source: "/shop",
    type: "order.created",
    datacontenttype: "application/json",
    data_base64: btoa(`{"message":"2 apples"}`),
  }],
  ["cloudevents", "order.created (2 apples) from /shop", { raw_body: "2 apples" }, {
    "content-type": "text/plain",
    "ce-id": "1",
    "ce-source": "/shop",
    "ce-type": "order.created",
  }],
  ["cloudevents", "order.created from /shop", [{ id: 1 }, { id: 2 }], {
    "content-type": "application/json",
    "ce-id": "1",
    "ce-source": "/shop",
    "ce-type": "order.created",
  }],
  ["gitlab", "GitLab push", { text: "a template of our own" }, { "x-gitlab-event": "Push Hook" }],
  ["linear", `Ada updated Issue OTT-1 "It drops" (state)`, {
    action: "update",
    type: "Issue",
    actor: { name: "Ada" },
    data: { identifier: "OTT-1", title: "It drops" },
    updatedFrom: { updatedAt: "x", stateId: "s1" },
  }],
  ["linear", `Ada commented on OTT-1 "It drops": Still`, {
    action: "create",
    type: "Comment",
    actor: { name: "Ada" },
    data: { body: "Still", issue: { identifier: "OTT-1", title: "It drops" } },
  }],
  ["jira", `Ada commented on OTT-1 "It drops": Still`, {
    webhookEvent: "comment_created",
    comment: { body: "Still", author: { displayName: "Ada" } },
    issue: { key: "OTT-1", fields: { summary: "It drops" } },
  }],
  ["jira", `Ada created OTT-1 "It drops"`, {
    webhookEvent: "jira:issue_created",
    user: { displayName: "Ada" },
    issue: { key: "OTT-1", fields: { summary: "It drops" } },
    changelog: { items: [{}] },
  }],
  ["jira", `Sprint "Seven" started`, { webhookEvent: "sprint_started", sprint: { name: "Seven" } }],
  ["shopify", `Product "Desk phone" updated in otto.myshopify.com`, {
    title: "Desk phone",
    handle: "desk-phone",
  }, { "x-shopify-topic": "products/update", "x-shopify-shop-domain": "otto.myshopify.com" }],
  ["shopify", "Order #1001 for 5.00 EUR (1 item)", {
    name: "#1001",
    total_price: "5.00",
    currency: "EUR",
    line_items: [{}],
  }],
  ["sentry", `Sentry event alert triggered "Boom" in phone`, {
    action: "triggered",
    data: { event: { title: "Boom", project: { slug: "phone" } }, triggered_rule: "Any" },
  }, { "sentry-hook-resource": "event_alert" }],
  ["sentry", `Sentry metric alert critical "Errors above 100"`, {
    action: "critical",
    data: { description_title: "Errors above 100", description_text: "101 errors" },
  }, { "sentry-hook-resource": "metric_alert" }],
  ["sentry", "Sentry installation created by Ada", {
    action: "created",
    actor: { name: "Ada" },
    data: { installation: {} },
  }],
  ["pagerduty", `Ada acknowledged incident #42 "It drops" (high) on Phone`, {
    event: {
      event_type: "incident.acknowledged",
      agent: { summary: "Ada" },
      data: { number: 42, title: "It drops", urgency: "high", service: { summary: "Phone" } },
    },
  }],
  ["pagerduty", "Pagey ping", { event: { event_type: "pagey.ping", data: {} } }],
  ["discord", `ada sent a component "approve"`, {
    type: 3,
    user: { username: "ada" },
    data: { custom_id: "approve" },
  }],
  ["discord", "Discord application authorized by ada", {
    type: 1,
    event: { type: "APPLICATION_AUTHORIZED", data: { user: { username: "ada" } } },
  }],
  ["alertmanager", "FIRING HighCPU on web-1: web-1 is hot", {
    status: "firing",
    alerts: [alert("web-1")],
  }],
  ["alertmanager", "FIRING 2 × HighCPU: web-1 is hot", {
    status: "firing",
    commonLabels: { alertname: "HighCPU" },
    alerts: [alert("web-1"), alert("web-2"), alert("web-1")],
  }],
  ["alertmanager", "RESOLVED 2 × HighCPU: web-1 is hot", {
    status: "resolved",
    alerts: [alert("web-1", "resolved"), alert("web-2", "resolved")],
  }],
  ["grafana", "[FIRING:1] Something", {
    status: "firing",
    title: "[FIRING:1] Something",
    alerts: [{}],
  }],
  ["grafana", "Whatever the template says", { message: "Whatever the template says" }],
  ["bitbucket", "Ada pushed 2 commits to main in octo/phone: Greet callers", {
    actor,
    repository,
    push: {
      changes: [{
        new: { type: "branch", name: "main" },
        commits: [{ message: "Greet callers" }, { message: "Old" }],
      }],
    },
  }],
  ["bitbucket", "Ada deleted branch old in octo/phone", {
    actor,
    repository,
    push: { changes: [{ new: null, old: { type: "branch", name: "old" } }] },
  }],
  ["bitbucket", `Ada merged PR #7 "Greeting" in octo/phone`, {
    actor,
    repository,
    pullrequest: { id: 7, title: "Greeting" },
  }, { "x-event-key": "pullrequest:fulfilled" }],
  [
    "meta",
    `2 events: first WhatsApp message from 15005550006: "Hi"`,
    whatsapp(hi, hi, {
      ...hi,
      id: "wamid.2",
    }),
  ],
  ["meta", "WhatsApp message failed to 15005550006: Not on WhatsApp", {
    object: "whatsapp_business_account",
    entry: [{
      changes: [{
        value: {
          statuses: [{
            id: "1",
            status: "failed",
            recipient_id: "15005550006",
            errors: [{ title: "Not on WhatsApp" }],
          }],
        },
      }],
    }],
  }],
  ["meta", `Message from 7: "Hi"`, {
    object: "page",
    entry: [{ messaging: [{ sender: { id: "7" }, message: { mid: "m1", text: "Hi" } }] }],
  }],
  ["hubspot", "2 events: first Contact 7 creation", [hubspot(1), hubspot(1), hubspot(2)]],
  ["hubspot", "Contact 7 creation", [hubspot(1), { ...hubspot(1), attemptNumber: 1 }]],
  ["msgraph", "2 events: first Resource updated (users/1)", {
    value: ["1", "1", "2"].map((id) => ({ id, changeType: "updated", resource: "users/1" })),
  }],
  ["msgraph", "Subscription reauthorizationRequired", {
    value: [{ lifecycleEvent: "reauthorizationRequired", subscriptionId: "1" }],
  }],
  ["zoom", `Ada joined meeting "Weekly"`, {
    event: "meeting.participant_joined",
    payload: { object: { topic: "Weekly", participant: { user_name: "Ada" } } },
  }],
  ["zendesk", `"It drops"`, { ticket: { id: 1, title: "It drops" } }],
  ["calendly", "Ada rescheduled Phone review", {
    event: "invitee.canceled",
    payload: { name: "Ada", rescheduled: true, scheduled_event: { name: "Phone review" } },
  }],
  ["sendgrid", `Mail from ada@example.com to otto@example.com: "Hello"`, {
    from: "ada@example.com",
    to: "otto@example.com",
    subject: "Hello",
    text: "Hi",
    envelope: "{}",
  }],
  ["postmark", `Mail from ada@example.com: "Hello"`, {
    From: "ada@example.com",
    Subject: "Hello",
    TextBody: "Hi",
  }],
  ["telegram", 'Telegram callback query from ada: "yes"', {
    update_id: 1,
    callback_query: { from: { username: "ada" }, data: "yes" },
  }],
  ["telegram", "Telegram message with photo from ada", {
    update_id: 1,
    message: { from: { username: "ada" }, photo: [{}] },
  }],
  ["teams", "Teams message from Ada: fix a < b & c", {
    type: "message",
    from: { name: "Ada" },
    text: "<p><at>Otto</at> fix <b>a</b> &lt; b &amp; c</p>",
  }],
  ["typeform", "New answer to Survey: yes, Red, Blue", {
    event_type: "form_response",
    form_response: {
      definition: { title: "Survey" },
      answers: [
        { type: "boolean", boolean: true },
        { type: "choices", choices: { labels: ["Red", "Blue"] } },
      ],
    },
  }],
  ["homeassistant", "binary_sensor.door is on", { entity_id: "binary_sensor.door", state: "on" }],
  ["homeassistant", "the door is open", { raw_body: "the door is open" }],
  ["trello", `Ada moved card "It drops" on Phone: To do → Done`, {
    action: {
      type: "updateCard",
      memberCreator: { fullName: "Ada" },
      data: {
        card: { name: "It drops" },
        board: { name: "Phone" },
        listBefore: { name: "To do" },
        listAfter: { name: "Done" },
      },
    },
  }],
  ["twitch", "Twitch channel follow is over: authorization_revoked", {
    subscription: { type: "channel.follow", status: "authorization_revoked" },
  }],
  ["okta", "2 events: first User login by Ada", {
    data: {
      events: ["a", "a", "b"].map((uuid) => ({
        uuid,
        eventType: "user.session.start",
        displayMessage: "User login",
        actor: { displayName: "Ada" },
      })),
    },
  }],
  ["asana", "2 events: first Asana task 12 changed (name) by 3", {
    events: ["name", "name", "notes"].map((field) => ({
      action: "changed",
      user: { gid: "3" },
      resource: { gid: "12", resource_type: "task" },
      change: { field },
    })),
  }],
  ["sns", "Confirm the SNS subscription to phone", {
    Type: "SubscriptionConfirmation",
    TopicArn: "arn:aws:sns:eu-central-1:1:phone",
    Message: "You have chosen to subscribe",
  }],
  ["sns", `Alarm "NoCalls" ALARM: Threshold crossed (phone)`, {
    Type: "Notification",
    TopicArn: "arn:aws:sns:eu-central-1:1:phone",
    Message: JSON.stringify({
      AlarmName: "NoCalls",
      NewStateValue: "ALARM",
      NewStateReason: "Threshold crossed",
    }),
  }],
  [
    "eventgrid",
    "2 events: first Storage.BlobCreated /calls/1.mp3",
    ["1", "1", "2"].map((id) => ({
      id,
      eventType: "Microsoft.Storage.BlobCreated",
      subject: "/calls/1.mp3",
    })),
  ],
  ["replicate", "Replicate succeeded (p1)", { id: "p1", status: "succeeded" }],
];

describe("a task's title", () => {
  for (const [n, each] of CASES.entries()) {
    it(`is what happened: ${each[0]} ${n}`, () => {
      const description = told(each);
      assertDescription(description);
      assertEquals(description.title, each[1]);
    });
  }

  it("is the source's name and the event where nothing else is known, whatever the shape", () => {
    for (const [name, source] of Object.entries<Source>(sources)) {
      for (const payload of [null, 1, "x", [], {}, [null], [[]], { raw_body: "" }]) {
        assertDescription(source.describe(payload));
        assertDescription(source.describe(payload, { type: name, headers: new Headers() }));
      }
    }
  });

  it("comes with a link to the page for people, never to anything but the web", () => {
    const links = [
      ["jira", { issue: { self: "https://otto.atlassian.net/rest/api/2/issue/1", key: "OTT-1" } }],
      ["jira", { issue: { self: "javascript:alert(1)//", key: "OTT-1" } }],
      ["gitlab", { object_attributes: { url: "javascript:alert(1)" }, project }],
      ["linear", { url: "data:text/html,x" }],
      ["cloudevents", { source: "urn:x", data: {} }],
      ["sns", {
        SubscribeURL: "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription",
      }],
      ["sns", { SubscribeURL: "https://sns.evil.example/?sns.eu-central-1.amazonaws.com" }],
    ] as const;
    assertEquals(links.map(([name, payload]) => sources[name].describe(payload).link), [
      "https://otto.atlassian.net/browse/OTT-1",
      undefined,
      "https://gitlab.com/octo/phone",
      undefined,
      undefined,
      "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription",
      undefined,
    ]);
  });
});
