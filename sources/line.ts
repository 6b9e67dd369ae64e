import type { Description } from "./description.ts";
import { quoted, words } from "./kit/line.ts";
import { at, first, line, list, text, whole } from "./kit/json_path.ts";
import { triedBy } from "./kit/challenge.ts";
import { batchId, payloadOf } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { signedBy } from "./kit/signed.ts";
import type { DescribeContext, Incoming } from "./source.ts";
import { eachOnce, titleOfAll, toDescription } from "./kit/to_description.ts";

export const label = "LINE";
export const secretVariable = "LINE_CHANNEL_SECRET";
export const secretIsTheirs = true;
export const setup = "LINE Developers Console → the channel → Messaging API: webhook URL; " +
  "the channel secret under Basic settings";

/** developers.line.biz, "Verify webhook signature". */
export const { verify, sign, proof } = signedBy(
  { header: "X-Line-Signature", encoding: "base64" },
  { variable: secretVariable, is: "the channel secret" },
);

/** The console's "Verify" sends no events (developers.line.biz, "Verify webhook URL"). */
export const { probe, handshake } = triedBy((request) => {
  const events = at(payloadOf(request), "events");
  return Array.isArray(events) && events.length === 0;
});

/** A delivery is known by its events, which keep their ids when they come again. */
export function deliveryId(request: Incoming): string | undefined {
  return batchId(list(payloadOf(request), "events").map((event) => text(event, "webhookEventId")));
}

/** LINE says in an event whether it comes again (developers.line.biz, "Redelivered webhooks"). */
export const changesOnRetry = ["isRedelivery"];

const DID: Record<string, string> = {
  follow: "follows the account",
  unfollow: "blocked the account",
  join: "added the account to the chat",
  leave: "removed the account from the chat",
  memberJoined: "joined the chat",
  memberLeft: "left the chat",
  unsend: "took back a message",
  videoPlayComplete: "watched the video",
};

/** Says who wrote or did what, and how many more; LINE sends people as ids. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const events = eachOnce(list(payload, "events"), (event) => text(event, "webhookEventId"));
  const [event] = events;
  const type = line(event, "type");
  const source = at(event, "source");
  const actor = line(source, "userId");
  const room = first(line(source, "groupId"), line(source, "roomId"));
  return toDescription({ name: "line", label }, payload, context, {
    event: type,
    title: titleOfAll(events.length, type && titleOf(event, { type, actor, room })),
    actor,
    fields: {
      chat: room,
      kind: line(event, "message", "type"),
      file: line(event, "message", "fileName"),
      again: at(event, "deliveryContext", "isRedelivery") === true ? "yes" : undefined,
      events: events.length > 1 ? String(events.length) : undefined,
    },
    text: first(whole(event, "message", "text"), whole(event, "postback", "data")),
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("message", {
    destination: "U0otto",
    events: [{
      type: "message",
      mode: "active",
      timestamp: 1767323045000,
      webhookEventId: "SAMPLE",
      deliveryContext: { isRedelivery: false },
      source: { type: "user", userId: "U1ada" },
      message: { id: "1", type: "text", text: "The line drops after ten minutes." },
    }],
  }),
];

function titleOf(
  event: unknown,
  { type, actor, room }: { type: string; actor?: string; room?: string },
): string {
  const where = ["in", room] as const;
  switch (type) {
    case "message": {
      const kind = line(event, "message", "type");
      const said = quoted(line(event, "message", "text")) ??
        first(line(event, "message", "fileName"), line(event, "message", "title"));
      const title = words(
        "LINE",
        kind && kind !== "text" ? kind : "message",
        ["from", actor],
        where,
      );
      return said ? `${title}: ${said}` : title;
    }
    case "postback":
      return words(actor ?? "Somebody", "pressed", quoted(line(event, "postback", "data")), where);
    default:
      return DID[type]
        ? words(actor ?? "Somebody", DID[type], where)
        : words("LINE", type, ["from", actor], where);
  }
}
