import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { openCertificates, parseCertificate } from "../../lib/ingress/certificate.ts";
import * as paypal from "../../sources/paypal.ts";
import vector from "../vectors/paypal.json" with { type: "json" };
import { request } from "./request.ts";

const HOST = "https://api.paypal.com/v1/notifications/certs/";
const RECEIVED = Date.parse("2027-01-02T03:04:06Z");

function incoming(
  more: { certificate?: string | null; signature?: string; url?: string; at?: number },
) {
  return request(vector.body, {
    "paypal-transmission-id": vector.transmissionId,
    "paypal-transmission-time": vector.transmissionTime,
    "paypal-transmission-sig": more.signature ?? vector.right.signature,
    "paypal-cert-url": more.url ?? `${HOST}CERT-1`,
    "paypal-auth-algo": "SHA256withRSA",
  }, {
    receivedAt: more.at ?? RECEIVED,
    certificate: more.certificate === null
      ? undefined
      : parseCertificate(more.certificate ?? vector.right.certificate),
  });
}

async function code(found: ReturnType<typeof incoming>, ids = [vector.webhookId]) {
  const verdict = await paypal.verify(found, ids);
  return verdict.ok || verdict.code;
}

describe("a PayPal signature", () => {
  it("is right for any of our webhooks, and for the body as it came", async () => {
    assertEquals(await code(incoming({})), true);
    assertEquals(await code(incoming({}), ["OTHER", vector.webhookId]), true);
    assertEquals(await code(incoming({}), ["OTHER"]), "signature_mismatch");
    const body = new TextEncoder().encode(vector.body + " ");
    assertEquals(await code({ ...incoming({}), body }), "signature_mismatch");
  });

  it("is of the same content where its id, its time and its body are the same", () => {
    const [key] = paypal.signedContentKeys(incoming({}));
    const body = new TextEncoder().encode(vector.body + " ");
    assertEquals(paypal.signedContentKeys(incoming({})), [key]);
    assertEquals(paypal.signedContentKeys({ ...incoming({}), body })[0] === key, false);
  });

  it("is wrong without a certificate, or with one not PayPal's or not valid now", async () => {
    const stranger = vector.stranger;
    for (
      const found of [
        incoming({ certificate: null }),
        incoming(stranger),
        incoming({ at: Date.parse("2020-01-01T00:00:00Z") }),
        incoming({ at: Date.parse("2200-01-01T00:00:00Z") }),
      ]
    ) assertEquals(await code(found), "signature_mismatch");
  });

  it("never makes us fetch anything but a certificate from PayPal's own hosts", async () => {
    assertEquals(paypal.certificateUrl(incoming({})), `${HOST}CERT-1`);
    for (
      const url of [
        "http://api.paypal.com/v1/notifications/certs/CERT-1",
        "https://api.paypal.com.example.org/v1/notifications/certs/CERT-1",
        "https://api.paypal.com@example.org/v1/notifications/certs/CERT-1",
        "https://evil.paypal.com/v1/notifications/certs/CERT-1",
        `${HOST}../../../oauth`,
        `${HOST}CERT-1?next=https://example.org`,
        "http://127.0.0.1/",
        "nonsense",
      ]
    ) {
      assertEquals(paypal.certificateUrl(incoming({ url })), undefined, url);
      assertEquals(await code(incoming({ url })), "signature_malformed", url);
    }
  });
});

describe("a vendor's certificate", () => {
  async function serve(answer: RequestListener, ask: (url: string) => Promise<void>) {
    const server = createServer(answer);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      await ask(`http://127.0.0.1:${(server.address() as AddressInfo).port}/cert`);
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }

  it("is fetched once, however many messages want it", async () => {
    let asked = 0;
    await serve((_, answer) => {
      asked++;
      answer.end(vector.right.certificate);
    }, async (url) => {
      const certificates = openCertificates();
      const found = await Promise.all([1, 2, 3].map(() => certificates.read(url)));
      assertEquals(new Set(found).size, 1);
      assertEquals(await certificates.read(url), found[0]);
      assertEquals(found[0].commonName, "messageverificationcerts.paypal.com");
      assertEquals(asked, 1);
    });
  });

  it("that cannot be had is asked for again", async () => {
    let asked = 0;
    await serve((_, answer) => {
      asked++;
      if (asked === 1) answer.statusCode = 500;
      if (asked === 2) answer.writeHead(302, { location: "/elsewhere" });
      if (asked === 3) answer.write("x".repeat(100_000));
      if (asked === 4) return answer.end();
      if (asked === 5) {
        return answer.end("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----");
      }
      answer.end(vector.right.certificate);
    }, async (url) => {
      const certificates = openCertificates();
      for (let i = 0; i < 5; i++) {
        assertEquals(await certificates.read(url).then(() => "got", () => "failed"), "failed");
      }
      assertEquals(await certificates.read(url), parseCertificate(vector.right.certificate));
    });
  });
});
