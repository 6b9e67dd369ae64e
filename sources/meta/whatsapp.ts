import { counted, firstFew, quoted, words } from "../kit/line.ts";
import { at, first, line, list, whole } from "../kit/json_path.ts";
import type { Extracted } from "../kit/to_description.ts";

/** What a message's kind is called where it is not by its own name. */
const KINDS: Record<string, string> = {
  text: "message",
  button: "reply",
  interactive: "reply",
  contacts: "contact",
  unsupported: "message of an unknown kind",
  unknown: "message of an unknown kind",
  system: "notice",
  request_welcome: "first contact",
  nfm_reply: "form",
};

/** A message that came in; `echo` is one that a person of ours wrote on the phone. */
export function extractMessage(item: unknown, value: unknown, isEcho = false): Extracted {
  const from = line(item, "from");
  const name = nameOf(from, value);
  const type = line(item, "type");
  const number = line(value, "metadata", "display_phone_number");
  const pressed = pressedOf(item);
  const body = first(
    line(item, "text", "body"),
    pressed,
    line(item, "reaction", "emoji"),
    line(item, type ?? "", "caption"),
    line(item, "document", "filename"),
    words(line(item, "location", "name"), line(item, "location", "address")) || undefined,
    firstFew(
      list(item, "contacts").slice(0, 20).map((each) => line(each, "name", "formatted_name")),
    ),
    line(item, "order", "text"),
    line(item, "system", "body"),
    line(item, "errors", 0, "title"),
  );
  const products = list(item, "order", "product_items");
  const isForm = line(item, "interactive", "type") === "nfm_reply";
  const kind = isForm ? KINDS.nfm_reply : type && (KINDS[type] ?? type.replaceAll("_", " "));
  const title = words(
    "WhatsApp",
    type === "reaction" && !body ? "reaction taken back" : kind ?? "message",
    products.length > 0 ? `of ${counted(products.length, "product")}` : undefined,
    ["from", name && from ? `${name} (${from})` : name ?? from],
    ["to", isEcho ? line(item, "to") : number],
  );
  return {
    event: isEcho ? "whatsapp.echo" : "whatsapp.message",
    title: body ? `${title}: ${quoted(body)}` : title,
    actor: name ?? from,
    fields: {
      from,
      to: isEcho ? line(item, "to") : number,
      type,
      pressed,
      payload: first(
        line(item, "button", "payload"),
        line(item, "interactive", "button_reply", "id"),
        line(item, "interactive", "list_reply", "id"),
      ),
      replies_to: line(item, "context", "id"),
      products: firstFew(
        products.slice(0, 20).map((each) =>
          words(line(each, "quantity"), ["×", line(each, "product_retailer_id")])
        ),
      ),
    },
    text: first(
      whole(item, "text", "body"),
      pressed,
      whole(item, type ?? "", "caption"),
      whole(item, "interactive", "nfm_reply", "response_json"),
      whole(item, "order", "text"),
    ),
  };
}

/** What became of a message or a call of ours. */
export function extractStatus(item: unknown): Extracted {
  const status = line(item, "status");
  const isCall = line(item, "type") === "call";
  const reason = first(
    line(item, "errors", 0, "title"),
    line(item, "errors", 0, "message"),
  );
  const title = words(
    isCall ? "WhatsApp call" : "WhatsApp message",
    isCall ? status?.toLowerCase() : status,
    ["to", line(item, "recipient_id")],
  );
  return {
    event: `whatsapp.${status?.toLowerCase() ?? "status"}`,
    title: reason ? `${title}: ${reason}` : title,
    fields: {
      status,
      to: line(item, "recipient_id"),
      error: reason,
      code: line(item, "errors", 0, "code"),
      message: line(item, "id"),
    },
  };
}

/** `WhatsApp call from 15005550006: connect`, or that it is over after so many seconds. */
export function extractCall(item: unknown, value: unknown): Extracted {
  const from = line(item, "from");
  const seconds = line(item, "duration");
  const event = line(item, "event");
  const status = line(item, "status")?.toLowerCase();
  const did = event === "terminate" ? "ended" : event === "connect" ? "came in" : event;
  const isOurs = line(item, "direction") === "BUSINESS_INITIATED";
  return {
    event: event ? `whatsapp.call.${event}` : "whatsapp.call",
    title: words(
      "WhatsApp call",
      ["from", nameOf(from, value) ?? from],
      ["to", line(item, "to")],
      isOurs && event === "connect" ? "connected" : did,
      status && `(${status})`,
      ["after", seconds && `${seconds} s`],
    ),
    actor: from,
    fields: { from, to: line(item, "to"), status, seconds, direction: line(item, "direction") },
  };
}

/** What was pressed: a button, a row of a list, or the answer to a request to call. */
function pressedOf(item: unknown): string | undefined {
  const interactive = at(item, "interactive");
  return first(
    line(item, "button", "text"),
    line(interactive, "button_reply", "title"),
    line(interactive, "list_reply", "title"),
    line(interactive, "call_permission_reply", "response"),
    line(interactive, "nfm_reply", "body"),
    line(interactive, "nfm_reply", "name"),
  );
}

/** The sender's name, of the contact that is theirs. */
function nameOf(from: string | undefined, value: unknown): string | undefined {
  const contacts = list(value, "contacts").slice(0, 100);
  const own = contacts.find((each) => line(each, "wa_id") === from) ??
    contacts.find((each) => line(each, "wa_id") === undefined);
  return line(own, "profile", "name");
}
