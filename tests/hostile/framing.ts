import { assert, assertEquals } from "@std/assert";
import { type Case, get, head, post } from "./case.ts";
import type { Piece } from "./speak.ts";

const POST = "POST /webhook/demo HTTP/1.1";
const MIB = 1024 * 1024;

const framed = (...headers: string[]): Piece[] => [head(POST, headers), "{}"];
const NO_TIMEOUTS =
  "Deno.serve has no timeouts and hands nothing on: a proxy has to (README, on proxies)";

/** A. How a request is framed. */
export const FRAMING: readonly Case[] = [
  ...["abc", "-1", "+2", "2,2"].map((length) => ({
    number: 1,
    what: `Content-Length: ${length}`,
    pieces: framed(`Content-Length: ${length}`),
    expected: 400,
  })),
  {
    number: 2,
    what: "two equal Content-Length",
    pieces: framed("Content-Length: 2", "Content-Length: 2"),
    expected: 400,
  },
  {
    number: 3,
    what: "two different Content-Length",
    pieces: framed("Content-Length: 2", "Content-Length: 3"),
    expected: 400,
  },
  {
    number: 4,
    what: "Content-Length and Transfer-Encoding",
    pieces: [
      head(POST, ["Content-Length: 2", "Transfer-Encoding: chunked"]),
      "2\r\n{}\r\n0\r\n\r\n",
    ],
    expected: 400,
  },
  ...["xchunked", "chunked, identity"].map((encoding) => ({
    number: 5,
    what: `Transfer-Encoding: ${encoding}`,
    pieces: [
      head(POST, [`Transfer-Encoding: ${encoding}`]),
      "2\r\n{}\r\n0\r\n\r\n",
    ],
    expected: 400,
  })),
  {
    number: 6,
    what: "Transfer-Encoding: gzip, chunked",
    pieces: [
      head(POST, ["Transfer-Encoding: gzip, chunked"]),
      "2\r\n{}\r\n0\r\n\r\n",
    ],
    expected: 400,
  },
  {
    number: 7,
    what: "chunked, as it should be",
    pieces: [
      head(POST, ["Transfer-Encoding: chunked"]),
      "2\r\n{}\r\n0\r\n\r\n",
    ],
    expected: 200,
    kept: new TextEncoder().encode("{}"),
  },
  {
    number: 8,
    what: "a chunk size that overflows",
    pieces: [
      head(POST, ["Transfer-Encoding: chunked"]),
      "ffffffffffffffffff\r\n{}\r\n0\r\n\r\n",
    ],
    expected: "closed",
  },
  {
    number: 9,
    what: "a chunk extension of 64 KB",
    pieces: [
      head(POST, ["Transfer-Encoding: chunked"]),
      `2;${"x".repeat(64 * 1024)}\r\n{}\r\n0\r\n\r\n`,
    ],
    expected: [400, 413],
  },
  {
    number: 10,
    what: "Content-Length 10^18, two bytes",
    pieces: framed(`Content-Length: ${"1".padEnd(19, "0")}`),
    expected: 413,
  },
  {
    number: 11,
    what: "Content-Length 10, two bytes, end",
    pieces: [...framed("Content-Length: 10"), "fin"],
    expected: "closed",
  },
  {
    number: 12,
    what: "Content-Length 10, two bytes, silence",
    pieces: framed("Content-Length: 10"),
    expected: 408,
  },
  {
    number: 13,
    what: "one byte of the body every five seconds",
    pieces: [
      head(POST, ["Content-Length: 10"]),
      ..."{}        ".split("").flatMap((b) => [b, 5_000]),
    ],
    expected: 408,
  },
  {
    number: 14,
    what: "half a header, silence",
    pieces: [`${POST}\r\nHost: 127.0.0.1\r\nContent-`],
    expected: [408],
    onDeno: ["silence", NO_TIMEOUTS],
  },
  {
    number: 15,
    what: "one header every five seconds",
    pieces: [
      `${POST}\r\nHost: 127.0.0.1\r\n`,
      ...Array.from({ length: 4 }, (_, at) => [`X-${at}: x\r\n`, 5_000]).flat(),
    ],
    expected: [408],
    onDeno: ["silence", NO_TIMEOUTS],
  },
  {
    number: 17,
    what: "bare LF at the ends of lines",
    pieces: [`${POST}\nHost: 127.0.0.1\nContent-Length: 2\n\n{}`],
    expected: 400,
    onDeno: [200, "Deno's server reads it as RFC 9112 §2.2 lets it"],
  },
  {
    number: 18,
    what: "a space before the colon",
    pieces: framed("Content-Length : 2"),
    expected: 400,
  },
  {
    number: 18,
    what: "a folded header",
    pieces: framed("X-A: a\r\n b", "Content-Length: 2"),
    expected: 400,
  },
  {
    number: 18,
    what: "NUL in a header",
    pieces: framed("X-A: a\0b", "Content-Length: 2"),
    expected: 400,
  },
  {
    number: 19,
    what: "0xFF in a header",
    pieces: framed("X-A: \xff", "Content-Length: 2"),
    // RFC 9110 §5.5 calls such bytes opaque data: they harm nobody and come back as they came.
    expected: [200, 400],
  },
  ...[17, 32, 64, 900].map((kib) => ({
    number: 20,
    what: `one header of ${kib} KiB`,
    pieces: framed(`X-A: ${"a".repeat(kib * 1024)}`, "Content-Length: 2"),
    expected: 431,
    ...(kib >= 64
      ? {
        onDeno: [
          [400, 431],
          "Deno's server refuses these before us",
        ] as Case["onDeno"],
      }
      : {}),
  })),
  {
    number: 20,
    what: "headers of 17 KiB together",
    pieces: framed(
      ...Array.from({ length: 34 }, (_, at) => `X-${at}: ${"a".repeat(505)}`),
      "Content-Length: 2",
    ),
    expected: 431,
  },
  {
    number: 20,
    what: "headers of 15 KiB together",
    pieces: framed(
      ...Array.from({ length: 30 }, (_, at) => `X-${at}: ${"a".repeat(500)}`),
      "Content-Length: 2",
    ),
    expected: 200,
  },
  {
    number: 21,
    what: "101 headers",
    pieces: framed(...Array.from({ length: 99 }, (_, at) => `X-${at}: a`), "Content-Length: 2"),
    expected: 431,
    onDeno: [[400, 431], "Deno's server refuses these before us"],
  },
  {
    number: 21,
    what: "2,000 headers",
    pieces: framed(
      ...Array.from({ length: 2_000 }, (_, at) => `X-${at}: a`),
      "Content-Length: 2",
    ),
    expected: 431,
    onDeno: [[400, 431], "Deno's server refuses these before us"],
  },
  {
    number: 22,
    what: "a URL of 20 KiB",
    pieces: post(`/webhook/demo?x=${"a".repeat(20 * 1024)}`),
    expected: 414,
  },
  {
    number: 22,
    what: "a URL of 64 KiB",
    pieces: post(`/webhook/demo?x=${"a".repeat(64 * 1024)}`),
    expected: 414,
    onDeno: [[400, 414], "Deno's server refuses it before us"],
    onNode: [431, "Node's server counts the URL as a header"],
  },
  {
    number: 23,
    what: "Expect: 100-continue",
    pieces: [
      head(POST, ["Expect: 100-continue", "Content-Length: 2"]),
      300,
      "{}",
    ],
    expected: (said) => {
      assertEquals(said.answers.map(({ status }) => status), [200]);
      assert(said.continued, "no 100 came");
    },
    kept: new TextEncoder().encode("{}"),
  },
  {
    number: 24,
    what: "Expect: 100-continue over the cap",
    pieces: [
      head(POST, ["Expect: 100-continue", `Content-Length: ${2 * MIB}`]),
    ],
    expected: (said) => {
      assertEquals(said.answers.map(({ status }) => status), [413]);
      assert(!said.continued, "it was told to go on");
    },
    onDeno: [413, "Deno's server says 100 before it hands a request on"],
  },
  {
    number: 25,
    what: "Expect: tea",
    pieces: framed("Expect: tea", "Content-Length: 2"),
    expected: 417,
  },
  {
    number: 26,
    what: "three requests at once",
    pieces: [...get("/health"), ...post("/webhook/demo"), ...get("/nowhere")],
    answers: 3,
    expected: ({ answers }) => assertEquals(answers.map(({ status }) => status), [200, 200, 404]),
  },
  {
    number: 27,
    what: "HTTP/1.0 without a Host",
    pieces: [
      head("POST /webhook/demo HTTP/1.0", ["Content-Length: 2"], {
        host: null,
      }),
      "{}",
    ],
    expected: 400,
  },
  {
    number: 27,
    what: "HTTP/1.1 without a Host",
    pieces: [head(POST, ["Content-Length: 2"], { host: null }), "{}"],
    expected: 400,
  },
  {
    number: 27,
    what: "two Hosts",
    pieces: framed("Host: 127.0.0.1", "Host: evil", "Content-Length: 2"),
    expected: 400,
  },
  {
    number: 28,
    what: "HTTP/2 on the plain port",
    pieces: ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 300, "fin"],
    expected: "closed",
    onDeno: [
      ({ raw }) => assertEquals(raw.charCodeAt(3), 4),
      "Deno's server speaks HTTP/2, too",
    ],
  },
  {
    number: 29,
    what: "TLS on the plain port",
    pieces: [new Uint8Array([22, 3, 1, 0, 5, 1, 0, 0, 1, 3, 13, 10, 13, 10])],
    expected: "closed",
  },
  {
    number: 30,
    what: "a request inside another (CL.TE)",
    pieces: [
      head(POST, ["Content-Length: 42", "Transfer-Encoding: chunked"]),
      "0\r\n\r\nGET /api/tasks HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    ],
    expected: ({ answers }) => assertEquals(answers.map(({ status }) => status), [400]),
  },
  {
    number: 30,
    what: "a request inside another (TE.TE)",
    pieces: [
      head(POST, [
        "Transfer-Encoding: chunked",
        "Transfer-Encoding: x",
        "Content-Length: 4",
      ]),
      "0\r\n\r\nGET /api/tasks HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    ],
    expected: ({ answers }) => assertEquals(answers.map(({ status }) => status), [400]),
  },
];
