import { Buffer } from "node:buffer";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { createRedactor, redactAll } from "../../lib/redaction/redact.ts";

describe("the redactor", () => {
  const redact = createRedactor(() => ["hunter2-canary", "hunter2-canary-longer", "no", undefined]);

  it("takes out what it knows and what looks like a secret", () => {
    assertEquals(redact("a hunter2-canary b"), "a ••• b");
    assertEquals(redact("hunter2-canary-longer"), "•••");
    assertEquals(redact("no"), "no");
    for (
      const secret of [
        `ghp_${"a1".repeat(18)}`,
        "xoxb-123456789012-abcdef",
        `sk-proj-${"x".repeat(30)}`,
        "AKIAIOSFODNN7EXAMPLE",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
      ]
    ) assertEquals(redact(`it is ${secret}`), "it is •••");
  });

  it("takes out what it knows in base64, too, by itself and inside other base64", () => {
    for (const secret of ["key?>~ü-canary", "hunter2-canary-1", "hunter2-canary-12"]) {
      const known = createRedactor(() => [secret]);
      const bytes = Buffer.from(secret);
      for (const alphabet of ["base64", "base64url"] as const) {
        const bare = bytes.toString(alphabet).replace(/=+$/, "");
        const padded = bare.padEnd(Math.ceil(bare.length / 4) * 4, "=");
        assertEquals(known(`it is ${padded}.`), "it is •••.");
        assertEquals(known(`it is ${bare}.`), "it is •••.");
        for (const before of ["", "u", "me", "you", "user"]) {
          const both = Buffer.from(`${before}:${secret}:x`).toString(alphabet);
          assertStringIncludes(known(both), "•••");
          // What is left are the ends, with at most a byte of the secret in each.
          assert(known(both).length < both.length - bytes.length);
        }
      }
    }
  });

  it("takes out what it knows however it is rewritten", () => {
    const known = createRedactor(() => ["Hunter2-canary.4711"]);
    for (
      const text of [
        "HUNTER2-CANARY.4711",
        "1174.yranac-2retnuH",
        "H u n t e r 2 - c a n a r y . 4 7 1 1",
        "H.u.n.t.e.r.2.-.c.a.n.a.r.y...4.7.1.1",
        "48756e746572322d63616e6172792e34373131",
        "4875 6E74 6572 322D 6361 6E61 7279 2E34 3731 31",
      ]
    ) assertEquals(known(`it is (${text}), twice: ${text}.`), "it is (•••), twice: •••.");
    // A short one is an ordinary word, once gaps and capitals no longer count.
    assertEquals(createRedactor(() => ["secret"])("Sec. retail; TERCES"), "Sec. retail; TERCES");
  });

  it("takes out what it knows in every writing of its characters, and between any marks", () => {
    const secret = "Hunter2-canary.4711";
    const known = createRedactor(() => [secret]);
    const bytes = [...Buffer.from(secret)];
    const each = (write: (byte: number) => string) => bytes.map(write).join("");
    const hex = (byte: number) => byte.toString(16);
    const between = (mark: string) => [...secret].join(mark);
    const shifted = (by: number) => String.fromCodePoint(...bytes.map((byte) => byte + by));
    const texts: Record<string, string> = {
      "in URLs": each((byte) => `%${hex(byte)}`),
      "in URLs, its letters alone": secret.replace(/[a-z]/g, (l) => `%${hex(l.charCodeAt(0))}`),
      "in mail": secret.replace("-", "=2D").replace("y", "y=\r\n"),
      "in JSON": each((byte) => `\\u00${hex(byte)}`),
      "in JSON, one letter alone": secret.replaceAll("a", "\\u0061"),
      "in JSON in JSON": each((byte) => `\\\\u00${hex(byte)}`),
      "in code": each((byte) => `\\x${hex(byte)}`),
      "in code, as code points": each((byte) => `\\u{${hex(byte)}}`),
      "in bytes": each((byte) => `0x${hex(byte)}, `),
      "in shells": each((byte) => `\\${byte.toString(8)}`),
      "in Unicode's names": each((byte) => `U+00${hex(byte).toUpperCase()} `),
      "in HTML": each((byte) => `&#${byte};`),
      "in HTML, hexadecimal": each((byte) => `&#x${hex(byte)};`),
      "in HTML, with names": secret.replace("-", "&hyphen;").replace(".", "&period;"),
      "in decimal numbers": bytes.join(" "),
      "in bits": each((byte) => byte.toString(2).padStart(8, "0")),
      "in rot13": "Uhagre2-pnanel.4711",
      "one character a line": between("\n"),
      "with nothing to see between": between("\u200b\u2060"),
      "with colors between": between("\u001b[31m"),
      "with comments between": between("<!---->"),
      "with accents": secret.replaceAll("a", "á").normalize("NFD"),
      "in full width": shifted(0xfee0),
      "in tags": shifted(0xe0000),
      "in bold letters": secret.replace(
        /[a-z]/g,
        (l) => String.fromCodePoint(0x1d3b9 + l.charCodeAt(0)),
      ),
      "in letters that look alike": "Нuntеr2-саnаrу.4711",
    };
    for (const [how, text] of Object.entries(texts)) {
      const left = known(`it is (${text})`);
      // What stands around the first and the last character may be left.
      assert(/^it is \(.?•••[^a-z\d]*\)$/.test(left), `${how}: ${left}`);
    }
  });

  it("takes out what it knows in base32 and uuencode, over lines, and encoded up to three times", () => {
    const secret = "hunter2-canary.4711";
    const known = createRedactor(() => [secret]);
    const base64 = (text: string) => Buffer.from(text).toString("base64");
    for (
      const text of [
        // `base32`, `uuencode -` and `base64 -w 10` of coreutils and sharutils.
        "NB2W45DFOIZC2Y3BNZQXE6JOGQ3TCMI=",
        "nb2w45dfoizc2y3bnzqxe6jogq3tcmi",
        "3:'5N=&5R,BUC86YA<GDN-#<Q,0``",
        base64(`user:${secret}`).replace(/(.{10})/g, "$1\r\n"),
        [...base64(secret)].join(" "),
        base64(base64(`user:${secret}`)),
        base64(base64(base64(secret))),
        base64([...secret].reverse().join("")),
        base64(`{"a":"${secret.replaceAll("a", "\\u0061")}"}`),
        Buffer.from(base64(secret)).toString("hex"),
      ]
    ) {
      const left = known(`it is (${text})`);
      // Of the ends each neighbour has a part.
      assert(left.includes("•••") && left.length < 24, left);
    }
  });

  it("leaves what is encoded and none", () => {
    const known = createRedactor(() => ["hunter2-canary.4711"]);
    for (
      const text of [
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk",
        Buffer.from("The quick brown fox jumps over the lazy dog").toString("base64"),
        "https://example.com/a%20b?c=%63%61%6e&amp;d=\\u0061",
        "Съешь ещё этих мягких французских булок, да выпей чаю 4711",
        "commit e3b0c44298fc1c149afbf4c8996fb92427ae41e4",
      ]
    ) assertEquals(known(text), text);
  });

  it("masks fields that are secrets by their name, at any depth", () => {
    assertEquals(
      redactAll(
        { a: [{ access_token: "x", Password: "y", tokens: 5, text: "hunter2-canary" }] },
        redact,
      ),
      { a: [{ access_token: "•••", Password: "•••", tokens: 5, text: "•••" }] },
    );
  });

  it("knows such a name however it is written, and lists of names with values", () => {
    const kept = { nextPageToken: "CAUQ1", pageToken: "CAUQ2", monkey: "x", passwordHint: "y" };
    assertEquals(
      redactAll({
        accessToken: "x",
        clientSecret: ["x", "y"],
        "X-Api-Key": ["x"],
        AWS_SECRET_ACCESS_KEY: "x",
        card: { token: { id: "tok_1" } },
        headers: [{ name: "Authorization", value: "x" }, { name: "Accept", value: "y" }],
        env: [{ key: "DB_PASSWORD", value: "x" }, { name: "Rotate the token", value: "now" }],
        "sent.name": "X-Api-Key",
        "sent.value": "x",
        ...kept,
      }, redact),
      {
        accessToken: "•••",
        clientSecret: ["•••", "•••"],
        "X-Api-Key": ["•••"],
        AWS_SECRET_ACCESS_KEY: "•••",
        card: { token: { id: "tok_1" } },
        headers: [{ name: "Authorization", value: "•••" }, { name: "Accept", value: "y" }],
        env: [{ key: "DB_PASSWORD", value: "•••" }, { name: "Rotate the token", value: "now" }],
        "sent.name": "X-Api-Key",
        "sent.value": "•••",
        ...kept,
      },
    );
  });

  it("takes out secrets that a text tells as such", () => {
    for (
      const [text, left] of [
        ["curl -H 'Authorization: Bearer abcdef0123456789'", "curl -H 'Authorization: Bearer •••'"],
        ["DB_PASSWORD=hunter2hunter2", "DB_PASSWORD=•••"],
        ['{\\"clientSecret\\": \\"abc12345678\\"}', '{\\"clientSecret\\": \\"•••\\"}'],
        ['{"key":"DB_PASSWORD", "value":"hunter2x"}', '{"key":"DB_PASSWORD", "value":"•••"}'],
        ["postgres://otto:p4ss@db/otto", "postgres://otto:•••@db/otto"],
        ["amqp://otto:1234#a@mq", "amqp://otto:•••@mq"],
        ["redis://:p?a,s#s@cache:6379", "redis://:•••@cache:6379"],
        ["https://h/x?access_token=abc123456&a=1", "https://h/x?access_token=•••&a=1"],
        ["the log says _ghp_" + "a1".repeat(18), "the log says _•••"],
        [`id eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcdefghijk`, "id •••"],
        [`https://hooks.slack.com/services/T0AAAAAAA/B0AAAAAAA/${"x1".repeat(12)}`, "https://•••"],
      ]
    ) assertEquals(redact(text), left);
    for (
      const text of [
        "password: required",
        "the token is 12 characters",
        "Basic authentication/authorization",
        '"nextPageToken": "CAUQAA12345"',
        "PWD=/home/runner/work/1234567",
        "tokens: 59,000,123",
        "https://example.com/a?page=2@3",
        '{"blog":"https://ada.dev","email":"ada@ada.dev"}',
        `{'api':'http://localhost:3000','email':'ada@ada.dev'}`,
        "http://localhost:3000?from=ada@ada.dev",
      ]
    ) assertEquals(redact(text), text);
  });
});
