import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { about, assertTold } from "./told.ts";

describe("what a Twilio request is about", () => {
  const sms = (more: Record<string, unknown>) => ({
    AccountSid: "AC1",
    MessageSid: "SM1",
    From: "+15005550006",
    To: "+15005550001",
    ...more,
  });
  const KEY = "AC1:+15005550001|+15005550006";

  it("is the messages between two numbers, whichever way they go", () => {
    assertTold("twilio", [
      [sms({ SmsStatus: "received", Body: "Hi" }), `opens ${KEY}`],
      [sms({ SmsStatus: "received", Body: "STOP", OptOutType: "STOP" }), `closes ${KEY}`],
      [sms({ MessageStatus: "failed", From: "+15005550001", To: "+15005550006" }), `result ${KEY}`],
      [sms({ MessageStatus: "undelivered" }), `result ${KEY}`],
      [sms({ MessageStatus: "sent" }), `notes ${KEY}`],
      [sms({ MessageStatus: "delivered" }), `notes ${KEY}`],
      [
        sms({ Body: "Hi", From: "whatsapp:+15005550006", To: "whatsapp:+15005550001" }),
        "opens AC1:whatsapp:+15005550001|whatsapp:+15005550006",
      ],
      [sms({ Body: "Hi", To: undefined }), undefined],
      [sms({ Body: "Hi", AccountSid: "A\n" }), undefined],
    ]);
  });

  it("is a call or a conversation by its own id", () => {
    const call = (more: Record<string, unknown>) => ({ CallSid: "CA1", From: "+1", ...more });
    assertTold("twilio", [
      [call({ CallStatus: "ringing", Direction: "inbound" }), "opens CA1"],
      [call({ CallStatus: "in-progress", SpeechResult: "Help" }), "continues CA1"],
      [call({ CallStatus: "completed" }), "result CA1"],
      [{ ConversationSid: "CH1", EventType: "onMessageAdded" }, "continues CH1"],
      [{ ConversationSid: "CH1", EventType: "onConversationRemoved" }, "closes CH1"],
      [[{ id: "1", type: "com.twilio.x" }], undefined],
    ]);
  });
});

describe("what a request of Meta's is about", () => {
  const whatsapp = (...values: Record<string, unknown>[]) => ({
    object: "whatsapp_business_account",
    entry: [{
      id: "1",
      changes: values.map((value) => ({
        field: "messages",
        value: { metadata: { phone_number_id: "106" }, ...value },
      })),
    }],
  });
  const said = (from: string) => ({ messages: [{ id: `wamid.${from}`, from, type: "text" }] });
  const status = { statuses: [{ id: "wamid.2", recipient_id: "49", status: "read" }] };

  it("is the conversation with one person on WhatsApp, where all of a batch is of it", () => {
    assertTold("meta", [
      [whatsapp(said("49")), "opens 106:49"],
      [whatsapp(status), "notes 106:49"],
      [whatsapp(said("49"), status), "opens 106:49"],
      [whatsapp(said("49"), said("50")), undefined],
      [whatsapp({ ...said("49"), metadata: {} }), undefined],
      [whatsapp({ event: "APPROVED" }), undefined],
      [{ entry: [] }, undefined],
    ]);
  });

  it("is the one with a page or an account, also for what we have written", () => {
    const messenger = (item: Record<string, unknown>) => ({
      object: "page",
      entry: [{ id: "page1", messaging: [item] }],
    });
    const [us, them] = [{ id: "page1" }, { id: "p7" }];
    assertTold("meta", [
      [
        messenger({ sender: them, recipient: us, message: { mid: "m1", text: "Hi" } }),
        "opens page1:p7",
      ],
      [
        messenger({ sender: us, recipient: them, message: { mid: "m2", is_echo: true } }),
        "notes page1:p7",
      ],
      [messenger({ sender: them, recipient: us, read: { watermark: 1 } }), "notes page1:p7"],
      [messenger({ sender: them, recipient: us, postback: { title: "Go" } }), "opens page1:p7"],
    ]);
    const timed = messenger({ sender: them, timestamp: 1_767_322_645_000, postback: {} });
    assertEquals(about("meta", timed)?.at, 1_767_322_645_000);
  });
});
