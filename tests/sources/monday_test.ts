import { assertEquals, assertNotEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { encodeSymmetric, SymmetricAlgorithm } from "atlassian-jwt";
import * as monday from "../../sources/monday.ts";
import { NOW, request } from "./request.ts";

const now = NOW / 1000;
const tokenOf = (secret: string, exp = now + 300) =>
  encodeSymmetric({ accountId: 1, userId: 2, iat: now, exp }, secret, SymmetricAlgorithm.HS256);

async function code(authorization: string, url?: string) {
  const headers: Record<string, string> = authorization ? { authorization } : {};
  const verdict = await monday.verify(request("{}", headers, url ? { url } : {}), ["secret"]);
  return verdict.ok || verdict.code;
}

describe("monday.com's token", () => {
  it("stands alone in its header, and is in use for five minutes more than it says", async () => {
    assertEquals(await code(tokenOf("secret")), true);
    assertEquals(await code(`Bearer ${tokenOf("secret")}`), true);
    assertEquals(await code(tokenOf("other")), "signature_mismatch");
    assertEquals(await code(tokenOf("secret", now - 301)), "timestamp_outside_window");
    assertEquals(await code("secret"), "signature_malformed");
  });

  it("is for this URL where it says for which, and none that a browser has seen", async () => {
    const url = "https://otto.example.com/webhook/test";
    const withClaims = (claims: Record<string, unknown>) =>
      code(encodeSymmetric(
        { iat: now, exp: now + 300, ...claims },
        "secret",
        SymmetricAlgorithm.HS256,
      ));
    for (const aud of [url, `${url}?team=a`]) assertEquals(await withClaims({ aud }), true);
    for (
      const claims of [
        { aud: "https://otto.example.com/webhook/other" },
        { aud: "https://evil.example/webhook/test" },
        { aud: 7 },
        { aud: url, backToUrl: "https://a.monday.com/x" },
      ]
    ) assertEquals(await withClaims(claims), "signature_mismatch", JSON.stringify(claims));
  });

  it("is not there for a board's webhook, which the URL's token proves", async () => {
    const url = "https://otto.example.com/webhook/monday?token=";
    assertEquals(await code("", `${url}secret`), true);
    assertEquals(await code("", `${url}other`), "signature_mismatch");
    assertEquals(await code(""), "signature_missing");
    assertEquals(await code("x.y.z", `${url}secret`), "signature_malformed");
  });
});

describe("monday.com's challenge", () => {
  it("is given back as it came, and nothing else is one", () => {
    const reply = monday.probe(request(`{"challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmd"}`));
    assertEquals(reply?.body, `{"challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmd"}`);
    assertEquals(monday.probe(request(`{"challenge":"<script>"}`))?.status, 400);
    for (const body of [`{"event":{},"challenge":"x"}`, "{}", `["challenge"]`, "challenge=1"]) {
      assertEquals(monday.probe(request(body)), undefined, body);
    }
  });
});

describe("monday.com's events", () => {
  const item = { userId: 11, pulseId: 33, pulseName: "It drops", groupName: "Week" };

  it("are told from what to what, and say nothing of a value that no text has", () => {
    for (
      const [title, event] of [
        [`User 11 created "It drops" in Week`, { type: "create_pulse" }],
        [`User 11 changed "It drops" in Week: Status To do → Done`, {
          type: "update_column_value",
          columnTitle: "Status",
          previousValue: { label: { text: "To do" } },
          value: { label: { text: "Done" } },
        }],
        [`User 11 changed "It drops" in Week: Date none → 2026-01-02`, {
          type: "update_column_value",
          columnTitle: "Date",
          previousValue: null,
          value: { date: "2026-01-02" },
        }],
        [`User 11 changed "It drops" in Week: Date 2026-01-02 → none`, {
          type: "update_column_value",
          columnTitle: "Date",
          previousValue: { date: "2026-01-02" },
          value: null,
        }],
        [`User 11 changed "It drops" in Week: Owner`, {
          type: "update_column_value",
          columnTitle: "Owner",
          previousValue: null,
          value: { personsAndTeams: [{ id: 1 }] },
        }],
        [`User 11 renamed "It drops" in Week: It fell → It drops`, {
          type: "update_name",
          previousValue: { name: "It fell" },
          value: { name: "It drops" },
        }],
        [`User 11 wrote an update on "It drops" in Week: Still`, {
          type: "create_update",
          textBody: "Still",
        }],
        [`User 11 moved "It drops" to Done`, {
          type: "move_pulse_into_group",
          destGroup: { title: "Done" },
        }],
        [`User 11 created subitem "It drops" in Week`, { type: "create_pulse", parentItemId: "1" }],
      ] as const
    ) {
      const told = monday.describe({ event: { ...item, ...event } });
      assertEquals([told.title, told.actor], [title, "11"]);
    }
  });

  it("of one change are one for each subscription", () => {
    const idOf = (event: unknown) => monday.deliveryId(request(JSON.stringify({ event })));
    const event = { triggerUuid: "t", subscriptionId: 1, type: "update_column_value" };
    assertEquals(idOf({ ...event, isRetry: true }), idOf(event));
    assertNotEquals(idOf({ ...event, subscriptionId: 2 }), idOf(event));
    assertEquals(idOf({ subscriptionId: 1 }), undefined);
  });
});
