import { assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import fc from "fast-check";
import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import * as zlib from "node:zlib";
import {
  crc32,
  decodeBase64,
  decodeBase64Url,
  decodeHex,
  derToPlain,
  encodeBase64,
  encodeBase64Url,
  encodeHex,
  equalBytes,
  FIVE_MINUTES,
  hmac,
  isWithin,
  parseTimestamp,
  sha256,
  verifyHmac,
  verifyPublicKey,
} from "../../sources/signature/signature.ts";

const anything = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.stringMatching(/^[0-9a-fA-F]*$/),
  fc.stringMatching(/^[A-Za-z0-9+/_=-]*$/),
);

describe("a signature", () => {
  it("is what node:crypto makes of the same key and bytes", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ minLength: 1 }).filter((key) => key.isWellFormed()),
        fc.uint8Array(),
        async (key, message) => {
          for (
            const [hash, name] of [["SHA-1", "sha1"], [
              "SHA-256",
              "sha256",
            ]] as const
          ) {
            const expected = createHmac(name, key).update(message).digest(
              "hex",
            );
            assertEquals(encodeHex(await hmac(hash, key, message)), expected);
          }
        },
      ),
    );
  });

  it("is verified with any of several secrets, against any of several candidates", async () => {
    const signature = await hmac("SHA-256", "new", "body");
    const other = new Uint8Array(32);
    assertEquals(
      await verifyHmac("SHA-256", ["old", "new"], "body", [other, signature]),
      true,
    );
    assertEquals(
      await verifyHmac("SHA-256", ["old"], "body", [signature]),
      false,
    );
    assertEquals(
      await verifyHmac("SHA-256", ["new"], "bodies", [signature]),
      false,
    );
    assertEquals(
      await verifyHmac("SHA-1", ["new"], "body", [signature]),
      false,
    );
  });

  it("is never verified with an empty secret, without candidates, or with one cut short", async () => {
    const signature = await hmac("SHA-256", "key", "body");
    assertEquals(
      await verifyHmac("SHA-256", ["", ""], "body", [signature]),
      false,
    );
    assertEquals(
      await verifyHmac("SHA-256", ["key"], "body", [undefined]),
      false,
    );
    assertEquals(await verifyHmac("SHA-256", ["key"], "body", []), false);
    assertEquals(
      await verifyHmac("SHA-256", ["key"], "body", [signature.slice(0, 31)]),
      false,
    );
    assertEquals(
      await verifyHmac("SHA-256", ["key"], "body", [new Uint8Array()]),
      false,
    );
  });

  it("is looked for among all candidates, wherever it stands", async () => {
    const signature = await hmac("SHA-256", "key", "body");
    const wrong = Array.from({ length: 20 }, () => new Uint8Array(32));
    for (const candidates of [[...wrong, signature], [signature, ...wrong]]) {
      assertEquals(await verifyHmac("SHA-256", ["key"], "body", candidates), true);
    }
    assertEquals(await verifyHmac("SHA-256", ["key"], "body", wrong), false);
  });

  it("keeps working with more secrets than are kept imported", async () => {
    for (let i = 0; i < 200; i++) {
      const signature = await hmac("SHA-256", `key ${i}`, "body");
      assertEquals(
        await verifyHmac("SHA-256", [`key ${i}`], "body", [signature]),
        true,
      );
    }
  });

  it("is not made with an empty key", async () => {
    await assertRejects(
      () => hmac("SHA-256", "", "body"),
      TypeError,
      "the key is empty",
    );
  });
});

describe("hexadecimal digits", () => {
  it("come back as the bytes they were", () => {
    fc.assert(fc.property(fc.uint8Array({ minLength: 1 }), (data) => {
      assertEquals(decodeHex(encodeHex(data)), data);
    }));
  });

  it("are refused when odd, empty or garbage, without a throw", () => {
    for (const text of ["", "0", "abc", "zz", "0x", " ab", "ab\n", "a\u0660"]) {
      assertEquals(decodeHex(text), undefined);
    }
    fc.assert(fc.property(anything, (text) => {
      const data = decodeHex(text);
      if (data) assertEquals(encodeHex(data), text.toLowerCase());
    }));
  });
});

describe("base64", () => {
  it("comes back as the bytes it was", () => {
    fc.assert(fc.property(fc.uint8Array({ minLength: 1 }), (data) => {
      assertEquals(decodeBase64(encodeBase64(data)), data);
    }));
  });

  it("is refused without padding, URL-safe, with stray bits or garbage, without a throw", () => {
    for (
      const text of [
        "",
        "QQ",
        "QR==",
        "a*b=",
        "-_==",
        "QQ== ",
        "Q===",
        "====",
        "QQ==QQ==",
      ]
    ) {
      assertEquals(decodeBase64(text), undefined);
    }
    fc.assert(fc.property(anything, (text) => {
      const data = decodeBase64(text);
      if (data) assertEquals(encodeBase64(data), text);
    }));
  });
});

describe("base64url", () => {
  it("comes back as the bytes it was, with its padding and without", () => {
    fc.assert(fc.property(fc.uint8Array({ minLength: 1 }), (data) => {
      const text = encodeBase64Url(data);
      assertEquals(decodeBase64Url(text), data);
      assertEquals(decodeBase64Url(text.padEnd(Math.ceil(text.length / 4) * 4, "=")), data);
    }));
  });

  it("is refused in the other alphabet, with stray bits, other padding or garbage", () => {
    for (const text of ["", "QR", "QQ=", "QQ===", "Q=Q=", "+_8", "a/b_", "QQ ", "====", "é"]) {
      assertEquals(decodeBase64Url(text), undefined, text);
    }
    fc.assert(fc.property(anything, (text) => {
      const data = decodeBase64Url(text);
      if (data) assertEquals(encodeBase64Url(data), text.replaceAll("=", ""));
    }));
  });
});

describe("a signed time", () => {
  it("is ten digits and nothing else", () => {
    assertEquals(parseTimestamp("1700000000"), 1_700_000_000);
    for (
      const text of [
        null,
        undefined,
        "",
        "NaN",
        "1e9",
        " 1700000000",
        "1700000000\n",
        "0x65536000",
        "1700000000000",
        "-170000000",
        "170000000",
        "١٧٠٠٠٠٠٠٠٠",
      ]
    ) assertEquals(parseTimestamp(text), undefined);
  });

  it("counts within five minutes both ways", () => {
    const now = 1_700_000_000_000;
    const at = (age: number) => isWithin(FIVE_MINUTES, 1_700_000_000 - age, now);
    assertEquals([301, 300, 299, 0, -299, -300, -301].map(at), [
      false,
      true,
      true,
      true,
      true,
      true,
      false,
    ]);
    assertEquals(isWithin(FIVE_MINUTES, NaN, now), false);
  });
});

describe("an ECDSA signature in DER", () => {
  it("is the two numbers that node:crypto writes plainly", () => {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
    assertEquals(publicKey.asymmetricKeyType, "ec");
    for (let i = 0; i < 300; i++) {
      const plain = new Uint8Array(
        sign("sha256", new Uint8Array([i]), { key: privateKey, dsaEncoding: "ieee-p1363" }),
      );
      const number = (bytes: Uint8Array) => {
        const short = bytes.subarray(bytes.findIndex((byte) => byte !== 0));
        const signed = short[0] > 127 ? [0, ...short] : [...short];
        return [2, signed.length, ...signed];
      };
      const numbers = [...number(plain.subarray(0, 32)), ...number(plain.subarray(32))];
      assertEquals(derToPlain(new Uint8Array([0x30, numbers.length, ...numbers])), plain);
    }
  });

  it("is nothing else, whatever the bytes, without a throw", async () => {
    const start = fc.constantFrom([0x30], [0x30, 6, 2, 1], [0x30, 70, 2, 33], [0x30, 72, 2, 34]);
    await fc.assert(
      fc.asyncProperty(start, fc.uint8Array({ maxLength: 80 }), async (start, rest) => {
        const der = new Uint8Array([...start, ...rest]);
        const plain = derToPlain(der);
        assertEquals(plain === undefined || plain.length === 64, true);
        for (const algorithm of ["ECDSA-P256", "Ed25519", "RSA-SHA256"] as const) {
          assertEquals(await verifyPublicKey(algorithm, [der], "text", [der]), false);
        }
      }),
    );
    const long = new Uint8Array([
      0x30,
      72,
      2,
      34,
      ...Array(34).fill(1),
      2,
      34,
      ...Array(34).fill(1),
    ]);
    assertEquals(derToPlain(long), undefined);
    assertEquals(derToPlain(undefined), undefined);
  });
});

describe("bytes", () => {
  it("are equal only when all of them are", () => {
    const one = new Uint8Array([1, 2, 3]);
    assertEquals(equalBytes(one, new Uint8Array([1, 2, 3])), true);
    assertEquals(equalBytes(one, new Uint8Array([1, 2, 4])), false);
    assertEquals(equalBytes(one, new Uint8Array([1, 2])), false);
  });

  it("have the SHA-256 that everyone else finds", async () => {
    assertEquals(
      encodeHex(await sha256("")),
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    );
  });
});

describe("a CRC-32", () => {
  it("is the one that zip and PayPal use", () => {
    // The catalogue's check value of CRC-32/ISO-HDLC.
    assertEquals(crc32(new TextEncoder().encode("123456789")), 0xcbf43926);
    assertEquals(crc32(new Uint8Array()), 0);
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (data) => {
      assertEquals(crc32(data), zlib.crc32(data));
    }));
  });
});
