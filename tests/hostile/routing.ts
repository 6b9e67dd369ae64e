import { assert, assertEquals } from "@std/assert";
import { type Case, get, head, post } from "./case.ts";

const to = (
  path: string,
  number: number,
  expected: Case["expected"],
): Case => ({
  number,
  what: `POST ${path.length > 60 ? `${path.slice(0, 20)}… of ${path.length} bytes` : path}`,
  pieces: post(path),
  expected,
});

/** B. Where a request goes. Webhooks are taken by any well-formed host name; UI and API are not. */
export const ROUTING: readonly Case[] = [
  ...["x/admin?", "x/health?", "evil@x/h?", "x#", "x y", "", "x:y"].map((
    host,
  ) => ({
    number: host.startsWith("x/") ? 31 : 32,
    what: `Host: ${host}`,
    pieces: [head("GET /nowhere HTTP/1.1", [`Host: ${host}`])],
    expected: 400,
  })),
  {
    number: 33,
    what: "another host in the request line of a webhook",
    pieces: [
      head("POST http://evil.example/webhook/demo HTTP/1.1", [
        "Content-Length: 2",
      ]),
      "{}",
    ],
    expected: 421,
  },
  {
    number: 33,
    what: "another host in the request line of the API",
    pieces: get("http://evil.example/api/tasks"),
    expected: 421,
  },
  {
    number: 33,
    what: "our own name in the request line, another one in Host",
    pieces: [
      head("GET http://127.0.0.1/api/tasks HTTP/1.1", ["Host: evil.example"]),
    ],
    expected: 421,
  },
  {
    number: 33,
    what: "our own name in the request line and in Host",
    pieces: get("http://127.0.0.1/api/tasks"),
    expected: 200,
  },
  ...[
    "/webhook/%2e%2e%2fadmin",
    "/webhook/%00",
    "/webhook/%zz",
    "/webhook/..%2fadmin",
  ]
    .map((path) => to(path, 34, 400)),
  // Slips that people make when they copy a URL.
  ...["//webhook/a", "/webhook/a/", "/WEBHOOK/a"].map((path) => to(path, 35, 200)),
  to("/webhook/a;x=1", 35, 400),
  ...["GET", "PUT", "DELETE", "PATCH"].map((method) => ({
    number: 36,
    what: `${method} on a webhook`,
    pieces: [head(`${method} /webhook/demo HTTP/1.1`)],
    expected: ({ answers: [answer] }) => {
      assertEquals(answer.status, 405);
      assertEquals(answer.headers.get("allow"), "POST");
    },
  } satisfies Case)),
  ...["TRACE", "FOO", "CONNECT"].map((method) => ({
    number: 36,
    what: `${method} on a webhook`,
    pieces: [head(`${method} /webhook/demo HTTP/1.1`)],
    // Some of them the runtimes do not hand on.
    expected: ({ answers, closed }) => {
      assert(answers.every(({ status }) => [400, 405, 501].includes(status)));
      assert(answers.length > 0 || closed, "nothing came");
    },
  } satisfies Case)),
  {
    number: 37,
    what: "OPTIONS with an Origin",
    pieces: [head("OPTIONS /webhook/demo HTTP/1.1", [
      "Origin: https://evil.example",
      "Access-Control-Request-Method: POST",
    ])],
    expected: ({ answers: [{ status, headers }] }) => {
      assertEquals(status, 405);
      assert(
        ![...headers.keys()].some((name) => name.startsWith("access-control-")),
      );
    },
  },
  ...[
    "X-HTTP-Method-Override: DELETE",
    "X-Original-URL: /api/tasks",
    "X-Rewrite-URL: /api/tasks",
  ]
    .map((header) => ({
      number: 38,
      what: header,
      pieces: post("/webhook/demo", "{}", [header]),
      expected: 200,
      kept: new TextEncoder().encode("{}"),
    })),
  to("/webhook/__proto__", 39, 200),
  to("/webhook/constructor", 39, 200),
  to(`/webhook/${"a".repeat(10 * 1024)}`, 39, 400),
  to("/webhook/g%D1%96thub", 39, 400),
  to("/webhook/g\xd1\x96thub", 39, 400),
];
