import { assertEquals, assertNotEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { createHmac } from "node:crypto";
import * as adyen from "../../sources/adyen.ts";
import { assertTamperProof, request } from "./request.ts";

/** The key, the item and its signature of Adyen's own libraries' tests. */
const KEY = "DFB1EB5485895CFA84146406857104ABB4CBCABDC8AAF103A624C8F6A3EAAB00";
const ITEM = {
  pspReference: "pspReference",
  originalReference: "originalReference",
  merchantAccountCode: "merchantAccount",
  merchantReference: "reference",
  amount: { currency: "EUR", value: 1000 },
  eventCode: "EVENT",
  success: "true",
  additionalData: { hmacSignature: "ipnxGCaUZ4l8TUW75a71/ghd2Fe5ffvX0pV4TLTntIc=" },
};
const bodyOf = (...items: unknown[]) =>
  JSON.stringify({
    live: "false",
    notificationItems: items.map((NotificationRequestItem) => ({ NotificationRequestItem })),
  });

async function code(body: string, headers: Record<string, string> = {}, secrets = [KEY]) {
  const verdict = await adyen.verify(request(body, headers), secrets);
  return verdict.ok || verdict.code;
}

describe("Adyen's signature", () => {
  it("is right as its own libraries have it, with any of several keys", async () => {
    assertEquals(await code(bodyOf(ITEM)), true);
    assertEquals(await code(bodyOf(ITEM), {}, ["0".repeat(64), KEY.toLowerCase()]), true);
    assertEquals(await code(bodyOf(ITEM), {}, ["0".repeat(64)]), "signature_mismatch");
  });

  it("covers each of eight fields of each item", async () => {
    for (
      const change of [
        { pspReference: "other" },
        { originalReference: undefined },
        { merchantAccountCode: "x" },
        { merchantReference: "x" },
        { amount: { currency: "EUR", value: 1001 } },
        { amount: { currency: "USD", value: 1000 } },
        { eventCode: "REFUND" },
        { success: "false" },
      ]
    ) {
      const forged = { ...ITEM, ...change };
      assertEquals(await code(bodyOf(forged)), "signature_mismatch", JSON.stringify(change));
      assertEquals(await code(bodyOf(ITEM, forged)), "signature_mismatch");
    }
    assertEquals(await code(bodyOf({ ...ITEM, additionalData: {} })), "signature_missing");
    assertEquals(await code(bodyOf(ITEM, { ...ITEM, additionalData: {} })), "signature_missing");
    assertEquals(await code(bodyOf()), "signature_missing");
    const odd = { ...ITEM, additionalData: { hmacSignature: "abc" } };
    assertEquals(await code(bodyOf(odd)), "signature_malformed");
  });

  it("is of the same content, whatever is added that is not signed", () => {
    const keys = (...items: unknown[]) => adyen.signedContentKeys(request(bodyOf(...items)));
    const other = { ...ITEM, pspReference: "other" };
    assertEquals(keys(ITEM).length, 1);
    assertEquals(keys({ ...ITEM, reason: "x" }, ITEM), keys(ITEM));
    assertEquals(keys(other, ITEM), keys(ITEM, other));
    assertNotEquals(keys(ITEM, other), keys(ITEM), "one of them is news");
    assertEquals(keys({ ...ITEM, additionalData: {} }), []);
  });

  it("is none where a password proves it, even one that looks like a key", async () => {
    const authorization = `Basic ${btoa(`otto:${KEY}`)}`;
    const unsigned = bodyOf({ ...ITEM, additionalData: {} });
    assertEquals(await code(unsigned, { authorization }), true);
    const wrong = { authorization: `Basic ${btoa("otto:other")}` };
    assertEquals(await code(unsigned, wrong), "signature_mismatch");
    assertEquals(
      await code(bodyOf({ ...ITEM, success: "false" }), { authorization }),
      "signature_mismatch",
    );
  });

  it("is of the whole body in a header, for webhooks of platforms", async () => {
    const body = `{"type":"balancePlatform.transfer.created","data":{}}`;
    const hmacsignature = createHmac(
      "sha256",
      new Uint8Array(
        KEY.match(/../g)!.map((digits) => Number.parseInt(digits, 16)),
      ),
    ).update(body).digest("base64");
    await assertTamperProof(adyen, request(body, { hmacsignature }), KEY);
  });

  it("may be a password instead", async () => {
    const authorization = `Basic ${btoa("adyen:password")}`;
    assertEquals(await code("{}", { authorization }, ["password"]), true);
    assertEquals(await code("{}", { authorization }, ["other"]), "signature_mismatch");
  });
});

describe("Adyen's events", () => {
  it("are told with the amount in the digits that Adyen counts", () => {
    for (
      const [title, item] of [
        ["Authorisation of 10.00 EUR for reference in merchantAccount", {
          eventCode: "AUTHORISATION",
          reason: "033899:1111:03/2030",
        }],
        ["Refund of 1000 JPY for reference in merchantAccount failed: Insufficient balance", {
          eventCode: "REFUND",
          success: "false",
          amount: { value: 1000, currency: "JPY" },
          reason: "Insufficient balance",
        }],
        ["Chargeback of 10.00 CLP for reference in merchantAccount: Fraud", {
          eventCode: "CHARGEBACK",
          amount: { value: 1000, currency: "CLP" },
          reason: "Fraud",
        }],
        ["Report available in merchantAccount", {
          eventCode: "REPORT_AVAILABLE",
          merchantReference: "",
          amount: { value: 0, currency: "EUR" },
        }],
      ] as const
    ) assertEquals(adyen.describe(JSON.parse(bodyOf({ ...ITEM, ...item }))).title, title);
    const platform = {
      type: "balancePlatform.transfer.updated",
      data: { amount: { value: 500, currency: "EUR" }, status: "booked", description: "Rent" },
    };
    assertEquals(adyen.describe(platform).title, "Adyen transfer updated 5.00 EUR booked Rent");
  });

  it("are a repeat when all that is signed is the same, as Adyen's duplicates are", () => {
    const idOf = (item: unknown) => adyen.deliveryId(request(bodyOf(item)));
    assertEquals(idOf({ ...ITEM, eventDate: "x" }), idOf(ITEM));
    assertNotEquals(idOf({ ...ITEM, success: "false" }), idOf(ITEM));
    assertNotEquals(idOf({ ...ITEM, eventCode: "REFUND" }), idOf(ITEM));
    assertEquals(idOf({}), undefined);
  });

  it("are answered in Adyen's words", () => {
    assertEquals(adyen.answer().body, "[accepted]");
  });
});
