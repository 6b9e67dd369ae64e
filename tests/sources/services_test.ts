import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { parsePayload } from "../../sources/kit/payload.ts";
import { sources } from "../../sources/mod.ts";
import type { Source } from "../../sources/source.ts";
import { child, textIn, xmlOf } from "../../sources/xml/xml.ts";
import { assertDescription } from "./request.ts";

type Case = [name: keyof typeof sources, title: string, payload: unknown, headers?: HeadersInit];

function told([name, , payload, headers]: Case) {
  const source: Source = sources[name];
  const read = typeof payload === "string"
    ? parsePayload(new TextEncoder().encode(payload), "text/xml")
    : payload;
  return source.describe(read, { headers: new Headers(headers) });
}

const alert = { tinyId: "23", message: "The line is down", username: "ada", priority: "P1" };
const issue = { title: "Callers wait on phone", priority: "CRITICAL", impactedEntities: ["phone"] };
const monitor = { name: "phone", url: "https://phone.example.com/" };
const page = {
  title: "Greeting",
  spaceKey: "PHONE",
  creatorName: "Ada",
  lastModifierName: "Grace",
};
const deploy = { name: "phone", branch: "main", context: "production" };
const build = { number: 12, scm: { branch: "main" } };
const file = { file_name: "Greeting", triggered_by: { handle: "ada" } };
const signer = { signature_id: "s1", signer_name: "Ada" };
const sign = (type: string, more = {}) => ({
  event: { event_type: type, event_metadata: { related_signature_id: "s1" } },
  signature_request: { title: "Contract", signatures: [signer] },
  ...more,
});
const soap = (records: string) =>
  `<?xml version="1.0"?><!-- <notifications/> --><E:Envelope xmlns:E="x"><E:Body>` +
  `<notifications xmlns="y">${records}</notifications></E:Body></E:Envelope>`;
const contact = (id: string) =>
  `<Notification><Id>${id}</Id><sObject xsi:type='sf:Contact'><sf:Id>003</sf:Id>` +
  `<sf:Name><![CDATA[Ada & Co]]></sf:Name></sObject></Notification>`;
const pushed = (data: unknown, attributes: Record<string, string> = {}) => ({
  message: { data: btoa(typeof data === "string" ? data : JSON.stringify(data)), attributes },
  subscription: "projects/octo/subscriptions/calls",
});
const commerce = (type: string, data: object) => ({ event: { type, data } });

/** What a person would say of these, without knowing how they are written. */
const CASES: Case[] = [
  ["newrelic", "CLOSED Callers wait on phone (critical)", { ...issue, state: "CLOSED" }],
  ["newrelic", "OPEN High latency (warning)", {
    current_state: "open",
    condition_name: "High latency",
    severity: "WARNING",
  }],
  ["opsgenie", `ada acknowledged alert #23 "The line is down" (P1)`, {
    action: "Acknowledge",
    alert,
  }],
  ["opsgenie", `ada added a note to alert #23 "The line is down" (P1): On it`, {
    action: "AddNote",
    alert: { ...alert, note: "On it" },
  }],
  ["opsgenie", `ada changed the priority of alert #23 "The line is down" (P3 → P1)`, {
    action: "UpdatePriority",
    alert: { ...alert, oldPriority: "P3" },
  }],
  ["opsgenie", `ada assigned alert #23 "The line is down" (P1) to grace`, {
    action: "AssignOwnership",
    alert: { ...alert, owner: "grace" },
  }],
  ["opsgenie", `ada added team Phone to alert #23 "The line is down" (P1)`, {
    action: "AddTeam",
    alert: { ...alert, team: "Phone" },
  }],
  ["opsgenie", "Alert a1 escalated to grace", {
    action: "Escalate",
    alert: { alertId: "a1" },
    escalationNotify: { name: "grace" },
  }],
  ["opsgenie", `Alert restart server #23 "The line is down" (P1)`, {
    action: "RestartServer",
    alert,
  }],
  ["statuspage", `Maintenance "New cables" scheduled: Tonight`, {
    incident: {
      name: "New cables",
      status: "scheduled",
      impact: "maintenance",
      incident_updates: [{ body: "Tonight" }],
    },
  }],
  ["statuspage", `Incident "Calls drop" resolved: Mended`, {
    incident: {
      name: "Calls drop",
      status: "resolved",
      impact: "none",
      incident_updates: [{ body: "Mended" }, { body: "We look into it" }],
    },
  }],
  ["uptimekuma", "phone is UP: 200 - OK", { heartbeat: { status: 1, msg: "200 - OK" }, monitor }],
  ["uptimekuma", "phone is under maintenance", { heartbeat: { status: 3 }, monitor }],
  ["uptimekuma", "Otto Testing", { heartbeat: null, monitor: null, msg: "Otto Testing" }],
  ["uptimekuma", "phone is DOWN: timeout", {
    data: JSON.stringify({ heartbeat: { status: 0, msg: "timeout" }, monitor }),
  }],
  ["salesforce", `Salesforce Contact "Ada & Co"`, soap(contact("1"))],
  [
    "salesforce",
    `2 Salesforce notifications: first Salesforce Contact "Ada & Co"`,
    soap(
      contact("1") + contact("2") + contact("2"),
    ),
  ],
  ["dockerhub", "octo/phone:v1 was pushed", {
    push_data: { tag: "v1" },
    repository: { namespace: "octo", name: "phone" },
  }],
  ["confluence", `Ada created page "Greeting" in PHONE`, { event: "page_created", page }],
  ["confluence", `Grace trashed page "Greeting" in PHONE`, { event: "page_trashed", page }],
  ["confluence", `Comment created on "Greeting" in PHONE`, {
    webhookEvent: "comment_created",
    comment: { id: 1 },
    page,
  }],
  ["bigcommerce", "Order 250 status updated (status 0 → 11) in store abc", {
    scope: "store/order/statusUpdated",
    producer: "stores/abc",
    data: { type: "order", id: 250, status: { previous_status_id: 0, new_status_id: 11 } },
  }],
  ["bigcommerce", "Order 127 updated in channel 1 in store abc", {
    scope: "store/channel/1/order/updated",
    producer: "stores/abc",
    data: { order_id: 127 },
  }],
  ["bigcommerce", "Channel 3 metafield created in store abc", {
    scope: "store/channel/metafield/created",
    producer: "stores/abc",
    data: { type: "channel", id: 3 },
  }],
  ["bigcommerce", "Product 114 inventory updated (absolute 100) in store abc", {
    scope: "store/product/inventory/updated",
    producer: "stores/abc",
    data: { type: "product", id: 114, inventory: { method: "absolute", value: 100 } },
  }],
  ["bigcommerce", "Cart 09a line item created in store abc", {
    scope: "store/cart/lineItem/created",
    producer: "stores/abc",
    data: { type: "cart_line_item", cartId: "09a" },
  }],
  [
    "pubsub",
    `Alert "Callers wait" open: p99 is 12 s`,
    pushed({
      incident: { policy_name: "Callers wait", state: "open", summary: "p99 is 12 s" },
    }),
  ],
  [
    "pubsub",
    "Cloud Storage OBJECT_FINALIZE calls/1.mp3",
    pushed({ kind: "storage#object" }, {
      eventType: "OBJECT_FINALIZE",
      bucketId: "calls",
      objectId: "1.mp3",
    }),
  ],
  [
    "pubsub",
    "Mailbox ada@example.com changed",
    pushed({
      emailAddress: "ada@example.com",
      historyId: 9876543210,
    }),
  ],
  ["pubsub", "Pub/Sub message in calls: Call Ada back", pushed("Call Ada back")],
  ["pubsub", "Pub/Sub message in calls", { message: {}, subscription: "p/subscriptions/calls" }],
  ["strava", "Athlete 7 revoked the app's access to Strava", {
    object_type: "athlete",
    object_id: 7,
    owner_id: 7,
    aspect_type: "update",
    updates: { authorized: "false" },
  }],
  ["strava", "Strava activity 1 deleted of athlete 7", {
    object_type: "activity",
    object_id: 1,
    owner_id: 7,
    aspect_type: "delete",
    updates: {},
  }],
  [
    "websub",
    `New entry "Greeting" by Ada in Diary`,
    "<rss><channel><title>Diary</title><item><title>Greeting</title>" +
    "<dc:creator>Ada</dc:creator><link>https://example.com/1</link></item></channel></rss>",
  ],
  [
    "websub",
    `2 feed items: first New entry "One" in Diary`,
    "<feed><title>Diary</title><entry><title>One</title></entry><entry><title>Two</title></entry></feed>",
  ],
  [
    "websub",
    "An entry was deleted from Diary",
    `<feed><title>Diary</title><at:deleted-entry ref="yt:1" when="x"/></feed>`,
  ],
  ["nylas", "Grant ada@example.com expired", {
    type: "grant.expired",
    data: { object: { email: "ada@example.com" } },
  }],
  ["nylas", `Event "Review" updated of ada@example.com`, {
    type: "event.updated",
    data: { object: { title: "Review", organizer: { email: "ada@example.com" } } },
  }],
  ["nylas", `Message "Invoice" bounce detected for ada@example.com: No such mailbox`, {
    type: "message.bounce_detected",
    data: {
      object: {
        bounced_addresses: "ada@example.com",
        bounce_reason: "No such mailbox",
        origin: { subject: "Invoice" },
      },
    },
  }],
  ["nylas", `Booking "Review" created with Ada`, {
    type: "booking.created",
    data: { object: { booking_info: { title: "Review", participants: [{ name: "Ada" }] } } },
  }],
  ["nylas", `Message "Invoices" opened`, {
    type: "message.opened",
    data: { object: { label: "Invoices", message_data: { count: 1 } } },
  }],
  ["lark", "Lark image message from ada", {
    header: { event_type: "im.message.receive_v1" },
    event: {
      sender: { sender_id: { user_id: "ada" } },
      message: { message_type: "image", content: '{"image_key":"i"}' },
    },
  }],
  ["lark", "Lark contact user created", {
    header: { event_type: "contact.user.created_v3" },
    event: {},
  }],
  ["lark", "Lark event that is encrypted: remove the app's encrypt key", { encrypt: "x" }],
  ["dropboxsign", `Signature request "Contract" was signed by all`, {
    event: { event_type: "signature_request_all_signed" },
    signature_request: { title: "Contract" },
  }],
  ["dropboxsign", `Signature request "Contract" was declined by Ada: Too dear`, {
    json: JSON.stringify(sign("signature_request_declined", {
      signature_request: {
        title: "Contract",
        signatures: [{ ...signer, decline_reason: "Too dear" }],
      },
    })),
  }],
  ["dropboxsign", `Signature request "Contract" was sent`, sign("signature_request_sent")],
  ["dropboxsign", "Account confirmed", { event: { event_type: "account_confirmed" } }],
  ["heroku", "ada@example.com updated build of phone (pending → failed)", {
    action: "update",
    resource: "build",
    actor: { email: "ada@example.com" },
    data: { app: { name: "phone" }, status: "failed" },
    previous_data: { status: "pending" },
  }],
  ["heroku", "Heroku dyno web.1 of phone updated (up → crashed)", {
    action: "update",
    resource: "dyno",
    data: { app: { name: "phone" }, name: "web.1", state: "crashed" },
    previous_data: { state: "up" },
  }],
  ["heroku", "ada@example.com destroyed app phone", {
    action: "destroy",
    resource: "app",
    actor: { email: "ada@example.com" },
    data: { name: "phone" },
  }],
  ["netlify", `Deploy of phone is ready (production, main): "Greet callers"`, {
    ...deploy,
    state: "ready",
    title: "Greet callers",
  }],
  ["netlify", "Deploy of phone locked (production, main)", { ...deploy, state: "ready" }, {
    "x-netlify-event": "deploy_locked",
  }],
  ["netlify", "New answer to contact from Ada: Please call me", {
    form_name: "contact",
    name: "Ada",
    body: "Please call me",
    data: { name: "Ada" },
  }],
  ["jenkins", "phone #12 started on main", {
    name: "phone",
    build: { ...build, phase: "STARTED" },
  }],
  ["jenkins", "phone #12 finalized: SUCCESS on main", {
    name: "phone",
    build: { ...build, phase: "FINALIZED", status: "SUCCESS" },
  }],
  ["argocd", "phone is OutOfSync, Missing", { app: "phone", sync: "OutOfSync", health: "Missing" }],
  ["argocd", "phone sync Failed: one object cannot be applied", {
    app: {
      metadata: { name: "phone" },
      status: { operationState: { phase: "Failed", message: "one object cannot be applied" } },
    },
  }],
  ["flux", "HelmRelease apps/phone InstallSucceeded: Release installed", {
    involvedObject: { kind: "HelmRelease", namespace: "apps", name: "phone" },
    severity: "info",
    reason: "InstallSucceeded",
    message: "Release installed",
  }],
  ["discourse", `ada created topic "The line drops"`, {
    topic: { title: "The line drops", created_by: { username: "ada" } },
  }, { "x-discourse-event": "topic_created" }],
  ["discourse", "User ada created", { user: { username: "ada", name: "Ada Byron" } }, {
    "x-discourse-event": "user_created",
  }],
  ["discourse", `Post "The line drops" edited: It does not`, {
    post: { username: "ada", topic_title: "The line drops", cooked: "<p>It does not</p>" },
  }, { "x-discourse-event": "post_edited" }],
  ["freshdesk", `Ticket #5 "The line drops" created by Ada`, {
    freshdesk_webhook: {
      ticket_id: 5,
      ticket_subject: "The line drops",
      ticket_requester_name: "Ada",
      triggered_event: "{ticket_action:created}",
    },
  }],
  ["freshdesk", `Ticket #5: priority Low → Urgent`, {
    freshdesk_webhook: { ticket_id: 5, triggered_event: "{priority:{from:1,to:4}}" },
  }],
  ["freshdesk", `Ticket #5 from Ada: status Resolved → Waiting on Customer`, {
    freshdesk_webhook: {
      ticket_id: 5,
      requester_name: "Ada",
      ticket_status: "Waiting on Customer",
      triggered_event: "{status:{from:4,to:6}}",
    },
  }],
  ["freshdesk", `Ticket #5: private note added`, {
    freshdesk_webhook: { ticket_id: 5, triggered_event: "{note_type:private}" },
  }],
  ["box", `Ada created a comment on file "calls.csv": Please check`, {
    trigger: "COMMENT.CREATED",
    created_by: { name: "Ada" },
    source: {
      type: "comment",
      message: "Please check",
      item: { type: "file", name: "calls.csv" },
    },
  }],
  ["box", `Ada trashed folder "Calls" in Phone`, {
    trigger: "FOLDER.TRASHED",
    created_by: { name: "Ada" },
    source: { type: "folder", name: "Calls", parent: { name: "Phone" } },
  }],
  ["xero", "2 events: first Xero contact updated (c1)", {
    events: [
      { eventCategory: "CONTACT", eventType: "UPDATE", resourceId: "c1" },
      { eventCategory: "INVOICE", eventType: "CREATE", resourceId: "i1" },
    ],
  }],
  ["gocardless", "Mandate MD1 cancelled: The customer closed the account.", {
    events: [{
      resource_type: "mandates",
      action: "cancelled",
      links: { mandate: "MD1" },
      details: { description: "The customer closed the account." },
    }],
  }],
  ["gocardless", "2 events: first Payout PO1 paid", {
    events: [
      { id: "1", resource_type: "payouts", action: "paid", links: { payout: "PO1" } },
      { id: "2", resource_type: "payouts", action: "paid", links: { payout: "PO2" } },
    ],
  }],
  ["paystack", "Transfer failed 300.00 NGN to Ada (r1): Account is closed", {
    event: "transfer.failed",
    data: {
      amount: 30_000,
      currency: "NGN",
      reference: "r1",
      reason: "Account is closed",
      recipient: { name: "Ada" },
    },
  }],
  ["paystack", "Refund processed 50.00 GHS to ada@example.com (r1)", {
    event: "refund.processed",
    data: {
      amount: "5000",
      currency: "GHS",
      transaction_reference: "r1",
      customer: { email: "ada@example.com" },
    },
  }],
  // A subscription's amount is its plan's: nothing was paid. Of these francs nobody says the digits.
  ["paystack", "Subscription create from ada@example.com (SUB_1)", {
    event: "subscription.create",
    data: {
      amount: 5000,
      currency: "NGN",
      subscription_code: "SUB_1",
      customer: { email: "ada@example.com" },
    },
  }],
  ["paystack", "Charge success from ada@example.com", {
    event: "charge.success",
    data: { amount: 5000, currency: "XOF", customer: { email: "ada@example.com" } },
  }],
  ["coinbasecommerce", `Charge failed A1 "Card" over 20.00 USD (paid 12.00 USD) (underpaid)`, {
    ...commerce("charge:failed", {
      code: "A1",
      name: "Card",
      pricing: { local: { amount: "20.00", currency: "USD" } },
      payments: [{ value: { local: { amount: "12.00", currency: "USD" } } }],
      timeline: [{ status: "NEW" }, { status: "UNRESOLVED", context: "UNDERPAID" }],
    }),
  }],
  [
    "coinbasecommerce",
    `Charge created A1 "Gift"`,
    commerce("charge:created", {
      code: "A1",
      name: "Gift",
      pricing_type: "no_price",
    }),
  ],
  ["figma", `ada saved version "v2" of "Greeting": New colours`, {
    event_type: "FILE_VERSION_UPDATE",
    ...file,
    label: "v2",
    description: "New colours",
  }],
  ["figma", `File "Greeting" was updated`, { event_type: "FILE_UPDATE", file_name: "Greeting" }],
  ["figma", `ada set a layer of "Greeting" to ready for dev`, {
    event_type: "DEV_MODE_STATUS_UPDATE",
    ...file,
    status: "READY_FOR_DEV",
  }],
  ["miro", "Miro card deleted on board b1", {
    event: { boardId: "b1", type: "delete", item: { type: "card" } },
  }],
  ["circleci", `Job "lint" succeeded in workflow test on main in phone`, {
    type: "job-completed",
    job: { name: "lint", status: "success" },
    workflow: { name: "test" },
    pipeline: { vcs: { branch: "main" } },
    project: { name: "phone" },
  }],
  ["circleci", `Workflow "test" failed on v1 in phone: "Release"`, {
    type: "workflow-completed",
    workflow: { name: "test", status: "failed" },
    pipeline: { trigger_parameters: { git: { tag: "v1" }, gitlab: { commit_title: "Release" } } },
    project: { name: "phone" },
  }],
  ["datadog", "Recovered Callers wait", {
    title: "Callers wait",
    alert_transition: "Recovered",
    date: "1",
  }],
];

describe("the title of a service's event", () => {
  for (const [n, each] of CASES.entries()) {
    it(`is what happened: ${each[0]} ${n}`, () => {
      const description = told(each);
      assertDescription(description);
      assertEquals(description.title, each[1]);
    });
  }
});

describe("a small XML document", () => {
  const read = (raw_body: string) => xmlOf({ raw_body });

  it("is read whatever its prefixes, with its entities and its data as they are", () => {
    const root = read(`<?xml version="1.0"?><a:x><b:y k="&#65;&amp;">1 &lt; 2</b:y><y/></a:x>`);
    assertEquals(textIn(root, "y"), "1 < 2");
    assertEquals(child(root, "y")?.attributes, { k: "A&" });
    assertEquals(root?.children.length, 2);
    assertEquals(textIn(read("<x><![CDATA[<y>]]></x>")), "<y>");
  });

  it("is none where its tags do not match, it has a document type, or is too deep or large", () => {
    for (
      const text of [
        "",
        "plain",
        "<x>",
        "</x>",
        "<x></y>",
        "<x><y></x></y>",
        "<x",
        `<!DOCTYPE x [<!ENTITY y "z">]><x>&y;</x>`,
        "<x>".repeat(100) + "</x>".repeat(100),
        `<x>${"<y/>".repeat(30_000)}</x>`,
      ]
    ) assertEquals(read(text), undefined, text.slice(0, 40));
  });

  it("costs no more than its length, whatever stands in it", () => {
    const took = (text: string) => {
      const start = performance.now();
      read(text);
      return performance.now() - start;
    };
    for (const part of ["<", "<x ", "<!--", "<![CDATA[", "&", '<x a="', " a=", "</", "<x>&#x41;"]) {
      took(part.repeat(1_000));
      assert(took(part.repeat(100_000)) < 2_000, part);
    }
  });
});
