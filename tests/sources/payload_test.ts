import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import fc from "fast-check";
import { counted, oneLine, quoted, wholeText, words } from "../../sources/kit/line.ts";
import { httpLink } from "../../sources/kit/link.ts";
import {
  countFields,
  MAX_SIZE,
  parseBody,
  parsePayload,
  PayloadError,
} from "../../sources/kit/payload.ts";
import { at, facts, line, list, text, whole } from "../../sources/kit/json_path.ts";

const FORM = "application/x-www-form-urlencoded";

function parse(body: string | Uint8Array, contentType?: string) {
  return parsePayload(
    typeof body === "string" ? new TextEncoder().encode(body) : body,
    contentType,
  );
}

/** The same by the runtime's own means, which are too slow for us. */
function keepDigits(_key: string, value: unknown, context?: { source?: string }): unknown {
  const isLong = typeof value === "number" && !Number.isSafeInteger(value) &&
    /^-?\d+$/.test(context?.source ?? "");
  return isLong ? context!.source : value;
}

function multipart(...parts: string[]): string {
  return parts.map((part) => `--x\r\n${part}\r\n`).join("") + "--x--\r\n";
}

describe("a JSON body", () => {
  it("is JSON whatever its content type says", () => {
    for (
      const type of [
        undefined,
        "application/json",
        "text/plain",
        FORM,
        "nonsense",
      ]
    ) {
      assertEquals(parse('{"a":[1]}', type), { a: [1] });
    }
  });

  it("may be any JSON at all", () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => {
      const written = JSON.stringify(value);
      assertEquals(parse(written, "application/json"), JSON.parse(written, keepDigits));
    }));
  });

  it("keeps every digit of an integer that a number cannot hold, and all else as it is", () => {
    const long = "19007199254740993";
    assertEquals(parse(`{"id":${long},"ids":[-${long}, ${long} ,9007199254740991]}`), {
      id: long,
      ids: [`-${long}`, long, 9007199254740991],
    });
    assertEquals(parse(long), long);
    assertEquals(parse(`[1.${long}, ${long}.5, ${long}e3, 1e${long}, -0]`), [
      Number(`1.${long}`),
      Number(`${long}.5`),
      Number(`${long}e3`),
      Infinity,
      -0,
    ]);
    const said = `it is: ${long}, "\\ ${long} `;
    assertEquals(parse(JSON.stringify({ said, id: 1 })), { said, id: 1 });
    assertEquals(parse(`{"a":"\\\\","b":${long}}`), { a: "\\", b: long });
    for (const none of [`{${long}:1}`, `0${long}`, `[${long}`]) {
      assertEquals(parse(none), { raw_body: none });
    }
    const number = fc.oneof(fc.constantFrom(long, `-${long}`, `${long}0`, "12"), fc.string());
    fc.assert(fc.property(fc.array(number), (parts) => {
      const text = `[${parts.map((part) => /^-?\d+$/.test(part) ? part : JSON.stringify(part))}]`;
      let wanted: unknown;
      try {
        wanted = JSON.parse(text, keepDigits);
      } catch {
        wanted = { raw_body: text };
      }
      assertEquals(parse(text), wanted);
    }));
  });

  it("with one such integer takes no longer than it must", () => {
    const body = `[${"1,".repeat(MAX_SIZE / 4)}19007199254740993]`;
    const start = performance.now();
    assertEquals((parse(body) as unknown[]).at(-1), "19007199254740993");
    // A reviver takes six seconds.
    assert(performance.now() - start < 4_000);
  });

  it("may begin with a byte order mark and whitespace", () => {
    assertEquals(parse('\uFEFF\r\n {"a":1}\n'), { a: 1 });
  });

  it("keeps its meaning around broken UTF-8", () => {
    const body = new Uint8Array([
      ...new TextEncoder().encode('{"a":"'),
      0xff,
      0x22,
      0x7d,
    ]);
    assertEquals(parse(body), { a: "\uFFFD" });
  });

  it("has a __proto__ of its own that changes nothing", () => {
    const payload = parse('{"__proto__":{"isAdmin":true}}');
    assertEquals(Object.keys(payload as object), ["__proto__"]);
    assertEquals((payload as { isAdmin?: boolean }).isAdmin, undefined);
    assertEquals(({} as { isAdmin?: boolean }).isAdmin, undefined);
  });

  it("may nest 512 levels, not 513, and says so", () => {
    assert(Array.isArray(parse("[".repeat(512) + "]".repeat(512))));
    for (const depth of [513, 100_000, 1_000_000]) {
      const error = assertThrows(
        () => parse('{"a":'.repeat(depth) + "1" + "}".repeat(depth)),
        PayloadError,
        "deeper than 512 levels",
      );
      assertEquals(error.code, "payload_too_deep");
    }
    assertThrows(() => parse("[".repeat(1_000_000)), PayloadError);
  });

  it("does not count brackets within strings", () => {
    const deep = `${"[".repeat(600)}\\"${"{".repeat(600)}`;
    assertEquals(parse(`{"a":"${deep}"}`), { a: deep.replace("\\", "") });
  });

  it("is what its bytes say in UTF-8, whatever charset its content type names", () => {
    const text = '{"title":"Grüße","n":"表"}';
    for (const charset of ["utf-16le", "utf-16be", "shift_jis", "gbk", "iso-2022-jp", "koi8-r"]) {
      const type = `application/json; charset=${charset}`;
      assertEquals(parse(text, type), JSON.parse(text), charset);
    }
    const koi8 = new Uint8Array([...new TextEncoder().encode('{"a":"'), 0xc1, 0x22, 0x7d]);
    assertEquals(parse(koi8, "application/json; charset=koi8-r"), { a: "а" });
  });

  it("of more than 35 MiB is not parsed", () => {
    assertThrows(
      () => parse(new Uint8Array(MAX_SIZE + 1)),
      PayloadError,
      `at most ${MAX_SIZE}`,
    );
  });
});

describe("a form", () => {
  it("becomes fields, repeated ones arrays", () => {
    assertEquals(parse("a=1&b=x+y&a=%C3%A9&c", FORM), {
      a: ["1", "é"],
      b: "x y",
      c: "",
    });
    assertEquals(parse("a=1", `${FORM}; charset=utf-8`), { a: "1" });
    assertEquals(parse("a=1", FORM.toUpperCase()), { a: "1" });
    assertEquals(parse("?a=1", FORM), { "?a": "1" });
  });

  it("keeps a number a field, as no form is a lone number", () => {
    assertEquals(parse("5", FORM), { "5": "" });
  });

  it("with a lone payload of JSON is that JSON", () => {
    const body = `payload=${encodeURIComponent('{"a":1}')}`;
    assertEquals(parse(body, FORM), { a: 1 });
    assertEquals(parse(`${body}&b=2`, FORM), { payload: '{"a":1}', b: "2" });
    assertEquals(parse(`${body}&${body}`, FORM), {
      payload: ['{"a":1}', '{"a":1}'],
    });
    assertEquals(parse("payload=hello", FORM), { payload: "hello" });
    assertEquals(parse("payload=5", FORM), { payload: "5" });
  });

  it("cannot smuggle depth in its payload", () => {
    assertThrows(() => parse(`payload=${"[".repeat(600)}`, FORM), PayloadError);
  });

  it("of more than 10,000 fields is not parsed", () => {
    assertEquals(parse("a=1" + "&a=1".repeat(9_999), FORM), {
      a: Array(10_000).fill("1"),
    });
    const error = assertThrows(
      () => parse("a=1" + "&a=1".repeat(10_000), FORM),
      PayloadError,
      "10001 fields, at most 10000",
    );
    assertEquals(error.code, "payload_too_many_fields");
    const part = `--x\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n`;
    assertThrows(
      () => parse(part.repeat(10_001) + "--x--", "multipart/form-data; boundary=x"),
      PayloadError,
      "10001 fields, at most 10000",
    );
  });

  it("with a field named __proto__ has just that field", () => {
    const payload = parse(
      "__proto__=x&constructor=y&__proto__=z",
      FORM,
    ) as object;
    assertEquals(Object.keys(payload), ["__proto__", "constructor"]);
    assertEquals(Object.getPrototypeOf(payload), Object.prototype);
    assertEquals(
      JSON.stringify(payload),
      '{"__proto__":["x","z"],"constructor":"y"}',
    );
    assert(Object.hasOwn(payload, "__proto__"));
  });
});

describe("a multipart form", () => {
  const TYPE = "multipart/form-data; boundary=x";

  it("becomes fields, and files what they are", () => {
    const body = multipart(
      'Content-Disposition: form-data; name="a"\r\n\r\n1',
      'Content-Disposition: form-data; name="a"\r\n\r\n',
      'Content-Disposition: form-data; filename="é.png"; name="f"\r\nContent-Type: image/png\r\n\r\n\u0000é--x',
    );
    assertEquals(parse(body, TYPE), {
      a: ["1", ""],
      f: { filename: "é.png", type: "image/png", size: 6 },
    });
  });

  it("is what the runtime's own FormData writes", async () => {
    const data = new FormData();
    data.set("text", "two\r\nlines");
    data.set("file", new Blob(["12345"], { type: "text/csv" }), 'a"b.csv');
    const response = new Response(data);
    const body = new Uint8Array(await response.clone().arrayBuffer());
    const parsed = parseBody(body, response.headers.get("content-type")!);
    assertEquals(parsed.kind, "form");
    assertEquals(parsed.payload, {
      text: "two\r\nlines",
      file: { filename: 'a"b.csv', type: "text/csv", size: 5 },
    });
  });

  it("that is none stays text", () => {
    for (
      const type of [
        TYPE,
        "multipart/form-data",
        "multipart/form-data; boundary=",
      ]
    ) {
      assertEquals(parse("hello", type), { raw_body: "hello" });
    }
  });

  it("never throws, whatever the bytes", () => {
    const piece = fc.constantFrom(
      "--x",
      "\r\n",
      "--",
      'Content-Disposition: form-data; name="a"',
      "b",
    );
    fc.assert(fc.property(fc.array(piece), (pieces) => {
      parse(pieces.join(""), TYPE);
    }));
  });
});

describe("any other body", () => {
  it("is kept as text", () => {
    assertEquals(parse("hello"), { raw_body: "hello" });
    assertEquals(parse("<xml/>", "text/xml"), { raw_body: "<xml/>" });
    assertEquals(parse('{"a":1}{"b":2}'), { raw_body: '{"a":1}{"b":2}' });
    assertEquals(parse(new Uint8Array([0x61, 0xff])), { raw_body: "a\uFFFD" });
  });

  it("that is empty is empty text", () => {
    for (const type of [undefined, FORM, "application/json"]) {
      assertEquals(parse("", type), { raw_body: "" });
    }
  });

  it("never throws but for its budget", () => {
    fc.assert(fc.property(fc.uint8Array(), fc.string(), (body, type) => {
      assert(parse(body, type) !== undefined);
    }));
  });
});

describe("the number of fields", () => {
  it("is the keys at the top, an array's length, 1 for a lone value, 0 for null", () => {
    assertEquals(countFields({ a: 1, b: { c: 2 } }), 2);
    assertEquals(countFields({}), 0);
    assertEquals(countFields([1, 2, 3]), 3);
    assertEquals(countFields({ raw_body: "x" }), 1);
    assertEquals(["x", 5, true, null].map(countFields), [1, 1, 1, 0]);
  });
});

describe("a line", () => {
  it("is one line without anything invisible", () => {
    assertEquals(oneLine("  a\r\n\tb\u2028c\0d\x1b[2Je "), "a b c d [2Je");
    assertEquals(oneLine("ad\u202Emin\u200B\u{E0041}\uFEFF!"), "admin!");
    assertEquals(oneLine("pay\u200Dpal"), "paypal");
    assertEquals(oneLine("\ud83d x"), "\uFFFD x");
  });

  it("keeps the joiners that emoji and scripts need", () => {
    for (const kept of ["👨‍👩‍👧", "❤️", "👩🏽‍🚀", "می‌خواهم", "क्‍ष"]) {
      assertEquals(oneLine(kept), kept);
    }
  });

  it("is cut at 200 characters, never through an emoji", () => {
    assertEquals(oneLine("x".repeat(200)), "x".repeat(200));
    assertEquals(oneLine("x".repeat(201)), "x".repeat(199) + "…");
    const family = "👨‍👩‍👧‍👦";
    assertEquals(oneLine("x".repeat(195) + family), "x".repeat(195) + "…");
    assertEquals(oneLine("é".repeat(3), 2), "é…");
    assertEquals(
      oneLine("x".repeat(100) + " ".repeat(5_000) + "y"),
      "x".repeat(100) + "…",
    );
  });

  it("always is, whatever the text", () => {
    fc.assert(fc.property(
      fc.string({ unit: "binary", maxLength: 900 }),
      fc.integer({ min: 2, max: 200 }),
      (text, max) => {
        const line = oneLine(text, max);
        assert(
          line.length <= max && line.isWellFormed() &&
            !/[\p{Cc}\u2028\u2029]/u.test(line),
        );
        assertEquals(oneLine(line, max), line);
      },
    ));
  });

  it("takes no time over a huge text", () => {
    const start = performance.now();
    oneLine("a\u200D\u0301".repeat(5_000_000));
    oneLine(" ".repeat(20_000_000));
    assert(performance.now() - start < 1_000);
  });

  it("leaves a missing piece out with its joining word", () => {
    assertEquals(
      words("Push", ["by", undefined], ["to", "main"], undefined),
      "Push to main",
    );
    assertEquals(quoted(undefined), undefined);
    assertEquals([counted(1, "commit"), counted(2, "commit")], [
      "1 commit",
      "2 commits",
    ]);
  });
});

describe("a payload of unknown shape", () => {
  const payload = { a: { b: [{ c: "x" }] }, n: 5, blank: " ", evil: "a\0\nb" };

  it("is read by path, own properties only", () => {
    assertEquals(text(payload, "a", "b", 0, "c"), "x");
    assertEquals(text(payload, "n"), "5");
    assertEquals(list(payload, "a", "b").length, 1);
    for (
      const path of [["constructor"], ["a", "__proto__"], ["n", "toFixed"], [
        "a",
        "b",
        "length",
        1,
      ]]
    ) {
      assertEquals(at(payload, ...path), undefined);
    }
    assertEquals(
      [text(payload, "blank"), text(null, "a"), text("x", "length")],
      [
        undefined,
        undefined,
        undefined,
      ],
    );
    assertEquals(list(payload, "n"), []);
  });

  it("gives clean lines, and whole texts that can be stored", () => {
    assertEquals(line(payload, "evil"), "a b");
    assertEquals(whole(payload, "evil"), "a\uFFFD\nb");
    assertEquals(wholeText("\ud83d"), "\uFFFD");
    assertEquals(facts({ a: "x\ny", b: undefined, c: "\u200B" }), { a: "x y" });
  });
});

describe("a link", () => {
  it("is http or https, and nothing else", () => {
    assertEquals(
      httpLink("https://example.com/a b"),
      "https://example.com/a%20b",
    );
    assertEquals(httpLink("http://example.com"), "http://example.com/");
    for (
      const value of [
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://x",
        "//example.com",
        "https://good@evil.com",
        "https://",
        "",
        null,
        7,
        `https://example.com/${"x".repeat(3_000)}`,
      ]
    ) assertEquals(httpLink(value), undefined);
  });
});
