import { itSays } from "./told.ts";

itSays("mailgun", [
  [`Mail from Bob Ray to support@example.com: "Re: the line drops" (1 attachment)`, {
    recipient: "support@example.com",
    sender: "bob@example.com",
    from: "Bob Ray <bob@example.com>",
    subject: "Re: the line drops",
    "body-plain": "It still drops.",
    "attachment-count": "1",
  }],
  [`bob@example.com reported mail "Offer" as spam`, {
    "event-data": {
      event: "complained",
      recipient: "bob@example.com",
      message: { headers: { subject: "Offer" } },
    },
  }],
  ["bob@example.com unsubscribed", {
    "event-data": { event: "unsubscribed", recipient: "bob@example.com" },
  }],
  ["Mail temporarily failed to bob@example.com: mailbox full", {
    "event-data": {
      event: "failed",
      severity: "temporary",
      recipient: "bob@example.com",
      "delivery-status": { message: "mailbox full" },
    },
  }],
]);

itSays("postmark", [
  [`Mail from Bob Ray to Support, all: "Hello" (2 attachments)`, {
    From: "bob@example.com",
    FromName: "Bob Ray",
    To: '"Support, all" <support@example.com>',
    Subject: "Hello",
    TextBody: "Hi",
    Attachments: [{}, {}],
  }],
  ["bob@example.com is no longer sent mail (HardBounce)", {
    RecordType: "SubscriptionChange",
    Recipient: "bob@example.com",
    SuppressSending: true,
    SuppressionReason: "HardBounce",
  }],
]);

itSays("sendgrid", [
  ["bob@example.com clicked a link in the mail: https://example.com/", [
    { event: "click", email: "bob@example.com", url: "https://example.com/" },
  ]],
  ["Mail to bob@example.com was blocked: 554 spam", [
    { event: "bounce", type: "blocked", email: "bob@example.com", reason: "554 spam" },
  ]],
  ["bob@example.com unsubscribed from a group", [
    { event: "group_unsubscribe", email: "bob@example.com" },
  ]],
  [`Mail from Bob to a@example.com, b@example.com and 1 more: "Hi"`, {
    from: "Bob <bob@example.com>",
    to: "a@example.com, b@example.com, c@example.com",
    subject: "Hi",
    envelope: "{}",
    text: "Hi",
  }],
]);
