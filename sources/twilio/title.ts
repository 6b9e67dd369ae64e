import { counted, oneLine, quoted, words } from "../kit/line.ts";
import { at, first, line, text } from "../kit/json_path.ts";
import { sayingOf } from "../kit/to_description.ts";
import { otherTitle } from "./other.ts";
import { eachOnce, titleOfAll } from "../kit/to_description.ts";

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
  const { level } = debugged(payload);
  if (level) return oneLine(`debugger.${level.toLowerCase()}`);
  return first(
    line(payload, "EventType"),
    line(payload, 0, "type"),
    line(payload, "type"),
  );
}

/** The line a person reads. */
export function titleOf(payload: unknown): string {
  const other = otherTitle(payload);
  if (other) return oneLine(other);
  if (isMessage(payload)) {
    const status = messageStatus(payload) ?? "received";
    return oneLine(
      status === "received" || status === "receiving"
        ? receivedTitle(payload)
        : statusTitle(payload, status),
    );
  }
  if (
    at(payload, "CallSid") !== undefined ||
    at(payload, "CallStatus") !== undefined
  ) {
    return oneLine(callTitle(payload));
  }
  const { level, code, message } = debugged(payload);
  if (level) {
    const title = words("Twilio", level.toLowerCase(), code);
    return oneLine(message ? `${title}: ${message}` : title);
  }
  const event = eventOf(payload)?.replace(/^com\.twilio\./, "");
  const title = words("Twilio", event ?? sayingOf(payload) ?? "webhook", [
    "from",
    line(payload, "From"),
  ]);
  return oneLine(titleOfAll(streamed(payload).length, title)!);
}

/** What Event Streams sends together: CloudEvents in an array, each once. */
export function streamed(payload: unknown): unknown[] {
  return eachOnce(Array.isArray(payload) ? payload : [], (event) => text(event, "id"));
}

/** An error or a warning of the account, as the Debugger sends it: JSON in a form's field. */
export function debugged(payload: unknown) {
  const level = line(payload, "PayloadType") && line(payload, "Level");
  const detail = level ? parse(text(payload, "Payload")) : undefined;
  return {
    level,
    code: line(detail, "error_code"),
    message: first(line(detail, "more_info", "Msg"), line(detail, "more_info", "msg")),
  };
}

/** The longest report that is parsed, in characters: it is for one line of a title only. */
const MAX_REPORT = 64 * 1024;

function parse(json: string | undefined): unknown {
  if (!json || json.length > MAX_REPORT) return undefined;
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function isMessage(payload: unknown): boolean {
  return ["MessageSid", "SmsSid", "MessageStatus", "SmsStatus", "Body"]
    .some((key) => at(payload, key) !== undefined);
}

function receivedTitle(payload: unknown): string {
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

function statusTitle(payload: unknown, status: string): string {
  const error = line(payload, "ErrorCode");
  return words(
    "Message",
    first(line(payload, "MessageSid"), line(payload, "SmsSid")),
    status,
    ["to", plain(line(payload, "To"))],
    error && error !== "0" ? `(error ${error})` : undefined,
  );
}

function callTitle(payload: unknown): string {
  const seconds = line(payload, "CallDuration");
  const digits = line(payload, "Digits");
  const said = first(
    line(payload, "SpeechResult"),
    line(payload, "TranscriptionText"),
  );
  const call = words(
    "Call",
    ["from", plain(line(payload, "From"))],
    line(payload, "Direction")?.startsWith("outbound")
      ? ["to", plain(line(payload, "To"))]
      : undefined,
    line(payload, "CallStatus")?.replaceAll("-", " "),
  );
  const details = [seconds && `${seconds} s`, digits && `digits ${digits}`]
    .filter((it) => it);
  const title = [call, ...details].join(", ");
  return said ? `${title}: ${quoted(said)}` : title;
}

/** A number without the prefix that says how it was reached. */
function plain(address: string | undefined): string | undefined {
  return address?.replace(/^(?:whatsapp|messenger|rcs):/, "") || undefined;
}
