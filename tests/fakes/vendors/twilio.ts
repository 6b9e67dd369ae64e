import { keep, timeOf, type Vendor } from "./vendor.ts";

export const ACCOUNT = `AC${"1".repeat(32)}`;
export const KEY = `SK${"2".repeat(32)}`;
export const API_SECRET = "twilio-api-secret-4711";
/** Whoever has written STOP. */
export const UNSUBSCRIBED = "+4915199999999";

const MESSAGES = `/2010-04-01/Accounts/${ACCOUNT}/Messages.json`;

export const sidOf = (id: number) => `SM${String(id).padStart(32, "0")}`;

/**
 * twilio.com/docs/messaging/api/message-resource, asked with a Standard key: it lets nobody read the
 * account itself (twilio.com/docs/iam/api-keys). There is no idempotency key.
 */
export const twilio: Vendor = (request, said) => {
  const { method, path, query, headers, body, isForm } = request;
  const refuse = (status: number, code: number, message: string) =>
    [status, {
      code,
      message,
      more_info: `https://www.twilio.com/docs/errors/${code}`,
      status,
    }] as [
      number,
      Record<string, unknown>,
    ];
  const isOurs = headers.get("authorization") === `Basic ${btoa(`${KEY}:${API_SECRET}`)}`;
  if (!isOurs || path === `/2010-04-01/Accounts/${ACCOUNT}.json`) {
    return refuse(401, 20003, "Authenticate");
  }
  if (path !== MESSAGES) return refuse(404, 20404, `The requested resource ${path} was not found`);
  if (method === "GET") {
    const to = query.get("To");
    const from = query.get("From");
    // All are queued yet, so that none was sent at any date.
    const isDated = [...query.keys()].some((name) => name.startsWith("DateSent"));
    const messages = said.map((each, index) => ({ each, sid: sidOf(index + 1) }))
      .filter(({ each: { body } }) =>
        !isDated && (to === null || body.To === to) && (from === null || body.From === from)
      )
      .map(({ each, sid }) => ({
        sid,
        body: each.body.Body,
        date_created: new Date(timeOf(each)).toUTCString(),
        date_sent: null,
      }))
      .reverse();
    return [200, { messages: messages.slice(0, Number(query.get("PageSize") ?? 50)) }];
  }
  if (!isForm) return refuse(400, 21604, "A 'To' phone number is required.");
  const { To, From, Body } = body;
  const number = /^(whatsapp:)?\+[1-9]\d{6,14}$/;
  if (!number.test(To ?? "")) return refuse(400, 21211, `Invalid 'To' Phone Number: ${To}`);
  if (!/^(whatsapp:)?(\+[1-9]\d{6,14}|\d{3,8})$/.test(From ?? "")) {
    return refuse(400, 21212, `Invalid From Number: ${From}`);
  }
  if (To === From) return refuse(400, 21266, "'To' and 'From' number cannot be the same");
  if (To.startsWith("whatsapp:") !== From.startsWith("whatsapp:")) {
    return refuse(400, 21910, "Invalid From and To pair");
  }
  if (!Body) return refuse(400, 21602, "Message body is required.");
  if (Body.length > 1600) {
    return refuse(400, 21617, "The concatenated message body exceeds the 1600 character limit.");
  }
  if (To === UNSUBSCRIBED) {
    return refuse(400, 21610, "Attempt to send to unsubscribed recipient");
  }
  const sid = sidOf(keep(request, said));
  return [201, { sid, status: "queued", to: To, from: From, body: Body }];
};
