import { assertEquals, assertNotEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { createHmac } from "node:crypto";
import * as docusign from "../../sources/docusign.ts";
import { assertTamperProof, request } from "./request.ts";

const BODY = `{"event":"envelope-completed"}`;
const base64 = (key: string) => createHmac("sha256", key).update(BODY).digest("base64");

async function code(headers: Record<string, string>, secrets = ["key"]) {
  const verdict = await docusign.verify(request(BODY, headers), secrets);
  return verdict.ok || verdict.code;
}

describe("DocuSign's signatures", () => {
  it("are one for each of the account's keys, of which one must be ours", async () => {
    const headers = {
      "x-docusign-signature-1": base64("a"),
      "x-docusign-signature-2": base64("b"),
      "x-docusign-signature-10": base64("key"),
    };
    assertEquals(await code(headers), true);
    assertEquals(await code(headers, ["b"]), true);
    assertEquals(await code(headers, ["c"]), "signature_mismatch");
    assertEquals(await code({ "x-docusign-signature-1": "abc" }), "signature_malformed");
    assertEquals(await code({ "x-docusign-signature": base64("key") }), "signature_missing");
    await assertTamperProof(docusign, request(BODY, headers), "key");
  });
});

describe("a DocuSign event", () => {
  const event = (event: string, more: Record<string, unknown> = {}, data = {}) => ({
    event,
    retryCount: 0,
    generatedDateTime: "2026-01-02T03:04:05Z",
    data: {
      envelopeId: "e1",
      ...data,
      envelopeSummary: {
        emailSubject: "Sign this",
        sender: { userName: "Ada" },
        recipients: { signers: [{ recipientId: "2", name: "Grace", declinedReason: "Too long" }] },
        ...more,
      },
    },
  });

  it("is told by the envelope, or by whose part in it", () => {
    const signers = [{ recipientId: "2", name: "Grace" }];
    for (
      const [title, payload] of [
        [
          `Envelope "Sign this" completed (from Ada)`,
          event("envelope-completed", { recipients: { signers } }),
        ],
        [
          `Envelope "Sign this" voided (from Ada): Wrong paper`,
          event("envelope-voided", {
            recipients: { signers },
            voidedReason: "Wrong paper",
          }),
        ],
        [
          `Recipient Grace declined in "Sign this" (from Ada): Too long`,
          event("recipient-declined", {}, { recipientId: "2" }),
        ],
        [`Template deleted`, { event: "template-deleted", data: {} }],
        ["DocuSign: <DocuSignEnvelopeInformation/>", {
          raw_body: "<DocuSignEnvelopeInformation/>",
        }],
      ] as const
    ) assertEquals(docusign.describe(payload).title, title);
  });

  it("is the same at each attempt, and another for another recipient", () => {
    const idOf = (payload: unknown) => docusign.deliveryId(request(JSON.stringify(payload)));
    const first = idOf(event("recipient-sent", {}, { recipientId: "1" }));
    const again = { ...event("recipient-sent", {}, { recipientId: "1" }), retryCount: 3 };
    assertEquals(idOf(again), first);
    assertNotEquals(idOf(event("recipient-sent", {}, { recipientId: "2" })), first);
    assertEquals(idOf({ event: "envelope-sent" }), undefined);
  });
});
