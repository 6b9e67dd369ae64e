import { assertEquals, assertStringIncludes } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { decodeSymmetric, encodeSymmetric, SymmetricAlgorithm } from "atlassian-jwt";
import { createHmac, randomBytes } from "node:crypto";
import * as jira from "../../sources/jira.ts";
import { NOW, request } from "./request.ts";

const SECRET = "the app's client secret";
const now = NOW / 1000;
const { HS256, HS384, HS512 } = SymmetricAlgorithm;

async function code(
  headers: Record<string, string>,
  secrets = [SECRET],
  body = "{}",
) {
  const verdict = await jira.verify(request(body, headers), secrets);
  return verdict.ok || verdict.code;
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const base64url = (text: string) =>
  btoa(text).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");

/** A token of any header and claims, as text, signed by HS256 whatever the header says. */
function token(header: string, claims: string): string {
  const text = `${base64url(header)}.${base64url(claims)}`;
  return `${text}.${createHmac("sha256", SECRET).update(text).digest("base64url")}`;
}

const claims = (more: Record<string, unknown> = {}) =>
  JSON.stringify({ iss: "jira", iat: now, exp: now + 180, ...more });
const HEAD = `{"typ":"JWT","alg":"HS256"}`;

describe("a Jira issue's link", () => {
  const linkOf = (key: unknown, self = "https://octo.atlassian.net/rest/api/2/issue/1") =>
    jira.describe({ webhookEvent: "jira:issue_updated", issue: { self, key } }).link;

  it("is its page, and none for a key that is none", () => {
    assertEquals(linkOf("OTT_2-12"), "https://octo.atlassian.net/browse/OTT_2-12");
    for (const key of ["\udc00\ud800", "a/../b", "A-1?x", "A 1", "", 7.5, null, {}]) {
      assertEquals(linkOf(key), undefined, String(key));
    }
    assertEquals(linkOf("A-1", "javascript:alert(1)"), undefined);
  });
});

describe("a Jira app's token", () => {
  it("is right as Atlassian's own library signs it, with any of several secrets", async () => {
    for (let round = 0; round < 20; round++) {
      const secret = randomBytes(20 + round).toString("base64url") + "é";
      const payload = {
        iss: `clé-${round}`,
        iat: now,
        exp: now + 180,
        qsh: "?".repeat(round),
      };
      const made = encodeSymmetric(payload, secret);
      for (const scheme of ["Bearer", "JWT", "bearer", "Jwt"]) {
        assertEquals(
          await code({ authorization: `${scheme} ${made}` }, ["old", secret]),
          true,
        );
      }
      assertEquals(await code(bearer(made)), "signature_mismatch");
      assertEquals(await code(bearer(made), [""]), "signature_mismatch");
      const ours = token(HEAD, JSON.stringify({ exp: now + 180, n: round }));
      assertEquals(decodeSymmetric(ours, SECRET, HS256).n, round);
      assertEquals(await code(bearer(ours)), true);
    }
  });

  it("is in use from when it was issued until it expires, by five minutes each", async () => {
    const at = (more: Record<string, unknown>) => code(bearer(token(HEAD, claims(more))));
    const late = "timestamp_outside_window";
    assertEquals(await at({}), true);
    assertEquals(await at({ exp: now - 299 }), true);
    assertEquals(await at({ exp: now - 301 }), late);
    assertEquals(await at({ iat: now + 299 }), true);
    assertEquals(await at({ iat: now + 301, exp: now + 900 }), late);
    assertEquals(await at({ nbf: now + 301, exp: now + 900 }), late);
    assertEquals(await at({ iat: undefined }), true);
  });

  it("is none without an end, or of times that are none", async () => {
    for (const exp of [undefined, null, "", `${now + 180}`, true, [], {}]) {
      assertEquals(
        await code(bearer(token(HEAD, claims({ exp })))),
        "signature_malformed",
      );
    }
    for (const iat of [null, "now", true]) {
      assertEquals(
        await code(bearer(token(HEAD, claims({ iat })))),
        "signature_malformed",
      );
    }
    const huge = `{"exp":1e999}`;
    assertEquals(await code(bearer(token(HEAD, huge))), "signature_malformed");
  });

  it("does not choose how it is checked", async () => {
    for (
      const alg of ["none", "None", "hs256", "HS384", "RS256", "", null, [
        "HS256",
      ]]
    ) {
      const header = JSON.stringify({ typ: "JWT", alg });
      assertEquals(
        await code(bearer(token(header, claims()))),
        "signature_malformed",
        `${alg}`,
      );
      const [head, body] = token(header, claims()).split(".");
      assertEquals(
        await code(bearer(`${head}.${body}.`)),
        "signature_malformed",
      );
    }
    const payload = { exp: now + 180 };
    for (const algorithm of [HS384, HS512]) {
      const made = encodeSymmetric(payload, SECRET, algorithm);
      assertEquals(await code(bearer(made)), "signature_malformed");
    }
    const critical = `{"alg":"HS256","crit":["exp"]}`;
    assertEquals(
      await code(bearer(token(critical, claims()))),
      "signature_malformed",
    );
  });

  it("is none when it is cut, padded, joined or changed", async () => {
    const made = token(HEAD, claims());
    const [head, body, signature] = made.split(".");
    for (
      const bad of [
        "a",
        "..",
        `${head}.${body}`,
        `${made}.`,
        `${made}.${signature}`,
        `${made}=`,
        `${head}.${body}.${signature.slice(0, -1)}`,
        `${head}.${body}.${signature}A`,
        `${head}.e30.${signature}`,
        `${base64url("[1]")}.${body}.${signature}`,
        `${base64url("\xff")}.${body}.${signature}`,
        `${made},${made}`,
      ]
    ) assertEquals(await code(bearer(bad)), "signature_malformed", bad);
    const other = body.replace(/.$/, (last) => last === "A" ? "Q" : "A");
    const changed = await code(bearer(`${head}.${other}.${signature}`));
    assertEquals(
      ["signature_mismatch", "signature_malformed"].includes(`${changed}`),
      true,
    );
  });

  it("counts only where there is no signature of the body, and covers none", async () => {
    const made = token(HEAD, claims());
    const right = `sha256=${createHmac("sha256", SECRET).update("{}").digest("hex")}`;
    const wrong = `sha256=${"0".repeat(64)}`;
    assertEquals(
      await code({ ...bearer(made), "x-hub-signature": right }),
      true,
    );
    assertEquals(
      await code({ ...bearer(made), "x-hub-signature": wrong }),
      "signature_mismatch",
    );
    assertEquals(
      await code({ ...bearer("a.b.c"), "x-hub-signature": right }),
      true,
    );
    assertEquals(await code(bearer(made), [SECRET], "another body"), true);
    assertStringIncludes(jira.proof, "does not cover the body");
  });

  it("is not looked for in what a proxy adds", async () => {
    for (const authorization of ["Basic YTpi", "Bearer", "", "Digest x"]) {
      assertEquals(
        await code({ authorization }),
        "signature_missing",
        authorization,
      );
    }
  });
});
