import type { Description } from "./description.ts";
import { capital, quoted, words } from "./kit/line.ts";
import { first, line, text } from "./kit/json_path.ts";
import { bytesOf, decodeHex, equalBytes, prefixed, sha256 } from "./signature/signature.ts";
import { batchId, payloadOf } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { signedBy } from "./kit/signed.ts";
import type { DescribeContext, Incoming, Verdict } from "./source.ts";
import { eachOnce, titleOfAll, toDescription } from "./kit/to_description.ts";
import {
  signatureMalformed,
  signatureMismatch,
  signatureMissing,
  verified,
} from "./kit/verdict.ts";
import {
  agreedSubject,
  idAt,
  keyOf,
  roleIn,
  timeAt,
  toSubject,
} from "./kit/subject/subject_key.ts";
import type { Subject } from "./subject.ts";

export const label = "HubSpot";
export const secretVariable = "HUBSPOT_CLIENT_SECRET";
export const troubles = [
  "A webhook of a workflow is signed with the older X-HubSpot-Signature; both are known.",
];
export const secretIsTheirs = true;
export const setup =
  "The app → Webhooks: target URL (set PUBLIC_URL to its origin); Auth: client secret";
/** A workflow's "Send a webhook" is a POST or a GET. */
export const methods = ["POST", "GET"];

const is = "the app's client secret, and PUBLIC_URL to the origin of the URL that HubSpot calls";
const HEADER = "X-HubSpot-Signature";
const V3 = "X-HubSpot-Signature-v3";

const v3 = signedBy({
  header: V3,
  encoding: "base64",
  signed: "{method}{url}{body}{time}",
  time: { header: "X-HubSpot-Request-Timestamp", unit: "milliseconds" },
}, { variable: secretVariable, is });
export const { sign } = v3;
export const proof =
  `${v3.proof}; without it SHA-256 of the secret and the request in \`${HEADER}\``;

/** The escapes that HubSpot's page says to decode in the URL before signing; its library decodes none. */
const DECODED = /%(?:3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)/gi;
/** The escapes that a newer version of the page says to decode. */
const DECODED_TOO = /%(?:3A|2F|3F|40|21|24|27|28|29|2A|2C|3B|26|3D|2B|22|3E|3C|60)/gi;

/** The ways in which HubSpot may have written the URL that it signed. */
function spellingsOf(url: string): string[] {
  const spellings = [DECODED, DECODED_TOO].map((escapes) =>
    url.replace(escapes, (escape) => decodeURIComponent(escape))
  );
  return [...new Set([url, ...spellings])];
}

async function verifyV3(request: Incoming, secrets: readonly string[]): Promise<Verdict> {
  let verdict = await v3.verify(request, secrets);
  for (const url of spellingsOf(request.url).slice(1)) {
    if (verdict.ok || verdict.code !== "signature_mismatch") break;
    verdict = await v3.verify({ ...request, url }, secrets);
  }
  return verdict;
}

/** HubSpot sends all its versions side by side: the newest there is counts (developers.hubspot.com, "Validating requests"). */
export async function verify(request: Incoming, secrets: readonly string[]): Promise<Verdict> {
  if (request.headers.has(V3)) return await verifyV3(request, secrets);
  const value = request.headers.get(HEADER);
  if (!value) return signatureMissing(V3, `Set ${secretVariable} to ${is}.`);
  const signature = decodeHex(value);
  if (signature?.length !== 32) return signatureMalformed(HEADER, "{64 hexadecimal digits}");
  const version = request.headers.get("x-hubspot-signature-version");
  const starts = [
    // v1 covers the body alone, so it proves nothing of a GET, which says all in its URL.
    ...version === "v2" || request.method === "GET" ? [] : [""],
    ...version === "v1" ? [] : [request.method + request.url],
  ];
  let matches = false;
  for (const secret of secrets) {
    if (secret === "") continue;
    for (const start of starts) {
      const expected = await sha256(bytesOf(prefixed(secret + start, request.body)));
      if (equalBytes(expected, signature)) matches = true;
    }
  }
  return matches ? verified : signatureMismatch(HEADER, `Set ${secretVariable} to ${is}.`);
}

/** All that is signed, however the URL is written. */
export function signedContentKeys({ method, url, body }: Incoming): Uint8Array[] {
  return [bytesOf(prefixed(`${method} ${spellingsOf(url).at(-1)} `, body))];
}

/** A batch is known by its items: an event's id alone is not unique, and the attempt's number changes. */
export function deliveryId(request: Incoming): string | undefined {
  return batchId(itemsOf(payloadOf(request)).map(deliveryKey));
}

export const changesOnRetry = ["attemptNumber"];

/** Says what happened, such as `Deal 123 property change: amount = 100`, and how many more. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const items = itemsOf(payload);
  const [item] = items;
  const type = line(item, "subscriptionType");
  return toDescription({ name: "hubspot", label }, payload, context, {
    event: type,
    title: titleOfAll(items.length, titleOf(item)),
    links: [contactLink(item)],
    actor: line(item, "sourceId")?.replace(/^userId:/, "user "),
    fields: {
      object: line(item, "objectId"),
      property: line(item, "propertyName"),
      value: line(item, "propertyValue"),
      source: line(item, "changeSource"),
      account: line(item, "portalId"),
      events: items.length > 1 ? String(items.length) : undefined,
    },
  });
}

export const about = "a contact, a deal or another object of one portal";

/** What a batch is about: one object. */
export function subject(payload: unknown): Subject | undefined {
  return agreedSubject(itemsOf(payload).map(ofItem));
}

function ofItem(item: unknown): Subject | undefined {
  const [named, did] = line(item, "subscriptionType")?.split(".") ?? [];
  // Newer apps hear of any object under one name, its kind beside it.
  const kind = named === "object" ? idAt(item, "objectTypeId") : idAt([named], 0);
  return toSubject(keyOf`${idAt(item, "portalId")}:${kind}:${idAt(item, "objectId")}`, {
    role: roleIn({
      opens: ["creation"],
      continues: ["propertyChange"],
      closes: ["deletion", "privacyDeletion", "merge"],
    }, did),
    name: named === "object" ? undefined : words(capital(named ?? ""), line(item, "objectId")),
    link: contactLink(item),
    at: timeAt(item, "occurredAt"),
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("deal.propertyChange", [{
    eventId: "SAMPLE",
    subscriptionId: 1,
    subscriptionType: "deal.propertyChange",
    objectId: 123,
    propertyName: "dealstage",
    propertyValue: "closedwon",
    portalId: 62515,
    occurredAt: 1_767_322_645_000,
    attemptNumber: 0,
  }]),
];

function itemsOf(payload: unknown): unknown[] {
  return eachOnce(Array.isArray(payload) ? payload : [payload], deliveryKey);
}

function deliveryKey(item: unknown): string | undefined {
  const parts = ["eventId", "subscriptionId", "objectId", "occurredAt"].map((key) =>
    text(item, key)
  );
  return parts[0] && parts.join("|");
}

function titleOf(item: unknown): string | undefined {
  const type = line(item, "subscriptionType");
  if (!type) return workflowTitle(item);
  const [thing, ...did] = type.split(".");
  const name = thing.toLowerCase();
  const happened = did.join(" ").replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  const changed = line(item, "propertyName");
  const title = words(
    name && name[0].toUpperCase() + name.slice(1),
    line(item, "objectId"),
    happened,
  );
  return changed ? `${title}: ${words(changed, ["=", line(item, "propertyValue")])}` : title;
}

/** A workflow sends the object itself, its properties bare or as `{"value": …}`. */
function workflowTitle(item: unknown): string | undefined {
  const property = (name: string) =>
    first(
      line(item, "properties", name, "value"),
      line(item, "properties", name),
      line(item, name),
    );
  const person = words(property("firstname"), property("lastname")) || undefined;
  const email = property("email");
  const name = first(property("dealname"), property("subject"), property("name"));
  const id = first(line(item, "objectId"), line(item, "vid"), line(item, "hs_object_id"));
  const kind = person || email || line(item, "vid")
    ? "Contact"
    : property("dealname")
    ? "Deal"
    : property("subject")
    ? "Ticket"
    : name && line(item, "objectId")
    ? "Company"
    : undefined;
  if (!kind) return undefined;
  return words(
    "HubSpot workflow:",
    kind,
    first(person, quoted(name)),
    person && email ? `(${email})` : email,
    person || email || name ? undefined : id,
  );
}

function contactLink(item: unknown): string | undefined {
  const [portal, id] = [text(item, "portalId"), text(item, "objectId")];
  const isContact = line(item, "subscriptionType")?.startsWith("contact.");
  return isContact && portal && id && /^\d+\/\d+$/.test(`${portal}/${id}`)
    ? `https://app.hubspot.com/contacts/${portal}/contact/${id}`
    : undefined;
}
