import type { Description } from "./description.ts";
import { oneLine, quoted, words } from "./kit/line.ts";
import { batchId, payloadOf } from "./kit/incoming.ts";
import type { DescribeContext, HandshakeReply, Incoming } from "./source.ts";
import { eachOnce, titleOfAll, toDescription } from "./kit/to_description.ts";
import { provenBy } from "./kit/token.ts";
import { child, textIn, type XmlElement, xmlOf } from "./xml/xml.ts";

export const label = "Salesforce";
export const secretVariable = "SALESFORCE_WEBHOOK_SECRET";
export const setup = "Setup → Outbound Messages: endpoint URL with ?token= and the secret, " +
  "without “Send Session ID”; then a flow that sends it";
export const troubles = [
  "The queue at Setup → Outbound Messages shows what has not been acknowledged; it comes again for 24 hours.",
  "The message says a record's fields, not what happened: choose the fields that name it.",
];

/** Salesforce signs no outbound message: a token in the URL proves it. */
export const { verify, prove, proof, secretNames } = provenBy(
  { parameters: ["token"] },
  { variable: secretVariable, is: "the token in the outbound message's endpoint URL" },
);

/** Up to a hundred notifications come in one message; each has an id, the same on every retry (SOAP API Developer Guide, "Understanding notifications"). */
export function deliveryId(request: Incoming): string | undefined {
  return batchId(notificationsIn(payloadOf(request)).map((each) => textIn(each, "Id")));
}

/** The ids of its notifications say which they are; a retry may tell the record as it is by then. */
export const changesOnRetry = "anything";

const ACK = '<?xml version="1.0" encoding="UTF-8"?>' +
  '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>' +
  '<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack>' +
  "</notificationsResponse></soapenv:Body></soapenv:Envelope>";

/** Without this word the message comes again for 24 hours. */
export function answer(): HandshakeReply {
  return { status: 200, contentType: "text/xml; charset=utf-8", body: ACK };
}

/** The fields that name a record, the most telling first. */
const NAMES = ["Name", "Subject", "Title", "LastName", "Email"];
/** The fields that number it. */
const NUMBERS = ["CaseNumber", "OrderNumber", "ContractNumber"];

/** Says which record a flow tells of; an outbound message does not say what happened to it. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const root = xmlOf(payload);
  const notifications = eachOnce(notificationsIn(payload), (each) => textIn(each, "Id"));
  const record = child(notifications[0], "sObject");
  const kind = record?.attributes.type?.split(":").at(-1);
  const values = Object.fromEntries(
    (record?.children ?? []).map(({ name, text }) => [name, oneLine(text)]),
  );
  const name = NAMES.map((field) => values[field]).find((value) => value);
  const number = NUMBERS.map((field) => values[field]).find((value) => value);
  const status = values.Status || values.StageName;
  const message = child(root, "Body", "notifications");
  const { Id: id, ...rest } = values;
  return toDescription({ name: "salesforce", label }, payload, context, {
    event: kind,
    title: titleOfAll(
      notifications.length,
      kind && words(
        "Salesforce",
        kind,
        number,
        quoted(name),
        status && `(${status})`,
        !name && !number && id ? `(${id})` : undefined,
      ),
      "Salesforce notification",
    ),
    links: [recordLink(textIn(message, "EnterpriseUrl"), id)],
    fields: {
      record: id,
      ...Object.fromEntries(Object.entries(rest).slice(0, MOST_FIELDS)),
      organization: textIn(message, "OrganizationId"),
      notifications: notifications.length > 1 ? String(notifications.length) : undefined,
    },
    text: record?.children.find(({ name }) => name === "Description")?.text,
  });
}

/** Small events to try the source with. */
export const samples = [{
  event: "Case",
  headers: { "content-type": "text/xml; charset=utf-8", soapaction: '""' },
  body: '<?xml version="1.0" encoding="UTF-8"?>' +
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"' +
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>' +
    '<notifications xmlns="http://soap.sforce.com/2005/09/outbound">' +
    '<OrganizationId>00D000000000001EAA</OrganizationId><SessionId xsi:nil="true"/>' +
    "<EnterpriseUrl>https://otto.my.salesforce.com/services/Soap/c/60.0/00D</EnterpriseUrl>" +
    "<Notification><Id>04lSAMPLE</Id>" +
    '<sObject xsi:type="sf:Case" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">' +
    "<sf:Id>500000000000001AAA</sf:Id><sf:CaseNumber>00001026</sf:CaseNumber>" +
    "<sf:Status>New</sf:Status><sf:Subject>The line drops &amp; hums</sf:Subject>" +
    "</sObject></Notification></notifications></soapenv:Body></soapenv:Envelope>",
}];

/** An outbound message has the fields that its owner chose, which may be a hundred. */
const MOST_FIELDS = 12;

function notificationsIn(payload: unknown): XmlElement[] {
  const message = child(xmlOf(payload), "Body", "notifications");
  return message?.children.filter(({ name }) => name === "Notification") ?? [];
}

/** Records lie at the organization's own host. */
function recordLink(url: string | undefined, id: string | undefined): string | undefined {
  const host = URL.parse(url ?? "")?.host;
  return host?.endsWith(".salesforce.com") && /^\w{15,18}$/.test(id ?? "")
    ? `https://${host}/${id}`
    : undefined;
}
