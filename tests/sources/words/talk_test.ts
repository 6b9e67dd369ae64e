import { itSays } from "./told.ts";

const sns = (message: unknown) => ({
  Type: "Notification",
  TopicArn: "arn:aws:sns:eu-central-1:1:phone",
  Message: typeof message === "string" ? message : JSON.stringify(message),
});

itSays("sns", [
  [
    'Mail "Offer" to bob@example.com bounced: 550 no such mailbox (phone)',
    sns({
      notificationType: "Bounce",
      mail: { destination: ["bob@example.com"], commonHeaders: { subject: "Offer" } },
      bounce: {
        bouncedRecipients: [{
          emailAddress: "bob@example.com",
          diagnosticCode: "550 no such mailbox",
        }],
      },
    }),
  ],
  [
    `bob@example.com reported mail "Offer" as spam (phone)`,
    sns({
      eventType: "Complaint",
      mail: { commonHeaders: { subject: "Offer" } },
      complaint: { complainedRecipients: [{ emailAddress: "bob@example.com" }] },
    }),
  ],
  [
    `Mail from Bob to support@example.com: "Hello" (phone)`,
    sns({
      notificationType: "Received",
      mail: {
        source: "bob@example.com",
        destination: ["support@example.com"],
        commonHeaders: { from: ["Bob <bob@example.com>"], subject: "Hello" },
      },
    }),
  ],
  [
    `CodePipeline Pipeline Execution State Change "web" FAILED (phone)`,
    sns({
      source: "aws.codepipeline",
      "detail-type": "CodePipeline Pipeline Execution State Change",
      detail: { pipeline: "web", state: "FAILED" },
    }),
  ],
  [
    `Pipeline "web" waits for approval in Production: Ship it? (phone)`,
    sns({
      approval: { pipelineName: "web", stageName: "Production", customData: "Ship it?" },
    }),
  ],
  [
    "S3 ObjectCreated:Put calls/1.mp3 (phone)",
    sns({
      Records: [{
        eventSource: "aws:s3",
        eventName: "ObjectCreated:Put",
        s3: { bucket: { name: "calls" }, object: { key: "1.mp3" } },
      }],
    }),
  ],
  [
    `Stack "web" CREATE_FAILED: no quota (phone)`,
    sns(
      "StackId='1'\nLogicalResourceId='web'\nStackName='web'\nResourceStatus='CREATE_FAILED'\nResourceStatusReason='no quota'\n",
    ),
  ],
  ["The line is down (phone)", sns({ message: "The line is down", code: 5 })],
]);

const message = (more: unknown) => ({
  update_id: 1,
  message: { from: { username: "ada" }, chat: { title: "Team" }, ...more as object },
});

itSays("telegram", [
  [
    "ada paid 12.50 EUR in Team",
    message({
      successful_payment: { currency: "EUR", total_amount: 1250 },
    }),
  ],
  [
    "ada paid 50 XTR in Team",
    message({
      successful_payment: { currency: "XTR", total_amount: 50 },
    }),
  ],
  [
    `Telegram message with contact from ada in Team: "Grace 15005550006"`,
    message({
      contact: { first_name: "Grace", phone_number: "15005550006" },
    }),
  ],
  ["ada left Team", message({ left_chat_member: { username: "ada" } })],
  ["ada removed bob from Team", message({ left_chat_member: { username: "bob" } })],
  ["ada added bob to Team", message({ new_chat_members: [{ username: "bob" }] })],
  ["ada changed the membership of the bot in Team: member → kicked", {
    update_id: 1,
    my_chat_member: {
      from: { username: "ada" },
      chat: { title: "Team" },
      old_chat_member: { status: "member" },
      new_chat_member: { status: "kicked" },
    },
  }],
]);

itSays("slack", [
  [`ada submitted "Report": down, High`, {
    type: "view_submission",
    user: { username: "ada" },
    view: {
      title: { text: "Report" },
      state: {
        values: {
          b1: { what: { type: "plain_text_input", value: "down" } },
          b2: { level: { selected_option: { text: { text: "High" }, value: "h" } } },
        },
      },
    },
  }],
  ["ada submitted report: down", {
    type: "dialog_submission",
    user: { name: "ada" },
    callback_id: "report",
    submission: { what: "down", note: null },
  }],
  [`Message of U1 edited in C1: "fixed"`, {
    event: {
      type: "message",
      subtype: "message_changed",
      channel: "C1",
      message: { user: "U1", text: "fixed" },
    },
  }],
]);

itSays("twilio", [
  ["Call from +15005550001 to +15005550006 completed, 42 s", {
    CallSid: "CA1",
    CallStatus: "completed",
    CallDuration: "42",
    Direction: "outbound-api",
    From: "+15005550001",
    To: "+15005550006",
  }],
  ["Recording of call CA1 completed, 12 s", {
    CallSid: "CA1",
    RecordingSid: "RE1",
    RecordingStatus: "completed",
    RecordingDuration: "12",
  }],
  [`ada wrote in conversation CH1: "Hello"`, {
    EventType: "onMessageAdded",
    ConversationSid: "CH1",
    Author: "ada",
    Body: "Hello",
  }],
]);
