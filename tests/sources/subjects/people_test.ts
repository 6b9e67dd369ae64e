import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { about, assertTold } from "./told.ts";

describe("what people's messages are about", () => {
  it("is a chat, a thread or a meeting", () => {
    const message = { chat: { id: -100, title: "Phone team" }, date: 1_767_322_645 };
    assertTold("telegram", [
      [{ update_id: 1, message }, "opens -100:"],
      [{ update_id: 1, message: { ...message, message_thread_id: 4 } }, "opens -100:4"],
      [{ update_id: 1, edited_message: message }, "notes -100:"],
      [{ update_id: 1, callback_query: { id: "7", message } }, "continues -100:"],
      [{ update_id: 1, message: { ...message, message_thread_id: "a\nb" } }, undefined],
      [{ update_id: 1, poll: { id: "9" } }, undefined],
    ]);
    // People who write to a channel share a chat, in which each is a topic.
    const ofChannel = { id: -100, is_direct_messages: true };
    assertTold("telegram", [
      [
        { message: { chat: ofChannel, direct_messages_topic: { topic_id: 77 } } },
        "opens -100:direct/77",
      ],
      [{ message: { chat: ofChannel } }, undefined],
    ]);
    assertEquals(about("telegram", { message })?.name, 'Chat "Phone team"');
    assertEquals(about("telegram", { message })?.at, 1_767_322_645_000);
    const conversation = { id: "19:a@thread.tacv2;messageid=17" };
    assertTold("teams", [
      [{ type: "message", id: "17", conversation }, `opens ${conversation.id}`],
      [{ type: "message", id: "18", conversation }, `continues ${conversation.id}`],
      [{ type: "message", id: "18", conversation: {} }, undefined],
    ]);
    const zoom = (event: string, uuid: unknown = "u/1==") => ({
      event,
      event_ts: 1_767_322_645_000,
      payload: { object: { uuid, id: 1 } },
    });
    assertTold("zoom", [
      [zoom("meeting.started"), "opens u/1=="],
      [zoom("meeting.participant_joined"), "continues u/1=="],
      [zoom("recording.completed"), "continues u/1=="],
      [zoom("meeting.ended"), "notes u/1=="],
      [zoom("meeting.started", null), undefined],
    ]);
    assertTold("discord", [
      [{ id: "1", type: 2, data: { name: "otto" } }, undefined],
      [{ id: "1", type: 3, message: { id: "55" } }, "continues 55"],
      [{ id: "1", type: 5, message: { id: "55" } }, "continues 55"],
      [{ id: "1", type: 5 }, undefined],
    ]);
    const direct = (sender_id: string, recipient_id: string) => ({
      for_user_id: "1",
      direct_message_events: [{
        id: sender_id,
        message_create: { sender_id, target: { recipient_id } },
      }],
    });
    assertTold("x", [
      [direct("2", "1"), "opens 1|2"],
      [direct("1", "2"), "notes 1|2"],
      [{ tweet_create_events: [{ id_str: "5", conversation_id: "4" }] }, "opens 4"],
      [{ tweet_create_events: [{ id_str: "5" }] }, undefined],
      [{ follow_events: [{ type: "follow" }] }, undefined],
    ]);
  });

  it("is a mail of ours, until it has arrived", () => {
    const sent = (event: string, more = {}) => ({
      "event-data": { event, message: { headers: { "message-id": "m1@otto" } }, ...more },
    });
    assertTold("mailgun", [
      [sent("failed", { severity: "permanent" }), "opens m1@otto"],
      [sent("failed", { severity: "temporary" }), "notes m1@otto"],
      [sent("complained"), "opens m1@otto"],
      [sent("opened"), "notes m1@otto"],
      [sent("delivered"), "closes m1@otto"],
    ]);
    const grid = (event: string, sg_message_id = "m1.filter1.2") => ({ event, sg_message_id });
    assertTold("sendgrid", [
      [[grid("bounce")], "opens m1"],
      [[grid("processed"), grid("delivered", "m1.filter2.3")], "closes m1"],
      [[grid("bounce"), grid("delivered", "m2.filter1")], undefined],
      [[{ event: "bounce" }], undefined],
    ]);
    const mark = (RecordType: string) => ({ RecordType, MessageID: "m1" });
    assertTold("postmark", [
      [mark("Bounce"), "opens m1"],
      [mark("SpamComplaint"), "opens m1"],
      [mark("Open"), "notes m1"],
      [mark("Delivery"), "closes m1"],
    ]);
    const resend = (type: string) => ({ type, data: { email_id: "e1" } });
    assertTold("resend", [
      [resend("email.bounced"), "opens e1"],
      [resend("email.delivered"), "closes e1"],
    ]);
  });

  it("is the thread of a mail that came in, by its first mail", () => {
    const route = { recipient: "otto@example.com", "body-plain": "Hi" };
    assertTold("mailgun", [
      [{ ...route, "Message-Id": "<a@x>" }, "opens a@x"],
      [
        { ...route, "Message-Id": "<c@x>", "In-Reply-To": "<b@x>", References: "<a@x> <b@x>" },
        "continues a@x",
      ],
      [{ ...route, "Message-Id": "<c@x>", "In-Reply-To": "<a@x>" }, "continues a@x"],
      [route, undefined],
    ]);
    const parsed = (headers: string) => ({ envelope: "{}", subject: "Hi", headers });
    assertTold("sendgrid", [
      [parsed("Date: Fri, 2 Jan 2026 03:04:05 +0000\nMessage-ID: <a@x>\n"), "opens a@x"],
      [
        parsed("message-id: <c@x>\r\nReferences:\r\n <a@x>\r\n\t<b@x>\r\nIn-Reply-To: <b@x>"),
        "continues a@x",
      ],
      [parsed("Subject: Message-ID: <a@x>"), undefined],
    ]);
    const header = (Name: string, Value: string) => ({ Name, Value });
    assertTold("postmark", [
      [
        { From: "ada@x", MessageID: "own", Headers: [header("Message-ID", "<a@x>")] },
        "opens a@x",
      ],
      [
        {
          From: "ada@x",
          Headers: [header("References", "<a@x> <b@x>"), header("Message-ID", "<c@x>")],
        },
        "continues a@x",
      ],
      [{ From: "ada@x", MessageID: "own" }, undefined],
    ]);
    assertTold("resend", [
      [{ type: "email.received", data: { email_id: "e1", message_id: "<a@x>" } }, "opens a@x"],
    ]);
  });
});
