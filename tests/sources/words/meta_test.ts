import { itSays } from "./told.ts";

const change = (field: string, value: unknown) => ({
  object: "whatsapp_business_account",
  entry: [{ id: "1", changes: [{ field, value }] }],
});
const message = (more: unknown) =>
  change("messages", { messages: [{ id: "wamid.1", from: "15005550006", ...more as object }] });
const messaging = (more: unknown) => ({
  object: "page",
  entry: [{ messaging: [{ sender: { id: "7" }, recipient: { id: "9" }, ...more as object }] }],
});

itSays("meta", [
  [
    `WhatsApp reply from 15005550006: "Yes"`,
    message({
      type: "interactive",
      interactive: { type: "button_reply", button_reply: { id: "y", title: "Yes" } },
    }),
  ],
  [
    `WhatsApp reply from 15005550006: "Friday"`,
    message({
      type: "interactive",
      interactive: { type: "list_reply", list_reply: { id: "f", title: "Friday" } },
    }),
  ],
  [
    `WhatsApp form from 15005550006: "Sent"`,
    message({
      type: "interactive",
      interactive: { type: "nfm_reply", nfm_reply: { body: "Sent", response_json: "{}" } },
    }),
  ],
  [
    `WhatsApp order of 2 products from 15005550006: "Please fast"`,
    message({
      type: "order",
      order: { text: "Please fast", product_items: [{}, {}] },
    }),
  ],
  [
    `WhatsApp reaction from 15005550006: "👍"`,
    message({
      type: "reaction",
      reaction: { emoji: "👍" },
    }),
  ],
  ["WhatsApp reaction taken back from 15005550006", message({ type: "reaction", reaction: {} })],
  [
    `WhatsApp document from 15005550006: "bill.pdf"`,
    message({
      type: "document",
      document: { filename: "bill.pdf" },
    }),
  ],
  [
    `WhatsApp location from 15005550006: "Office Main street 1"`,
    message({
      type: "location",
      location: { name: "Office", address: "Main street 1" },
    }),
  ],
  [
    `WhatsApp contact from 15005550006: "Grace"`,
    message({
      type: "contacts",
      contacts: [{ name: { formatted_name: "Grace" } }],
    }),
  ],
  [
    `Template "welcome" (en) is rejected: invalid format`,
    change("message_template_status_update", {
      event: "REJECTED",
      message_template_name: "welcome",
      message_template_language: "en",
      reason: "INVALID_FORMAT",
    }),
  ],
  [
    `Template "welcome" quality green → red`,
    change("message_template_quality_update", {
      previous_quality_score: "GREEN",
      new_quality_score: "RED",
      message_template_name: "welcome",
    }),
  ],
  [
    "WhatsApp account disabled update: schedule for disable",
    change("account_update", {
      event: "DISABLED_UPDATE",
      ban_info: { waba_ban_state: "SCHEDULE_FOR_DISABLE" },
    }),
  ],
  [
    "Number 15005550001 flagged limit tier 1k → tier 50",
    change("phone_number_quality_update", {
      display_phone_number: "15005550001",
      event: "FLAGGED",
      old_limit: "TIER_1K",
      current_limit: "TIER_50",
    }),
  ],
  [
    "WhatsApp call from 15005550006 to 15005550001 ended (completed) after 42 s",
    change("calls", {
      calls: [{
        id: "wacid.1",
        from: "15005550006",
        to: "15005550001",
        event: "terminate",
        status: "COMPLETED",
        duration: 42,
      }],
    }),
  ],
  [
    `WhatsApp message from 15005550001 to 15005550006: "On my way"`,
    change("smb_message_echoes", {
      message_echoes: [{
        id: "wamid.1",
        from: "15005550001",
        to: "15005550006",
        type: "text",
        text: { body: "On my way" },
      }],
    }),
  ],
  [`Ada added comment: "Nice"`, {
    object: "page",
    entry: [{
      changes: [{
        field: "feed",
        value: { item: "comment", verb: "add", from: { name: "Ada" }, message: "Nice" },
      }],
    }],
  }],
  [`Reaction from 7: "👍"`, messaging({ reaction: { action: "react", emoji: "👍" } })],
  [
    "Message with image from 7",
    messaging({
      message: { mid: "m1", attachments: [{ type: "image" }] },
    }),
  ],
  [
    `Message of ours to 9: "Hello"`,
    messaging({
      message: { mid: "m1", is_echo: true, text: "Hello" },
    }),
  ],
  ["Messages read from 7", messaging({ read: { watermark: 1 } })],
]);
