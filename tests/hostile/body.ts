import { Buffer } from "node:buffer";
import { gzipSync } from "node:zlib";
import { bytes, type Case, github, head, newDelivery, post } from "./case.ts";

const MIB = 1024 * 1024;

/** A body that is correctly signed: it is kept byte for byte, whatever it is. */
function kept(
  number: number,
  what: string,
  body: string | Uint8Array,
  headers: readonly string[] = [],
): Case {
  const content = typeof body === "string" ? bytes(body) : body;
  return {
    number,
    what,
    pieces: github(content, { headers }),
    expected: 200,
    kept: content,
  };
}

const utf16 = (text: string) => new Uint8Array(Buffer.from(`\ufeff${text}`, "utf16le"));
/** A megabyte of zeros is one kilobyte of gzip; whoever inflates it all takes it all. */
const BOMB = new Uint8Array(gzipSync(Buffer.alloc(64 * MIB)));

/** C and D. What a correctly signed request carries. */
export const BODIES: readonly Case[] = [
  {
    number: 40,
    what: "exactly the cap",
    pieces: post("/webhook/demo", " ".repeat(MIB - 2) + "{}"),
    expected: 200,
    kept: bytes(" ".repeat(MIB - 2) + "{}"),
  },
  {
    number: 40,
    what: "one byte over the cap",
    pieces: post("/webhook/demo", " ".repeat(MIB - 1) + "{}"),
    expected: 413,
  },
  kept(41, "an empty body", ""),
  kept(42, "a gzip bomb", BOMB, ["Content-Encoding: gzip"]),
  kept(43, "JSON that calls itself XML", '{"a":1}', ["Content-Type: text/xml"]),
  kept(
    44,
    "a form's files as JSON",
    '{"files":[{"filepath":"/etc/passwd"}],"data":{}}',
    ["Content-Type: multipart/form-data; boundary=x"],
  ),
  kept(45, "a form with a payload field", "payload=%7B%22a%22%3A1%7D", [
    "Content-Type: application/x-www-form-urlencoded",
  ]),
  kept(
    46,
    "XML with an entity of the file system",
    '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
    ["Content-Type: application/xml"],
  ),
  kept(47, "a byte order mark", "\ufeff{}"),
  kept(48, "UTF-16", utf16('{"a":1}')),
  kept(
    49,
    "bytes that are no UTF-8",
    new Uint8Array([...bytes('{"a":"'), 0xff, 0xc0, ...bytes('"}')]),
  ),
  kept(50, "a key twice", '{"a":1,"a":2}'),
  kept(51, "an integer beyond 2^53", '{"id":9007199254740993}'),
  kept(52, "a number beyond all numbers", '{"n":1e400}'),
  kept(
    53,
    "300 numbers of 131,071 digits each",
    `[${new Array(300).fill("1e131071").join(",")}]`,
  ),
  kept(54, "more digits than PostgreSQL has", '{"n":1e131073}'),
  kept(54, "a number next to nothing", '{"n":1e-20000}'),
  ...[1_000, 100_000, 1_000_000].map((depth) =>
    kept(55, `nested ${depth} deep`, "[".repeat(depth) + "]".repeat(depth))
  ),
  kept(
    56,
    "300,000 keys",
    JSON.stringify(
      Object.fromEntries(
        Array.from({ length: 300_000 }, (_, at) => [`k${at}`, at]),
      ),
    ),
  ),
  kept(56, "a key of a megabyte", JSON.stringify({ ["k".repeat(MIB)]: 1 })),
  kept(57, "__proto__", '{"__proto__":{"isAdmin":true},"action":"opened"}'),
  kept(
    57,
    "constructor.prototype",
    '{"constructor":{"prototype":{"isAdmin":true}}}',
  ),
  ...["NaN", "[Infinity]", '{"a":1,}', "{'a':1}", '{"a":1} // why'].map((
    text,
  ) => kept(58, `no JSON: ${text}`, text)),
  ...["null", '"x"', "1", "[]", "false"].map((text) => kept(59, `only ${text}`, text)),
  kept(60, "two documents", '{"a":1}{"b":2}'),
  kept(61, "a megabyte of spaces", " ".repeat(MIB)),
  kept(61, "a megabyte of [", "[".repeat(MIB)),
  kept(
    62,
    "keys that objects have",
    '{"toJSON":1,"then":{"a":1},"length":-1,"hasOwnProperty":0,"__defineGetter__":null}',
  ),
  kept(
    63,
    "wrong types everywhere",
    '{"action":{},"id":[],"sender":"x","repository":7,"commits":{}}',
  ),
  ...["+275760-09-13T00:00:00.001Z", "0000-00-00", "NaN"].map((time) =>
    kept(
      64,
      `the time ${time}`,
      JSON.stringify({ created_at: time, timestamp: time }),
    )
  ),

  kept(65, "NUL in a value and a key", '{"a\\u0000b":"c\\u0000d"}'),
  kept(65, "NUL itself", '{"a":"\0"}'),
  {
    number: 65,
    what: "NUL in a delivery id",
    pieces: github("{}", { id: "a\0b" }),
    expected: 400,
  },
  kept(66, "an escaped NUL", '{"a":"\\\\u0000"}'),
  kept(67, "half a surrogate pair", '{"a":"\\ud800","b":"\\udc00"}'),
  kept(
    68,
    "emoji where texts are cut",
    JSON.stringify({ title: "📞".repeat(120), action: "📞".repeat(300) }),
  ),
  {
    number: 69,
    what: "a delivery id of 8 KiB",
    pieces: github('{"n":69}', {
      id: `${newDelivery()}${"x".repeat(8 * 1024)}`,
    }),
    expected: 200,
    kept: bytes('{"n":69}'),
  },
  {
    number: 70,
    what: "an empty delivery id",
    pieces: github('{"n":70}', { id: "" }),
    expected: 200,
    kept: bytes('{"n":70}'),
  },
  {
    number: 70,
    what: "no delivery id",
    pieces: github('{"n":71}', { id: null }),
    expected: 200,
    kept: bytes('{"n":71}'),
  },
  {
    number: 70,
    what: "a delivery id of a megabyte",
    pieces: github('{"n":72}', { id: "x".repeat(MIB) }),
    expected: 431,
    onDeno: [[400, 431], "Deno's server refuses it before us"],
  },
  {
    number: 70,
    what: "a delivery id of two lines",
    pieces: github('{"n":73}', { id: "a\r\n b" }),
    expected: 400,
  },
  ...["'; DROP TABLE messages; --", "$1", "%s", "\\", "' or 1=1", "{{7*7}}"]
    .map((text) => ({
      ...kept(
        71,
        `the text ${text}`,
        JSON.stringify({ title: text, action: text }),
      ),
      pieces: github(JSON.stringify({ title: text, action: text }), {
        id: `${newDelivery()} ${text}`,
      }),
    })),
  kept(
    72,
    "numbers where columns are integers",
    '{"number":3000000000,"commits":1.5,"id":-1}',
  ),
  {
    number: 73,
    what: "60 MB",
    pieces: [
      head("POST /webhook/github HTTP/1.1", [`Content-Length: ${60 * MIB}`]),
      '{"a":"',
    ],
    expected: 413,
  },
];
