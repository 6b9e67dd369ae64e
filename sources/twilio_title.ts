import { counted, oneLine, quoted, words } from "../lib/line.ts";
import { at, first, line } from "../lib/pick.ts";

/** What became of a message: `received` for one that came in, else its delivery status. */
export function messageStatus(payload: unknown): string | undefined {
  return first(
    line(payload, "MessageStatus"),
    line(payload, "SmsStatus"),
    at(payload, "Body") === undefined ? undefined : "received",
  );
}

/** The event's name: `message.received`, `message.delivered`, `call.completed`. */
export function eventOf(payload: unknown): string | undefined {
  const status = messageStatus(payload);
  if (isMessage(payload)) {
    return status ? oneLine(`message.${status}`) : "message";
  }
  const call = line(payload, "CallStatus");
  if (call) return oneLine(`call.${call}`);
  return first(
    line(payload, "EventType"),
    line(payload, 0, "type"),
    line(payload, "type"),
  );
}

/** The line a person reads. */
export function titleOf(payload: unknown): string {
  if (isMessage(payload)) {
    const status = messageStatus(payload) ?? "received";
    return oneLine(
      status === "received" || status === "receiving"
        ? tellReceived(payload)
        : tellStatus(payload, status),
    );
  }
  if (
    at(payload, "CallSid") !== undefined ||
    at(payload, "CallStatus") !== undefined
  ) {
    return oneLine(tellCall(payload));
  }
  const event = eventOf(payload);
  return oneLine(
    words("Twilio", event ?? "webhook", ["from", line(payload, "From")]),
  );
}

function isMessage(payload: unknown): boolean {
  return ["MessageSid", "SmsSid", "MessageStatus", "SmsStatus", "Body"]
    .some((key) => at(payload, key) !== undefined);
}

function tellReceived(payload: unknown): string {
  const from = line(payload, "From");
  const isWhatsApp = from?.startsWith("whatsapp:") ?? false;
  const number = plain(from);
  const name = line(payload, "ProfileName");
  const media = Number(line(payload, "NumMedia") ?? 0);
  const came = words(
    isWhatsApp ? "WhatsApp message" : "SMS",
    ["from", name && number ? `${name} (${number})` : name ?? number],
    ["to", plain(line(payload, "To"))],
    ["with", media > 0 ? counted(media, "media file") : undefined],
  );
  const body = quoted(line(payload, "Body"));
  return body ? `${came}: ${body}` : came;
}

function tellStatus(payload: unknown, status: string): string {
  const error = line(payload, "ErrorCode");
  return words(
    "Message",
    first(line(payload, "MessageSid"), line(payload, "SmsSid")),
    status,
    ["to", plain(line(payload, "To"))],
    error && error !== "0" ? `(error ${error})` : undefined,
  );
}

function tellCall(payload: unknown): string {
  const seconds = line(payload, "CallDuration");
  const digits = line(payload, "Digits");
  const said = first(
    line(payload, "SpeechResult"),
    line(payload, "TranscriptionText"),
  );
  const call = words(
    "Call",
    ["from", plain(line(payload, "From"))],
    line(payload, "CallStatus")?.replaceAll("-", " "),
  );
  const details = [seconds && `${seconds} s`, digits && `digits ${digits}`]
    .filter((it) => it);
  const told = [call, ...details].join(", ");
  return said ? `${told}: ${quoted(said)}` : told;
}

/** A number without the prefix that says how it was reached. */
function plain(address: string | undefined): string | undefined {
  return address?.replace(/^(?:whatsapp|messenger|rcs):/, "") || undefined;
}
