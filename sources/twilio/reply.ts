import { first, list, text } from "../kit/json_path.ts";
import type { ReplyApi, ReplyCall, SentReply } from "../reply.ts";
import { beginsAs } from "./own_country.ts";
import { messageStatus } from "./title.ts";

/** What Twilio puts before each message of an account that nobody pays for. */
const TRIAL = /^Sent from your Twilio trial account - /;

/** Too many, for now (twilio.com/docs/api/errors): in the loop, at once, in the queue, in the hour. */
const LATER = new Set(["14107", "20429", "21611", "60728", "63017"]);

/**
 * twilio.com/docs/messaging/api/message-resource. No idempotency key is documented there; messages
 * can be listed by both numbers, and so one is looked for before it is sent again.
 */
export const replyApi: ReplyApi = {
  url: "https://api.twilio.com",
  urlVariable: "TWILIO_API_URL",
  base: "/2010-04-01/Accounts/{account}",
  credential: "basic",
  tokenVariable: "TWILIO_API_SECRET",
  keyVariable: "TWILIO_API_KEY",
  accountVariable: "TWILIO_ACCOUNT_SID",
  form: true,
  most: 1_600,
  // Numbers can be dear: whoever can write from one must not make us pay for it.
  asksFirst: ({ body }, listed) =>
    beginsAs(String(body.To).replace("whatsapp:", ""), listed)
      ? undefined
      : "an answer to this number needs a person's word",
  // The account itself can be read by Main keys only (twilio.com/docs/iam/api-keys).
  probe: { method: "GET", path: "/Messages.json", query: "PageSize=1" },
  idOf: (answer) => sidOf(text(answer, "sid")),
  refusalOf(answer) {
    const error = text(answer, "message");
    const code = text(answer, "code");
    if (error === undefined) return undefined;
    if (code === undefined) return { error };
    return { error: `${error} (error ${code})`, later: LATER.has(code) };
  },
  search: {
    // Not by `DateSent`: what waits in Twilio's queue has none.
    path: ({ path, body }) => ({
      path,
      query: new URLSearchParams({
        To: String(body.To),
        From: String(body.From),
        // The most; the newest come first.
        PageSize: "1000",
      }).toString(),
    }),
    found: (answer) =>
      list(answer, "messages").map((each) => ({
        id: sidOf(text(each, "sid")),
        text: text(each, "body")?.replace(TRIAL, ""),
        at: text(each, "date_created"),
      })),
  },
};

/** An SMS or WhatsApp message to whoever wrote, from the number that was written to. */
export function reply(payload: unknown, said: string): ReplyCall | undefined {
  if (!sidOf(first(text(payload, "MessageSid"), text(payload, "SmsSid")))) return undefined;
  if (messageStatus(payload) !== "received") return undefined;
  // STOP, START and HELP are answered by Twilio itself, and after a STOP it refuses all others.
  if (text(payload, "OptOutType") !== undefined) return undefined;
  const person = text(payload, "From");
  const ours = text(payload, "To");
  const to = placeOf(ours, person);
  if (!to) return undefined;
  const account = text(payload, "AccountSid");
  if (account !== undefined && !/^AC[0-9a-fA-F]{32}$/.test(account)) return undefined;
  return { to, path: "/Messages.json", body: { To: person, From: ours, Body: said }, account };
}

/** Of a message that we have sent: its status, as Twilio reports it. */
export function sentReply(payload: unknown): SentReply | undefined {
  const id = sidOf(first(text(payload, "MessageSid"), text(payload, "SmsSid")));
  const status = messageStatus(payload);
  if (id === undefined || status === "received") return undefined;
  const to = placeOf(text(payload, "From"), text(payload, "To"));
  return { id, to, ...(status && FAILURES.has(status) && { failure: failureOf(payload, status) }) };
}

/** How a message ends that nobody got (twilio.com/docs/messaging/api/message-resource). */
const FAILURES = new Set(["failed", "undelivered"]);

/** What a code says to whoever meets it for the first time (twilio.com/docs/api/errors). */
const WORDS: Readonly<Record<string, string>> = {
  "14107": "too many between these two numbers within 30 seconds",
  "21610": "the person has unsubscribed",
  "30003": "the telephone cannot be reached",
  "30005": "there is no such number any more",
  "30006": "a landline, or a network that takes none",
  "30007": "filtered by the network",
  "63016": "WhatsApp takes free text only within 24 hours of the person's last message",
};

function failureOf(payload: unknown, status: string): string {
  const code = text(payload, "ErrorCode");
  const said = `Twilio took it, and then says: ${status}`;
  if (!code || !/^\d{1,6}$/.test(code)) return said;
  return `${said} (error ${code}${Object.hasOwn(WORDS, code) ? `: ${WORDS[code]}` : ""})`;
}

/** A person's number is whole (E.164), ours may be a short code; both are of one kind. */
function placeOf(ours: string | undefined, person: string | undefined): string | undefined {
  const [, whatsapp = "", number] = /^(whatsapp:)?(\+[1-9]\d{6,14})$/.exec(person ?? "") ?? [];
  const [, alike = "", own] = /^(whatsapp:)?(\+[1-9]\d{6,14}|\d{3,8})$/.exec(ours ?? "") ?? [];
  if (!number || !own || whatsapp !== alike || number === own) return undefined;
  return `${whatsapp ? "WhatsApp" : "SMS"} to ${number} from ${own}`;
}

/** Twilio's: two letters and 32 hex digits; our own samples' are shorter. */
function sidOf(sid: string | undefined): string | undefined {
  return sid && /^[A-Z]{2}[0-9A-Za-z]{4,40}$/.test(sid) ? sid : undefined;
}
