import type { Description } from "./description.ts";
import { oneLine, words } from "./kit/line.ts";
import { mediaType, parsePayload } from "./kit/payload.ts";
import { at, first, line, text, whole } from "./kit/json_path.ts";
import { decodeBase64 } from "./signature/signature.ts";
import { batchId, payloadOf, usableId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import type { DescribeContext, HandshakeReply, Incoming, SourceSecrets } from "./source.ts";
import { eachOnce, titleOfAll, toDescription } from "./kit/to_description.ts";
import { provenBy } from "./kit/token.ts";
import { agreedSubject, idAt, keyOf, timeAt, toSubject } from "./kit/subject/subject_key.ts";
import type { Subject } from "./subject.ts";

export const label = "CloudEvents";
export const secretVariable = "CLOUDEVENTS_WEBHOOK_SECRET";
export const setup = "The subscription's sink: URL, with Authorization: Bearer or ?access_token=";

/** The core specification signs nothing; its webhook page has a bearer token (cloudevents/spec, http-webhook.md). */
export const { verify, sign, proof, secretNames } = provenBy(
  { authorization: true, parameters: ["access_token"] },
  { variable: secretVariable, is: "the token that the sender shows" },
);

/** An origin is a host name, of 253 characters at most: anything else is not repeated in the answer. */
const ORIGIN = /^[\w.:/-]{1,253}$/;

/** Answers the question whether events may come here (http-webhook.md, "Abuse Protection"). */
export async function probe(
  request: Incoming,
  { secrets }: SourceSecrets,
): Promise<HandshakeReply | undefined> {
  const { method, headers } = request;
  const origin = headers.get("webhook-request-origin");
  if (method !== "OPTIONS" || !origin || !ORIGIN.test(origin)) return undefined;
  if (secrets.length > 0 && !(await verify(request, secrets)).ok) {
    return {
      status: 401,
      contentType: "text/plain; charset=utf-8",
      body: "Show the token that is set here, as each event does",
    };
  }
  return {
    status: 200,
    headers: {
      "allow": "POST",
      "webhook-allowed-origin": origin,
      ...headers.has("webhook-request-rate") ? { "webhook-allowed-rate": "*" } : {},
    },
  };
}

/** Source and id, together unique for an event; a batch is known by all of them. */
export function deliveryId(request: Incoming): string | undefined {
  const keys = eachOnce(eventsOf(payloadOf(request), request.headers), deliveryKey).map(
    deliveryKey,
  );
  return keys.length === 1 ? usableId(keys[0]) : batchId(keys);
}

/** "Consumers MAY assume that Events with identical source and id are duplicates" (CloudEvents 1.0, `id`). */
export const changesOnRetry = "anything";

/** Says what happened, from structured, binary and batched events (http-protocol-binding.md). */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const events = eachOnce(eventsOf(payload, context?.headers), deliveryKey);
  const [event] = events;
  const data = dataOf(event);
  const hint = first(
    line(data, "title"),
    line(data, "name"),
    line(data, "message"),
    line(data, "id"),
    line(data, "raw_body"),
    line([data], 0),
  );
  const type = line(event, "type");
  return toDescription({ name: "cloudevents", label }, payload, context, {
    event: type,
    title: titleOfAll(
      events.length,
      type && words(
        type,
        line(event, "subject"),
        hint && `(${hint})`,
        ["from", line(event, "source")],
      ),
    ),
    links: [at(data, "html_url"), at(data, "url"), at(event, "source")],
    actor: first(line(data, "user", "name"), line(data, "actor", "name")),
    fields: {
      source: line(event, "source"),
      subject: line(event, "subject"),
      time: line(event, "time"),
      id: line(event, "id"),
      events: events.length > 1 ? String(events.length) : undefined,
    },
    text: first(whole(data, "message"), whole(data, "description")),
  });
}

export const about = "what an event's `source` and `subject` name";

/** What a batch is about: one subject of one source. */
export function subject(payload: unknown, context?: DescribeContext): Subject | undefined {
  return agreedSubject(
    eventsOf(payload, context?.headers).map((event) =>
      toSubject(keyOf`${idAt(event, "source")}:${idAt(event, "subject")}`, {
        role: "continues",
        name: line(event, "subject"),
        at: timeAt(event, "time"),
      })
    ),
  );
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("com.example.call.ended", {
    specversion: "1.0",
    type: "com.example.call.ended",
    source: "https://phone.example.com/lines/1",
    id: "SAMPLE",
    time: "2026-01-02T03:04:05Z",
    subject: "line 1",
    data: { message: "The caller hung up after 42 s" },
  }, { "content-type": "application/cloudevents+json" }),
];

/**
 * The content type says how the events are written, and comes first: a binary
 * event's attributes are headers, and its body, be it an array, is its data.
 */
function eventsOf(payload: unknown, headers?: Headers): unknown[] {
  const type = mediaType(headers?.get("content-type"));
  if (!headers?.has("ce-type") || type.startsWith("application/cloudevents")) {
    return Array.isArray(payload) ? payload : [payload];
  }
  const event: [string, unknown][] = [];
  for (const [name, value] of headers) {
    if (name.startsWith("ce-")) event.push([name.slice(3), decodeHeader(value)]);
  }
  return [Object.fromEntries([...event, ["data", payload]])];
}

/** An event's data; in JSON, bytes are written as base64. */
function dataOf(event: unknown): unknown {
  const base64 = text(event, "data_base64");
  const bytes = base64 && base64.length <= MAX_BASE64 ? decodeBase64(base64) : undefined;
  if (!bytes) return at(event, "data");
  try {
    return parsePayload(bytes, text(event, "datacontenttype"));
  } catch {
    return undefined;
  }
}

/** Longer data is not decoded: it would be parsed only for a few words in the title. */
const MAX_BASE64 = 64 * 1024;

function deliveryKey(event: unknown): string | undefined {
  const [source, id] = [text(event, "source"), text(event, "id")];
  return source && id && `${source} ${id}`;
}

/**
 * A header's value as the HTTP binding writes it: without the quotes of RFC 9110,
 * percent-decoded once. What is no UTF-8 then stays encoded.
 */
function decodeHeader(value: string): string {
  // One that is not closed is taken to the end, so that no part is looked at twice.
  const bare = value.replace(
    /"((?:[^"\\]|\\.)*)("?)/gs,
    (_, quoted: string, end: string) =>
      end ? quoted.replace(/\\(.)/g, "$1") : quoted.replaceAll('"', ""),
  );
  try {
    return oneLine(decodeURIComponent(bare), 1_000);
  } catch {
    return bare;
  }
}
