import { quoted, words } from "../kit/line.ts";
import { at, first, line, list, text, whole } from "../kit/json_path.ts";
import { digest } from "../signature/signature.ts";
import { eachOnce, type Extracted } from "../kit/to_description.ts";

/** One thing that happened, of the many that Meta sends together. */
interface MetaUpdate {
  kind: "message" | "status" | "messaging" | "change";
  item: unknown;
  /** What holds it: a WhatsApp change's value, or the entry. */
  around: unknown;
}

/** The most updates that are read of one request: Meta sends at most 1,000. */
const MAX_UPDATES = 1_000;

/** Everything in a request, each once. */
export function findUpdates(payload: unknown): MetaUpdate[] {
  const updates: MetaUpdate[] = [];
  for (const entry of list(payload, "entry").slice(0, MAX_UPDATES)) {
    if (updates.length >= MAX_UPDATES) break;
    for (const item of list(entry, "messaging")) {
      updates.push({ kind: "messaging", item, around: entry });
    }
    for (const change of list(entry, "changes").slice(0, MAX_UPDATES)) {
      const value = at(change, "value");
      const found = [
        ...list(value, "messages").slice(0, MAX_UPDATES).map((item) => ({
          kind: "message" as const,
          item,
        })),
        ...list(value, "statuses").slice(0, MAX_UPDATES).map((item) => ({
          kind: "status" as const,
          item,
        })),
      ];
      updates.push(
        ...found.map((each) => ({ ...each, around: value })),
        ...found.length === 0 ? [{ kind: "change" as const, item: change, around: entry }] : [],
      );
    }
  }
  return eachOnce(updates.slice(0, MAX_UPDATES), keyOf);
}

/** What an update is known by: its own id, else all of it. */
export function keyOf({ kind, item, around }: MetaUpdate): string {
  const id = kind === "messaging" ? text(item, "message", "mid") : text(item, "id");
  if (id) return [kind, id, text(item, "status")].join("|");
  return digest(JSON.stringify([kind, item, mark(around, "id"), mark(around, "time")]));
}

/** What an entry's updates have in common is read once for each of them, so only as much as an id can be. */
function mark(around: unknown, key: string): string | undefined {
  return text(around, key)?.slice(0, MAX_MARK);
}

const MAX_MARK = 1_000;

/** One update in words. */
export function extractUpdate({ kind, item, around }: MetaUpdate): Extracted {
  switch (kind) {
    case "message":
      return extractMessage(item, around);
    case "status":
      return {
        event: `whatsapp.${line(item, "status") ?? "status"}`,
        title: [
          words("WhatsApp message", line(item, "status"), ["to", line(item, "recipient_id")]),
          line(item, "errors", 0, "title"),
        ].filter((part) => part).join(": "),
        fields: {
          status: line(item, "status"),
          to: line(item, "recipient_id"),
          error: line(item, "errors", 0, "title"),
        },
      };
    case "messaging":
      return extractMessaging(item);
    case "change":
      return {
        event: line(item, "field"),
        title: words(
          first(line(item, "value", "from", "name"), line(item, "value", "from", "username")),
          "changed",
          line(item, "field"),
          quoted(first(line(item, "value", "message"), line(item, "value", "text"))),
        ),
        links: [at(item, "value", "permalink_url")],
        actor: line(item, "value", "from", "name"),
        fields: { field: line(item, "field"), verb: line(item, "value", "verb") },
        text: whole(item, "value", "message"),
      };
  }
}

function extractMessage(item: unknown, value: unknown): Extracted {
  const name = line(value, "contacts", 0, "profile", "name");
  const from = line(item, "from");
  const type = line(item, "type");
  const body = first(
    line(item, "text", "body"),
    line(item, "button", "text"),
    line(item, "reaction", "emoji"),
    line(item, type ?? "", "caption"),
  );
  const title = words(
    "WhatsApp",
    type && type !== "text" ? type : "message",
    ["from", name && from ? `${name} (${from})` : name ?? from],
    ["to", line(value, "metadata", "display_phone_number")],
  );
  return {
    event: "whatsapp.message",
    title: body ? `${title}: ${quoted(body)}` : title,
    actor: name ?? from,
    fields: { from, to: line(value, "metadata", "display_phone_number"), type },
    text: whole(item, "text", "body"),
  };
}

function extractMessaging(item: unknown): Extracted {
  const from = line(item, "sender", "id");
  const body = first(line(item, "message", "text"), line(item, "postback", "title"));
  const title = words("Message", ["from", from]);
  return {
    event: at(item, "postback") ? "messaging.postback" : "messaging.message",
    title: body ? `${title}: ${quoted(body)}` : title,
    actor: from,
    fields: { from, to: line(item, "recipient", "id") },
    text: whole(item, "message", "text"),
  };
}
