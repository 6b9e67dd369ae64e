import { describe, it } from "@std/testing/bdd";
import { createHmac } from "node:crypto";
import { diagnose } from "../../sources/diagnosis/diagnosis.ts";
import { recogniseSender } from "../../sources/diagnosis/fingerprint.ts";
import { extractAlerts } from "../../sources/kit/alerts.ts";
import { facts } from "../../sources/kit/json_path.ts";
import { layOutJson } from "../../sources/kit/json_layout.ts";
import { oneLine, wholeText } from "../../sources/kit/line.ts";
import { parseMultipart } from "../../sources/kit/body/multipart.ts";
import { formFields } from "../../sources/kit/body/form.ts";
import { parsePayload } from "../../sources/kit/payload.ts";
import { readQuery } from "../../sources/kit/query.ts";
import { rewrittenBodies } from "../../sources/kit/rewritten.ts";
import { withoutTags } from "../../sources/kit/to_description.ts";
import * as generic from "../../sources/generic.ts";
import { sources } from "../../sources/mod.ts";
import { heldBackBy } from "../../sources/rules/filter.ts";
import { matchesGlob } from "../../sources/rules/glob.ts";
import { valuesAt } from "../../sources/rules/path_expression.ts";
import { fillTemplate } from "../../sources/rules/template.ts";
import { checkJwt, checkScheme, credentials } from "../../sources/signature/signature.ts";
import type { Incoming, Source } from "../../sources/source.ts";
import { request } from "../sources/request.ts";
import { readEvents } from "../../lib/agent/mcp/events.ts";
import { assertLinear, type Reader, reader } from "./measure.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
/** A text of so many characters, of a part again and again. */
const filled = (part: string, size: number) => part.repeat(Math.ceil(size / part.length));
const json = (value: unknown) => bytes(JSON.stringify(value));
/** What is written anew when a signature is wrong has at most so many bytes. */
const MOST_REFUSED = 64 * 1024;
/** A header or a URL that the server lets in has no more, and a request no more headers than 100. */
const MOST_HEADER = 64 * 1024;
const FORM = "application/x-www-form-urlencoded";
const MULTIPART = "multipart/form-data; boundary=b";
const scheme = {
  header: "X-Signature",
  separator: ",",
  prefix: "v1=",
  encoding: "hex",
  signed: "{time}.{body}",
  time: { prefix: "t=" },
} as const;

const bodies: Reader[] = [
  ...[
    ["digits in a text", (size: number) => `["[${filled("9", size)}x"]`],
    ["long numbers", (size: number) => `[${filled("12345678901234567,", size)}1]`],
    [
      "long numbers behind quotes",
      (size: number) => `["",${filled('12345678901234567,"\\"",', size)}1]`,
    ],
    ["open brackets", (size: number) => filled("[", size)],
    ["quotation marks", (size: number) => filled('"', size)],
  ].map(([name, make]) =>
    reader({
      name: `parsing JSON with ${name}`,
      worst: (size) => bytes((make as (size: number) => string)(size)),
      read(body) {
        try {
          return parsePayload(body);
        } catch {
          // Refused, which is an answer too.
        }
      },
    })
  ),
  reader({
    name: "parsing a form",
    worst: (size) => bytes(filled("a%=%&", size)),
    read: formFields,
    most: 40_000,
  }),
  ...[
    ["parts without an end", (size: number) => `--b\r\n${filled("a: b\r\n", size)}`],
    ["almost its boundary", (size: number) => `--b\r\n\r\n${filled("\r\n--", size)}`],
    [
      "a head of spaces",
      (size: number) => `--b\r\ncontent-disposition:${filled("\r\n ", size)}\r\n\r\n\r\n--b--`,
    ],
    [
      "a head of semicolons",
      (size: number) =>
        `--b\r\ncontent-disposition: form-data${filled('; name="', size)}\r\n\r\n\r\n--b--`,
    ],
    [
      "parameters without a value",
      (size: number) =>
        `--b\r\ncontent-disposition: form-data${filled("; name ", size)}\r\n\r\n\r\n--b--`,
    ],
  ].map(([name, make]) =>
    reader({
      name: `parsing a multipart form with ${name}`,
      worst: (size) => bytes((make as (size: number) => string)(size)),
      read: (body) => parseMultipart(body, MULTIPART),
    })
  ),
  reader({
    name: "parsing a multipart form of many parts",
    worst: (size) =>
      bytes(
        filled("--b\r\ncontent-disposition: form-data; name=a\r\n\r\nb\r\n", 50 * size) + "--b--",
      ),
    read: (body) => parseMultipart(body, MULTIPART),
    most: 9_000,
  }),
  reader({
    name: "looking for a boundary",
    worst: (size) => `multipart/form-data${filled("; boundary ", size)}`,
    read: (type) => parseMultipart(bytes("--b"), type),
    most: MOST_HEADER,
  }),
];

const texts: Reader[] = [
  ...["\u0301\u0316", " ", "\u200d", "\u202e", "👩‍", "\u0000", "\ud800"].map((part) =>
    reader({
      name: `making one line of ${JSON.stringify(part)}`,
      worst: (size) => filled(part, size),
      read: (text) => [oneLine(text), wholeText(text), facts({ text })],
    })
  ),
  ...["<", "<a", "&amp", "<a>"].map((part) =>
    reader({
      name: `taking the tags out of ${part}`,
      worst: (size) => filled(part, size),
      read: withoutTags,
    })
  ),
  reader({
    name: "laying out JSON that nests deep",
    worst: (size) => {
      const depth = Math.floor(size / 100);
      return JSON.parse(`${"[".repeat(depth)}${filled("1,", size)}1${"]".repeat(depth)}`);
    },
    read: (value) => layOutJson(value),
    most: 400_000,
  }),
];

const refused: Reader[] = [
  ...[
    ["line breaks before an x", (size: number) => `${filled("\n", size)}x`],
    ["pairs of them", (size: number) => `${filled("\r\n", size)}x`],
    ["quotation marks", (size: number) => JSON.stringify(filled('"', size / 2))],
    ["commas", (size: number) => `[${filled("1,", size)}1]`],
    ["depth", (size: number) => {
      const depth = Math.floor(size / 20);
      return `${"[".repeat(depth)}${filled("1,", size - 2 * depth)}1${"]".repeat(depth)}`;
    }],
  ].map(([name, make]) =>
    reader({
      name: `writing anew a body of ${name}`,
      worst: (size) => bytes((make as (size: number) => string)(size)),
      read: rewrittenBodies,
      most: MOST_REFUSED - 100,
    })
  ),
  reader({
    name: "saying why a signature is wrong",
    worst: (size) =>
      request(`${filled("\n", size)}x`, {
        "x-hub-signature-256": `sha256=${createHmac("sha256", "no").update("x").digest("hex")}`,
        "x-forwarded-host": filled("a,", size),
      }),
    read: (incoming) =>
      diagnose(
        { code: "signature_mismatch", message: "m", hint: "h" },
        incoming,
        { name: "github", source: sources.github },
        { own: ["ours"], variable: "V", all: new Map(), retired: [], sources },
      ),
    most: MOST_REFUSED - 100,
  }),
];

const ALL_TIMES = "1700000000";
const headers: Reader[] = [
  reader({
    name: "recognising a sender by headers",
    worst: (size): [string, string][] =>
      Array.from({ length: size / 10 }, (_, i) => [`x-a${i}`, "b"]),
    read: recogniseSender,
    most: MOST_HEADER,
  }),
  ...["Basic a", "a ", "Bearer ", "a:", " a"].map((part) =>
    reader({
      name: `reading an Authorization header of ${JSON.stringify(part)}`,
      worst: (size) => filled(part, size),
      read: credentials,
      most: MOST_HEADER,
    })
  ),
  ...["v1=0,", "t=1,", ",", "v1="].map((part) =>
    reader({
      name: `reading a signature's header of ${part}`,
      worst: (size) => request("{}", { [scheme.header]: filled(part, size) + `,t=${ALL_TIMES}` }),
      read: (incoming) => checkScheme(scheme, incoming, ["secret"]),
      most: MOST_HEADER,
    })
  ),
  ...[".", "a.", "e30.", "-"].map((part) =>
    reader({
      name: `reading a token of ${part}`,
      worst: (size) => filled(part, size),
      read: (token) => checkJwt({ header: "authorization", token }, ["secret"], 0),
      most: MOST_HEADER,
    })
  ),
  ...["token&a&", "token=1&", "TOKEN&tOken&", "a=%&"].map((part) =>
    reader({
      name: `reading a query of ${part}`,
      worst: (size) =>
        request("", {}, { method: "GET", url: `https://a.example/?${filled(part, size)}` }),
      read: (incoming) => readQuery({ ...sources.sns, secretNames: ["token"] }, incoming),
      most: MOST_HEADER,
    })
  ),
  ...['"\\"', '"', '\\"', "%", '"a'].map((part) =>
    reader({
      name: `reading a CloudEvent's header of ${part}`,
      worst: (size) => new Headers({ "ce-type": "t", "ce-id": `"${filled(part, size)}` }),
      read: (given) => sources.cloudevents.describe({}, { headers: given }),
      most: MOST_HEADER,
    })
  ),
  ...["@", ":", "[", "%3A", "?", "#"].map((part) =>
    reader({
      name: `reading a URL of ${part}`,
      worst: (size) =>
        request("a=b", {
          "content-type": FORM,
          "x-twilio-signature": "AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
          "x-hubspot-signature": "0".repeat(64),
        }, { url: `https://a${filled(part, size)}` }),
      read: (incoming) =>
        Promise.all(
          [sources.twilio, sources.hubspot].map((source) => source.verify(incoming, ["secret"])),
        ),
      most: MOST_HEADER,
    })
  ),
];

const rules: Reader[] = [
  reader({
    name: "matching a pattern of stars",
    worst: (size) => filled("a", size),
    read: (text) => matchesGlob("*a*a*a*ab", text),
  }),
  reader({
    name: "filtering by all values of nested lists",
    worst: (size) => ({ a: Array.from({ length: size / 10 }, () => ({ b: ["x", "y", "z"] })) }),
    read: (payload) => heldBackBy({ any: [{ path: "a[*].b[*]", glob: "*q*" }] }, { payload }),
    most: 40_000,
  }),
  reader({
    name: "looking into lists of lists",
    worst: (size) => Array.from({ length: size / 100 }, () => Array(100).fill([1])),
    read: (payload) => valuesAt("[*][*][*]", { payload }),
  }),
  reader({
    name: "filling a template",
    worst: (size) => ({ a: filled("{a}", size), b: filled(" ", size) }),
    read: (payload) => fillTemplate("{a}{b|none}{a}", { payload }),
  }),
];

/** Payloads that make a source walk, join, sort and compare whatever it looks at. */
const PAYLOADS: [name: string, make: (size: number) => unknown][] = [
  ["many events", (size) => Array.from({ length: size / 50 }, (_, i) => ({ ...ALIKE, id: i }))],
  ["long texts", (size) => {
    const long = filled("a_.B\u0301 ", size / LISTS.length);
    return Object.fromEntries([...LISTS, ...TEXTS].map((name) => [name, long]));
  }],
  ["long lists", (size) =>
    Object.fromEntries(LISTS.map((name) => [
      name,
      Array.from({ length: size / 50 / LISTS.length }, (_, i) => ({ ...ALIKE, id: `${i}` })),
    ]))],
];
const ALIKE = { source: "s", type: "t", status: "firing", fingerprint: "f", startsAt: "now" };
const LISTS = ["alerts", "commits", "entry", "events", "items", "labels", "links", "value", "data"];
const TEXTS = [
  "action",
  "event",
  "event_type",
  "message",
  "object",
  "text",
  "title",
  "type",
  "url",
];

const senders: Reader[] = [
  ...Object.entries<Source>(sources).flatMap(([name, source]) =>
    PAYLOADS.map(([what, make]) =>
      reader({
        name: `describing ${what} as ${name}`,
        worst: (size): [Incoming, unknown] => {
          const payload = make(size);
          return [request(json(payload), { "content-type": "application/json" }), payload];
        },
        read([incoming, payload]) {
          source.describe(payload, { headers: incoming.headers });
          // Anew each time: what was parsed of a request is kept with it.
          return source.deliveryId?.({ ...incoming });
        },
        most: 200_000,
      })
    )
  ),
  reader({
    name: "telling Meta's updates apart",
    worst: (size) =>
      json({
        entry: [{
          id: filled("x", size),
          messaging: Array.from({ length: size / 200 }, (_, at) => ({ at })),
        }],
      }),
    read: (body) => sources.meta.deliveryId(request(body)),
    most: 200_000,
  }),
  reader({
    name: "finding alerts",
    worst: (size) => ({ alerts: Array.from({ length: size / 10 }, (_, at) => ({ ...ALIKE, at })) }),
    read: extractAlerts,
  }),
];

/** What the generic reader opens: texts that are almost JSON, XML, a form or a table. */
const opened: Reader[] = [
  ["elements", (size: number) => filled("<a>", size)],
  ["attributes", (size: number) => `<a ${filled("b=' ", size)}`],
  ["attributes in order", (size: number) => `<a ${filled("b='c' ", size)}/>`],
  ["quotation marks in tags", (size: number) => filled(`<a "`, size)],
  ["comments", (size: number) => `<a>${filled("<!--", size)}`],
  ["CDATA", (size: number) => `<a>${filled("<![CDATA[", size)}`],
  ["closing tags", (size: number) => `<a>${filled("</b>", size)}`],
  ["elements of one name", (size: number) => `<a>${filled("<b>1</b>", size)}`],
  ["entities", (size: number) => `<a>${filled("&#1;&", size)}`],
  ["raw line breaks in JSON", (size: number) => `{"a":"${filled("\n", size)}"}`],
  ["lines of JSON", (size: number) => filled('{"a":1}\n', size)],
  ["broken lines of JSON", (size: number) => `${filled('{"a":1}\n', size)}{`],
  ["a form without its type", (size: number) => filled("a=b&", size)],
  ["a table", (size: number) => `a,b\n${filled("1,2\n", size)}`],
  ["a table of one row", (size: number) => `${filled("a,", size)}\n${filled("1,", size)}`],
  ["spaces", (size: number) => `x${filled(" ", size)}x`],
].map(([name, make]) =>
  reader({
    name: `opening a text of ${name}`,
    worst: (size) => ({ raw_body: (make as (size: number) => string)(size) }),
    read: (payload) => generic.describe(payload),
  })
);
opened.push(
  reader({
    name: "opening JSON in JSON",
    worst: (size) => {
      let text = "{}";
      while (text.length < size / 4) text = JSON.stringify({ a: text, b: text });
      return { a: text };
    },
    read: (payload) => generic.describe(payload),
    most: 100_000,
  }),
  reader({
    name: "opening base64",
    worst: (size) => ({ message: { data: btoa(filled("[1]", size)), messageId: "1" } }),
    read: (payload) => generic.describe(payload),
  }),
  reader({
    name: "making objects of keys with brackets",
    worst: (size) =>
      Object.fromEntries(
        Array.from({ length: size / 20 }, (_, at) => [`a[${filled("b][", 30)}${at}]`, "c"]),
      ),
    read: (payload) => generic.describe(payload),
    most: 100_000,
  }),
  reader({
    name: "reading a key of brackets",
    worst: (size) => ({ [`a[${filled("][", size)}]`]: "c" }),
    read: (payload) => generic.describe(payload),
  }),
  reader({
    name: "reading capitals in a key",
    worst: (size) => ({ [filled("Ab", size)]: "c" }),
    read: (payload) => generic.describe(payload),
  }),
  ...PAYLOADS.map(([what, make]) =>
    reader({
      name: `describing ${what} of nobody we know`,
      worst: make,
      read: (payload) => generic.describe(payload),
    })
  ),
);

const results: Reader[] = [
  reader({
    name: "reading a tool's result in a line of many parts",
    worst: (size) => ["data: [", ...Array(Math.ceil(size / 10)).fill('"12345678"'), "]\n\n"],
    read: (parts) => Array.fromAsync(readEvents(ReadableStream.from(parts))),
  }),
];

for (
  const [what, rows] of Object.entries({
    "a tool server's answer": results,
    "a body": bodies,
    "a sender's text": texts,
    "a refused body": refused,
    "a header or a URL": headers,
    "the operator's rules for a payload": rules,
    "a sender's payload": senders,
    "a stranger's payload": opened,
  })
) {
  describe(`the time for ${what} grows no faster than it:`, () => {
    for (const row of rows) it(row.name, () => assertLinear(row));
  });
}
