import type { Description } from "./description.ts";
import { words } from "./kit/line.ts";
import { at, first, line, list, text } from "./kit/json_path.ts";
import { isSecret } from "./signature/signature.ts";
import { echo, parameter } from "./kit/challenge.ts";
import { batchId, payloadOf, withFields } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import type { DescribeContext, HandshakeReply, Incoming, Verdict } from "./source.ts";
import { eachOnce, titleOfAll, toDescription } from "./kit/to_description.ts";
import { tokenMismatch, tokenMissing, verified } from "./kit/verdict.ts";
import { agreedSubject, idAt, keyOf, roleIn, toSubject } from "./kit/subject/subject_key.ts";
import type { Subject } from "./subject.ts";

export const label = "Microsoft Graph";
export const secretVariable = "MSGRAPH_WEBHOOK_SECRET";
export const troubles = [
  "Subscriptions end after hours or days: renew them by the API when lifecycle events ask for it.",
];
export const setup =
  "The API's subscription: notificationUrl, lifecycleNotificationUrl and clientState";
export const proof = "`clientState` in every item of the body; nothing is signed";

const FIELD = "clientState";

/** Every item repeats the `clientState` that we gave to the subscription (learn.microsoft.com, "Receive change notifications through webhooks"). */
export async function verify(request: Incoming, secrets: readonly string[]): Promise<Verdict> {
  const items = list(payloadOf(request), "value");
  if (items.length === 0 || items.some((item) => text(item, FIELD) === undefined)) {
    return tokenMissing(
      FIELD,
      `Give the subscription a clientState, and set ${secretVariable} to it.`,
    );
  }
  let matches = true;
  for (const item of items) if (!await isSecret(text(item, FIELD), secrets)) matches = false;
  return matches
    ? verified
    : tokenMismatch(FIELD, `Set ${secretVariable} to the subscription's clientState.`);
}

/** Puts the `clientState` into each item, as Graph does. */
export function prove(request: Incoming, secret: string): Promise<Incoming> {
  const items = list(payloadOf(request), "value");
  const value = (items.length > 0 ? items : [{}])
    .map((item) => ({ ...item as object, [FIELD]: secret }));
  return Promise.resolve(withFields(request, { value }));
}

/** Graph's token is a sentence, such as `Validation: Testing client application reachability …`. */
const VALIDATION = /^[\x20-\x7e]{1,2000}$/;

/** Answers the token, unsigned, by which Graph checks that the URL works. */
export function probe({ method, url }: Incoming): HandshakeReply | undefined {
  const token = method === "POST" ? parameter(url, "validationToken") : undefined;
  return token === undefined ? undefined : echo(token, VALIDATION);
}

/** 202 is Graph's status for "kept, to be processed later". */
export function answer(): HandshakeReply {
  return { status: 202 };
}

/** A batch is known by its changes. */
export function deliveryId(request: Incoming): string | undefined {
  return batchId(itemsOf(payloadOf(request)).map(deliveryKey));
}

/** A batch is the same in any order. */
export const changesOnRetry: readonly string[] = [];

/** Says which resource changed, and how many more. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const items = itemsOf(payload);
  const [item] = items;
  const change = first(line(item, "changeType"), line(item, "lifecycleEvent"));
  const kind = line(item, "resourceData", "@odata.type")?.replace(/^#?microsoft\.graph\./i, "");
  return toDescription({ name: "msgraph", label }, payload, context, {
    event: change,
    title: titleOfAll(
      items.length,
      change && words(
        at(item, "lifecycleEvent") === undefined ? undefined : "Subscription",
        kind ?? (at(item, "lifecycleEvent") === undefined ? "Resource" : undefined),
        change,
        line(item, "resource") && `(${line(item, "resource")})`,
      ),
    ),
    fields: {
      resource: line(item, "resource"),
      id: line(item, "resourceData", "id"),
      tenant: line(item, "tenantId"),
      subscription: line(item, "subscriptionId"),
      events: items.length > 1 ? String(items.length) : undefined,
    },
  });
}

export const about = "a resource of one subscription";

/** What a batch is about: one resource. */
export function subject(payload: unknown): Subject | undefined {
  return agreedSubject(
    itemsOf(payload).map((item) =>
      at(item, "lifecycleEvent") !== undefined ? undefined : toSubject(
        keyOf`${idAt(item, "subscriptionId")}:${idAt(item, "resource")}`,
        {
          role: roleIn(
            { opens: ["created"], continues: ["updated"], closes: ["deleted"] },
            line(item, "changeType"),
          ),
        },
      )
    ),
  );
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("created", {
    value: [{
      id: "SAMPLE",
      subscriptionId: "s1",
      changeType: "created",
      tenantId: "t1",
      resource: "users/ada/messages/1",
      resourceData: { "@odata.type": "#Microsoft.Graph.Message", id: "1" },
    }],
  }),
];

function itemsOf(payload: unknown): unknown[] {
  return eachOnce(list(payload, "value"), deliveryKey);
}

function deliveryKey(item: unknown): string | undefined {
  const id = text(item, "id");
  if (id) return id;
  const parts = [
    text(item, "subscriptionId"),
    text(item, "resource"),
    first(text(item, "changeType"), text(item, "lifecycleEvent")),
    text(item, "resourceData", "@odata.etag"),
  ];
  // Without an etag the next change of the same resource would look like this one.
  return parts[0] && parts[3] && parts.join("|");
}
